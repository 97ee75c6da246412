"""A backfill against the sandbox: each record, what cannot be read, and what is known already."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.backfill.conftest import CLOSED, Life, Past, Scene
from tests.conftest import Eventually
from tests.fixtures.sandbox import Sandbox

from afterword.backfill import rows
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.reading import Read, reader
from afterword.backfill.rows import Backfill, NotOurs
from afterword.backfill.settling import stop
from afterword.backfill.slices import Slice, Span
from afterword.gladly.webhooks import parse
from afterword.outcomes import Reason, Retry

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def day() -> datetime:
    """A day of the past, from midnight on, that no other test uses."""
    DAYS.append(DAYS[-1] + 2)
    return now().replace(hour=0, minute=0, second=0, microsecond=0) - DAYS[-1] * DAY


DAYS = [40]


def of(conversations: list[tuple[str, str]]) -> set[str]:
    return {conversation for _, conversation in conversations}


async def test_closings_of_the_last_day_come_from_the_list_of_events_each_once(
    scene: Scene, past: Past
) -> None:
    await scene.workflow()
    begin = now() - 23 * HOUR
    made = past.conversations([([begin + n * 4 * HOUR], []) for n in range(1, 5)])
    done = await scene.backfill(begin, now() - HOUR)
    assert (done.state, done.missing) == ("finished", ())
    assert [one for one in await scene.asked_about() if one in of(made)] == [one for _, one in made]
    again = await scene.backfill(begin, now() - HOUR)
    assert (again.fresh, again.known) == (0, done.closings)
    assert len(await scene.asked_about()) == done.recorded


async def test_older_ones_come_from_the_report_with_all_that_a_webhook_tells(
    scene: Scene, past: Past, day: datetime
) -> None:
    await scene.workflow()
    ((customer, conversation),) = past.conversations([([day + 9 * HOUR], [])])
    done = await scene.backfill(day, day + DAY)
    assert (done.closings, done.fresh, done.recorded, done.missing) == (1, 1, 1, ())
    assert await scene.runs() == [(conversation, day + 9 * HOUR)]
    event = await scene.database.pool.fetchrow("SELECT * FROM event WHERE type = $1", CLOSED)
    assert event is not None
    assert (event["found_in"], event["backfill_id"]) == ("report", done.id)
    told = parse(event["body"].encode())
    assert (told.customer_id, told.conversation_id) == (customer, conversation)
    assert (told.occurred_at, told.initiator_type) == (day + 9 * HOUR, "AGENT")
    assert told.inbox_id


async def test_what_a_webhook_told_is_known_whatever_its_id(scene: Scene, past: Past, day: datetime) -> None:
    await scene.workflow()
    moments = [day + n * HOUR for n in range(1, 7)]
    made = past.conversations(
        [
            ([moment, moment + 600 * timedelta(seconds=1)], [moment + timedelta(seconds=300)])
            for moment in moments
        ]
    )
    for (_, conversation), moment in zip(made[::2], moments[::2], strict=True):
        await scene.deliver(conversation, moment, event_id=f"webhook {conversation}")
    assert len(await scene.runs()) == 3
    done = await scene.backfill(day, day + DAY)
    assert (done.closings, done.known, done.recorded) == (12, 3, 9)
    assert len(await scene.runs()) == 12


async def test_runs_of_what_was_found_go_behind_live_ones(scene: Scene, past: Past, day: datetime) -> None:
    await scene.workflow()
    past.conversation(day + HOUR)
    await scene.backfill(day, day + DAY)
    await scene.deliver("live", day + HOUR)
    await scene.runs()
    assert [row[0] for row in await scene.database.pool.fetch("SELECT priority FROM run ORDER BY id")] == [
        1,
        0,
    ]


async def test_a_report_at_its_cap_is_read_by_inbox_and_channel_until_nothing_is_cut(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox
) -> None:
    await scene.workflow()
    inboxes = await (await scene.accounts.gladly(scene.account_id)).inboxes()
    made = []
    for inbox in inboxes[:2]:
        for channel in ("CHAT", "EMAIL"):
            lives: list[Life] = [([day + timedelta(minutes=10 * n)], []) for n in range(1, 13)]
            made += past.conversations(lives, inboxId=inbox.id, channel=channel)
    with sandbox.switched(reportRowCap=50):
        done = await capped(scene, 50).work(await scene.begin(day, day + DAY))
    assert (done.missing, done.recorded) == ((), len(made))
    assert set(await scene.asked_about()) == of(made)


async def test_what_cannot_be_divided_is_a_gap_and_what_was_seen_of_it_is_not_lost(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox
) -> None:
    await scene.workflow()
    inbox = (await (await scene.accounts.gladly(scene.account_id)).inboxes())[0]
    made = past.conversations(
        [([day + timedelta(minutes=10 * n)], []) for n in range(1, 41)], inboxId=inbox.id, channel="CHAT"
    )
    with sandbox.switched(reportRowCap=50):
        done = await capped(scene, 50).work(await scene.begin(day, day + DAY))
    (missing,) = done.missing
    assert (missing.inbox, missing.channel, missing.since, missing.until) == (
        inbox.name,
        "chat",
        day,
        day + DAY,
    )
    assert "cannot be divided further" in missing.words
    assert 0 < done.recorded < len(made)


@pytest.mark.parametrize("filters", ["refused", "ignored"])
async def test_a_report_that_gladly_does_not_divide_is_one_gap(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox, filters: str
) -> None:
    past.conversations([([day + timedelta(minutes=10 * n)], []) for n in range(1, 41)])
    with sandbox.switched(reportRowCap=50, reportFilters=filters):
        done = await capped(scene, 50).work(await scene.begin(day, day + DAY))
    (missing,) = done.missing
    assert (missing.inbox, missing.channel) == (None, None)
    assert done.recorded > 0


async def test_the_export_fills_what_a_cut_report_does_not_have(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox
) -> None:
    await scene.workflow()
    made = past.conversations([([day + timedelta(minutes=10 * n)], []) for n in range(1, 41)], channel="CHAT")
    sandbox.control("POST", "export-jobs", {"startAt": day.isoformat(), "endAt": (day + DAY).isoformat()})
    with sandbox.switched(reportRowCap=50):
        done = await capped(scene, 50).work(await scene.begin(day, day + DAY))
    assert (done.missing, done.closings, done.recorded) == ((), 40, 40)
    assert set(await scene.asked_about()) == of(made)
    sources = await scene.database.pool.fetch("SELECT DISTINCT found_in FROM event ORDER BY 1")
    assert [row[0] for row in sources] == ["export", "report"]


REPORTS = {"method": "POST", "path": "/api/v1/reports"}


async def test_where_reports_are_not_permitted_the_export_gives_what_it_has_and_the_rest_is_a_gap(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox
) -> None:
    await scene.workflow()
    made = past.conversations([([day + n * HOUR], []) for n in (1, 5, 13, 20)])
    noon = day + 12 * HOUR
    sandbox.control("POST", "export-jobs", {"startAt": day.isoformat(), "endAt": noon.isoformat()})
    with sandbox.fault("answer", status=403, **REPORTS):
        done = await scene.backfill(day, day + DAY)
    (missing,) = done.missing
    assert (missing.since, missing.until) == (noon, day + DAY)
    assert "does not permit" in missing.words
    assert set(await scene.asked_about()) == of(made[:2])


async def test_where_the_list_of_events_is_not_given_reports_are_read_but_for_the_last_hour(
    scene: Scene, past: Past, sandbox: Sandbox
) -> None:
    await scene.workflow()
    begin = now() - 23 * HOUR - timedelta(minutes=50)
    made = past.conversations([([begin + timedelta(minutes=2)], []), ([now() - 2 * HOUR], [])])
    with sandbox.fault("answer", status=403, method="GET", path="/api/v1/events"):
        done = await scene.backfill(begin, now() - timedelta(minutes=1))
    (missing,) = done.missing
    assert abs(now() - HOUR - missing.since) < timedelta(minutes=1)
    assert "does not permit" in missing.words
    asked = await scene.asked_about()
    assert [asked.count(conversation) for _, conversation in made] == [1, 1]


@pytest.mark.parametrize(
    "switches",
    [
        {"emptyReport": "nothing"},
        {"reportStart": "byte-order-mark"},
        {"reportTimes": "local"},
        {"reportTimes": "zoned"},
    ],
)
async def test_however_a_report_is_written_it_is_read(
    scene: Scene, past: Past, day: datetime, sandbox: Sandbox, switches: dict[str, str]
) -> None:
    await scene.workflow()
    made = past.conversations([([day + n * HOUR], []) for n in (0, 23)])
    with sandbox.switched(**switches):
        done = await scene.backfill(day, day + 2 * DAY)
    assert (done.missing, done.recorded) == ((), 2)
    assert set(await scene.asked_about()) == of(made)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
async def test_a_day_of_the_organization_is_found_whole_also_where_clocks_are_put_back(
    scene: Scene, past: Past, zone: str
) -> None:
    await scene.workflow()
    here = ZoneInfo(zone)
    midnight = datetime(2025, 11, 2, tzinfo=here)
    following = datetime(2025, 11, 3, tzinfo=here)
    moments = [
        midnight - timedelta(seconds=1),
        midnight,
        datetime(2025, 11, 2, 1, 30, tzinfo=here),
        datetime(2025, 11, 2, 1, 30, fold=1, tzinfo=here) + timedelta(minutes=2),
        following.astimezone(UTC) - timedelta(seconds=1),
        following,
    ]
    made = past.conversations([([moment.astimezone(UTC)], []) for moment in moments])
    begin, end = midnight.astimezone(UTC), following.astimezone(UTC)
    await scene.backfill(begin, end)
    asked = [one for one in await scene.asked_about() if one in of(made)]
    assert asked == [conversation for _, conversation in made[1:5]]


def capped(scene: Scene, most_rows: int) -> Backfiller:
    """What takes a report with so many rows for cut."""
    settings = msgspec.structs.replace(scene.settings, gladly_report_rows=most_rows)
    return Backfiller(scene.database, reader(scene.accounts, settings), time_scale=0.001)


class Scripted:
    """Records that give what a test says, part after part."""

    def __init__(self, scene: Scene) -> None:
        self._real = reader(scene.accounts, scene.settings)
        self.parts: list[Slice] = []
        self.failures: list[Exception] = []
        self.hangs_at: int | None = None

    async def read(self, account_id: str, part: Slice) -> Read:
        self.parts.append(part)
        if self.failures:
            raise self.failures.pop(0)
        if len(self.parts) == self.hangs_at:
            await asyncio.Event().wait()
        return await self._real(account_id, part)


async def take_up(scene: Scene) -> Backfill | None:
    async with scene.database.pool.acquire() as connection:
        return await rows.take_up(connection)


async def test_one_that_was_interrupted_is_gone_on_with_where_it_was(
    scene: Scene, past: Past, day: datetime, eventually: Eventually
) -> None:
    await scene.workflow()
    made = past.conversations([([day + HOUR], []), ([day + DAY + HOUR], [])])
    records = Scripted(scene)
    records.hangs_at = 2
    backfiller = Backfiller(scene.database, records.read)
    begun = await scene.begin(day, day + 2 * DAY)
    working = asyncio.create_task(backfiller.work(begun))
    await eventually(lambda: len(records.parts) == 2)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert await take_up(scene) is None  # it was heard of a moment ago
    await scene.database.pool.execute("UPDATE backfill SET working_until = now()")
    taken = await take_up(scene)
    assert taken is not None
    done = await Backfiller(scene.database, records.read).work(taken)
    assert (done.state, done.closings, done.recorded) == ("finished", 2, 2)
    assert [part.span.since for part in records.parts] == [day, day + DAY, day + DAY]
    assert set(await scene.asked_about()) == of(made)


async def test_one_that_is_stopped_records_no_more_and_whoever_works_on_it_hears_of_it(
    scene: Scene, past: Past, day: datetime
) -> None:
    past.conversation(day + HOUR)
    begun = await scene.begin(day, day + DAY)
    async with scene.database.pool.acquire() as connection, connection.transaction():
        await stop(connection, begun.id, Reason("not-wanted", "it is not wanted"))
    with pytest.raises(NotOurs):
        await scene.backfiller.work(begun)
    assert await scene.database.pool.fetchval("SELECT count(*) FROM event") == 0
    assert await scene.database.pool.fetchval("SELECT count(*) FROM backfill_found") == 0


async def test_while_gladly_cannot_be_asked_it_waits_and_then_goes_on(
    scene: Scene, past: Past, day: datetime
) -> None:
    past.conversation(day + HOUR)
    records = Scripted(scene)
    records.failures = [Retry(Reason("gladly-unavailable", "Gladly has trouble"), after=1.0)]
    backfiller = Backfiller(scene.database, records.read, time_scale=0.001)
    put_off = await backfiller.work(await scene.begin(day, day + DAY))
    assert (put_off.state, put_off.reason_code, put_off.attempt) == ("reading", "gladly-unavailable", 1)
    assert await take_up(scene) is None
    await scene.database.pool.execute("UPDATE backfill SET due_at = now()")
    taken = await take_up(scene)
    assert taken is not None
    assert (await backfiller.work(taken)).recorded == 1


async def test_one_account_has_one_at_a_time_and_what_nobody_confirmed_is_let_go(
    scene: Scene, past: Past, day: datetime
) -> None:
    past.conversation(day + HOUR)
    asked = await scene.backfiller.work(await scene.begin(day, day + DAY, is_confirmed=False))
    assert (asked.state, asked.fresh, asked.recorded) == ("ready", 1, 0)
    async with scene.database.pool.acquire() as connection:
        assert (
            await rows.begin(
                connection, scene.account_id, Span(day, day + DAY), cause="regular", is_confirmed=True
            )
            is None
        )
        assert await rows.let_go_unanswered(connection) == []
        await connection.execute("UPDATE backfill SET working_until = now()")
        assert await rows.let_go_unanswered(connection) == [asked.id]
    assert (await scene.backfill(day, day + DAY)).recorded == 1
