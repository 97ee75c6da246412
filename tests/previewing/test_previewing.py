"""The last week counted by rules: closings in Gladly's records, judged as live ones are; nothing is sent."""

from datetime import datetime, timedelta

import msgspec
import pytest
from tests.previewing.conftest import HOUR, Count, Past, Scene

from afterword.eligibility.week import QuietHours
from afterword.previewing import conversations, moments, rows
from afterword.previewing.keeping import PreviewKeeper
from afterword.previewing.previewer import Previewer
from afterword.previewing.rows import NotOurs, Preview

MINUTE = timedelta(minutes=1)
RULE = {"type": "AUTOMATION", "id": "a-rule"}


def told(preview: Preview) -> tuple[int, int, dict[str, int]]:
    """Of how many conversations how many were asked about, and how many each reason kept from it."""
    assert preview.result is not None, preview.reason_words
    result = preview.result
    return result.conversations, result.asked, {one.code: one.number for one in result.reasons}


def closed_by(past: Past, at: datetime, **by: str) -> None:
    closings = [{"at": at.isoformat(), "by": by}]
    past.conversation(at, closings=closings)


async def test_what_the_records_tell_is_judged_as_a_live_closing_is(
    count_day: Count, past: Past, scene: Scene, day: datetime
) -> None:
    for number in range(5):
        past.conversation(day + number * MINUTE)
    closed_by(past, day, **RULE)
    past.conversation(day, customer={"name": "No Address", "phone": "+15555550123"})
    assert told(await count_day()) == (7, 6, {"customer-has-no-email": 1})
    by_rules = await count_day(not_closed_by=("rule",))
    assert told(by_rules) == (7, 5, {"closed-by-rule": 1, "customer-has-no-email": 1})
    assert by_rules.result is not None
    assert by_rules.result.is_exact
    events = await scene.database.pool.fetchval("SELECT count(*) FROM event")
    asked = await scene.database.pool.fetchval("SELECT count(*) FROM asked")
    assert (events, asked) == (0, 0)


async def test_whom_these_rules_would_have_asked_before_counts(
    count_day: Count, past: Past, scene: Scene, day: datetime
) -> None:
    customer, _ = past.conversation(day - 3 * HOUR)
    for hours in (0, 2):
        past.conversation(day + hours * HOUR, customer={"id": customer})
    past.conversation(day, day + HOUR, reopenings=[day + 30 * MINUTE])
    assert told(await count_day()) == (4, 4, {})
    assert told(await count_day(once_in_days=30)) == (4, 2, {"asked-lately": 2})
    await scene.database.pool.execute(
        "INSERT INTO asked (key, account_id, customer_id, asked_at, state) VALUES ('k', $1, $2, $3, 'asked')",
        scene.account_id,
        customer,
        day - timedelta(days=3),
    )
    assert told(await count_day(once_in_days=30)) == (4, 1, {"asked-lately": 3})
    assert told(await count_day(once_in_days=2)) == (4, 2, {"asked-lately": 2})


async def test_rules_about_topics_and_messages_ask_gladly_and_quiet_hours_only_delay(
    count_day: Count, past: Past, day: datetime
) -> None:
    asked_at = (day - 20 * MINUTE).isoformat()
    said = [{"at": asked_at, "text": "A question?"}]
    answered = [*said, {"at": (day - MINUTE).isoformat(), "text": "Yes.", "by": {"type": "AGENT"}}]
    for messages in (said, answered):
        past.conversation(day, startedAt=asked_at, messages=messages)
    quiet = (QuietHours(begin="12:00", end="13:00"),)
    preview = await count_day(agent_must_have_written="any")
    assert told(preview) == (2, 1, {"no-agent-message": 1})
    preview = await count_day(quiet_hours=quiet, time_zone="UTC")
    assert told(preview) == (2, 2, {})
    assert preview.result is not None
    assert preview.result.waited == 2


async def test_what_was_read_is_not_read_again_for_other_rules(
    count_day: Count, past: Past, scene: Scene, day: datetime
) -> None:
    past.conversation(day)
    first = await count_day(agent_must_have_written="any")
    turns = scene.budget.turns
    turns.clear()
    second = await count_day(customer_must_have_written=True, share_percent=100)
    assert second.version == first.version + 1
    assert turns == []


async def test_where_there_are_many_some_customers_are_drawn_and_the_rest_is_estimated(
    count_day: Count, past: Past, day: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST_LOOKED_AT", 10)
    past.conversations([((day + number * MINUTE,), ()) for number in range(40)])
    closed_by(past, day, **RULE)
    preview = await count_day(not_closed_by=("rule",))
    result = preview.result
    assert result is not None
    assert (result.conversations, result.asked, result.looked_at) == (41, 40, 10)
    assert 10 <= result.low < result.asked == result.high
    assert [(one.code, one.number, one.is_exact) for one in result.reasons] == [("closed-by-rule", 1, True)]


async def test_a_name_that_gladly_does_not_have_is_told(count_day: Count, past: Past, day: datetime) -> None:
    past.conversation(day)
    preview = await count_day(only_inboxes=("Nowhere",))
    assert preview.state == "failed"
    assert "Gladly has no inbox “Nowhere”" in (preview.reason_words or "")


async def test_who_asks_anew_is_not_disturbed_by_what_was_asked_before(
    count_day: Count, previewer: Previewer, past: Past, scene: Scene, day: datetime
) -> None:
    past.conversation(day)
    former = await count_day()
    pool = scene.database.pool
    await pool.execute("UPDATE preview SET version = version + 1, state = 'looking', finished_at = NULL")
    with pytest.raises(NotOurs):
        await previewer.work(msgspec.structs.replace(former, state="looking"))
    with pytest.raises(NotOurs):
        await previewer.work(msgspec.structs.replace(former, state="reading", read_until=former.since))
    assert await pool.fetchval("SELECT state FROM preview") == "looking"


async def test_a_fault_is_put_off_and_no_worker_dies_of_it(
    scene: Scene, previewer: Previewer, count_day: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    await count_day()
    pool = scene.database.pool
    await pool.execute("UPDATE preview SET state = 'looking', finished_at = NULL, working_until = now()")
    monkeypatch.setattr(previewer, "work", fail)
    await PreviewKeeper(scene.database, previewer).tick()
    put_off = await pool.fetchrow("SELECT attempt, reason_code, due_at > now() AS later FROM preview")
    assert put_off is not None
    assert tuple(put_off) == (1, "unexpected-error", True)


async def test_a_worker_takes_it_up_and_lets_go_what_was_read(
    scene: Scene, previewer: Previewer, past: Past, day: datetime, count_day: Count
) -> None:
    past.conversation(day)
    await count_day()
    database = scene.database
    await database.pool.execute(
        "UPDATE preview SET state = 'looking', finished_at = NULL, working_until = now()"
    )
    keeper = PreviewKeeper(database, previewer)
    await keeper.tick()
    async with database.pool.acquire() as connection:
        preview = await rows.get_preview(connection, scene.account_id)
        assert preview is not None
        assert told(preview) == (1, 1, {})
        await keeper.forget_old()
        assert await moments.read(connection, scene.account_id)
        await database.pool.execute("UPDATE preview SET finished_at = now() - interval '25 h'")
        await keeper.forget_old()
        assert await moments.read(connection, scene.account_id) == []
        assert await moments.read_facts(connection, scene.account_id) == {}
        preview = await rows.get_preview(connection, scene.account_id)
        assert preview is not None
        assert told(preview) == (1, 1, {})
