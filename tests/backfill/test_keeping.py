"""A worker finds by itself what was missed: at its start, once an hour, and after a gap."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.backfill.conftest import Past, Scene

from afterword.backfill.keeping import BackfillKeeper
from afterword.events.gaps import list_gaps, note_gap
from afterword.outcomes import Reason

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OFF = Reason("webhook-off", "it was off")


def keeper(scene: Scene, **options: timedelta) -> BackfillKeeper:
    return BackfillKeeper(
        scene.database, scene.backfiller, **{"every": HOUR, "look_back": 3 * HOUR} | options
    )


async def looked_until(scene: Scene, ago: timedelta) -> None:
    """As if the last look had ended so long ago, and the workflow had been there for longer."""
    await scene.database.pool.execute(
        "INSERT INTO gladly_reading (account_id, begins_at, checked_until) "
        "VALUES ($1, now() - interval '90 days', now() - $2::interval)",
        scene.account_id,
        ago,
    )
    await scene.database.pool.execute("UPDATE workflow SET created_at = now() - interval '90 days'")


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


async def test_an_outage_of_more_than_a_day_costs_no_survey(scene: Scene, past: Past) -> None:
    """Closings from before Gladly's list of events begins, and in it; some were told before it all went down."""
    await scene.workflow()
    before = past.conversation(ago(41 * HOUR))
    made = past.conversations([([ago(hours * HOUR)], []) for hours in range(39, 0, -2)])
    twice = past.conversation(ago(30 * HOUR), ago(8 * HOUR), reopenings=[ago(9 * HOUR)])
    await scene.deliver(before[1], ago(41 * HOUR))
    await looked_until(scene, 40 * HOUR)
    await asyncio.gather(*(keeper(scene).tick() for _ in range(3)))
    mine = {conversation for _, conversation in (*made, before, twice)}
    asked = [one for one in await scene.asked_about() if one in mine]
    assert sorted(asked) == sorted([*(one for _, one in made), before[1], twice[1], twice[1]])
    found = await scene.database.pool.fetch("SELECT DISTINCT found_in FROM event ORDER BY 1")
    assert [row[0] for row in found] == ["events", "report", None]


async def test_ten_starts_look_once_and_a_look_that_finds_nothing_leaves_no_trace(
    scene: Scene,
) -> None:
    await scene.workflow()
    await looked_until(scene, 30 * MINUTE)
    looks = [await keeper(scene).tick() for _ in range(10)]
    assert sum(looks) == 1
    assert await scene.database.pool.fetchval("SELECT count(*) FROM backfill WHERE recorded = 0") == 0


async def test_a_start_soon_after_the_hour_looks_again_from_where_the_last_look_ended(
    scene: Scene, past: Past
) -> None:
    await scene.workflow()
    await looked_until(scene, 30 * MINUTE)
    await scene.database.pool.execute(
        "UPDATE gladly_reading SET check_due_at = now() + interval '30 minutes'"
    )
    _, conversation = past.conversation(ago(10 * MINUTE))
    assert await keeper(scene).tick() == 1
    assert conversation in await scene.asked_about()
    until = await scene.database.pool.fetchval("SELECT now() - checked_until FROM gladly_reading")
    assert MINUTE < until < 3 * MINUTE


async def test_an_hour_later_the_last_hours_are_looked_through_again_and_only_what_is_new_is_recorded(
    scene: Scene, past: Past
) -> None:
    await scene.workflow()
    await looked_until(scene, 4 * HOUR)
    _, first = past.conversation(ago(2 * HOUR))
    one = keeper(scene)
    await one.tick()
    _, late = past.conversation(ago(3 * HOUR))  # Gladly's list was behind
    assert await one.tick() == 0
    await scene.database.pool.execute("UPDATE gladly_reading SET check_due_at = now()")
    assert await one.tick() == 1
    asked = await scene.asked_about()
    assert (asked.count(first), asked.count(late)) == (1, 1)


async def test_what_no_workflow_would_start_with_is_not_looked_for(scene: Scene, past: Past) -> None:
    await scene.workflow(is_on=False)
    past.conversation(ago(5 * HOUR))
    await looked_until(scene, 10 * HOUR)
    assert await keeper(scene).tick() == 0
    await scene.workflow()
    await scene.database.pool.execute("UPDATE gladly_reading SET check_due_at = now()")
    await keeper(scene).tick()
    assert await scene.runs() == []  # it was made only later


async def test_what_was_closed_before_the_account_was_connected_is_not_looked_for(
    scene: Scene, past: Past
) -> None:
    await scene.workflow()
    _, before = past.conversation(ago(3 * HOUR))
    _, after = past.conversation(ago(30 * MINUTE))
    await looked_until(scene, 48 * HOUR)
    await scene.database.pool.execute("UPDATE gladly_reading SET begins_at = now() - interval '1 hour'")
    assert await keeper(scene).tick() == 1
    asked = await scene.asked_about()
    assert (before in asked, after in asked) == (False, True)


async def test_an_account_whose_closings_are_not_wanted_is_left_alone_and_not_made_up_for_later(
    scene: Scene, past: Past
) -> None:
    await scene.workflow()
    past.conversation(ago(5 * HOUR))
    await looked_until(scene, 10 * HOUR)
    for delivery in ("none", "by-hand"):
        await scene.database.pool.execute("UPDATE connected_account SET delivery = $1", delivery)
        await scene.database.pool.execute("UPDATE gladly_reading SET check_due_at = now()")
        await keeper(scene).tick()
    assert await scene.runs() == []


async def test_a_gap_is_looked_through_and_closed(scene: Scene, past: Past) -> None:
    await scene.workflow()
    await looked_until(scene, 3 * MINUTE)
    _, conversation = past.conversation(ago(15 * HOUR))
    async with scene.database.pool.acquire() as connection, connection.transaction():
        await note_gap(connection, scene.account_id, ago(16 * HOUR), ago(14 * HOUR), OFF)
    one = keeper(scene, look_back=MINUTE)
    assert [await one.tick() for _ in range(2)] == [1, 1]  # the last hours, and then the gap: one at a time
    assert (await scene.asked_about()).count(conversation) == 1
    async with scene.database.pool.acquire() as connection:
        (gap,) = await list_gaps(connection)
    assert gap.state == "closed"
    assert await one.tick() == 0


async def test_a_gap_that_is_widened_while_it_is_looked_through_stays_open(scene: Scene) -> None:
    await scene.workflow()
    await looked_until(scene, 3 * MINUTE)
    async with scene.database.pool.acquire() as connection, connection.transaction():
        await note_gap(connection, scene.account_id, ago(16 * HOUR), ago(14 * HOUR), OFF)
    one = keeper(scene, look_back=MINUTE)
    await one._begin_due()
    async with scene.database.pool.acquire() as connection, connection.transaction():
        await note_gap(connection, scene.account_id, ago(15 * HOUR), ago(12 * HOUR), OFF)
    await one.tick()
    async with scene.database.pool.acquire() as connection:
        assert [gap.state for gap in await list_gaps(connection)] == ["open"]
    await one.tick()
    async with scene.database.pool.acquire() as connection:
        assert [gap.state for gap in await list_gaps(connection)] == ["closed"]
