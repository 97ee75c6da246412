"""Runs are found by what is known of them, soon after it is known, and none is missed."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from afterword.outcomes import Permanent, Reason, Retry
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done
from afterword.workflows.definitions import JsonEvent
from afterword.workflows.history import run_search, search_keeper
from afterword.workflows.history.models import RunFilters, RunPage
from afterword.workflows.history.reading import list_runs
from afterword.workflows.history.search_keeper import SearchKeeper
from afterword.workflows.history.search_partitions import (
    PARTITION_RUNS,
    drop_empty,
    existing,
    make_ahead,
    name_of,
    partition_of,
)
from afterword.workflows.running.cancelling import cancel_runs
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.replays import ReplaysKeeper, runs_by_id, start_replay
from afterword.workflows.starting.matching import Inbox

BODY = {
    "customerId": "cust1",
    "conversationId": "conv1",
    "customerFirstName": "Ada",
    "customerLastNames": "Lovelace",
    "customerEmailAddress": "ada@example.org",
}
UNREADABLE = ["[]", "{", '{"customerId": 5}', "\ufeff", '"\\ud800"', '{"a":"' + "x" * 20_000 + '"}']


@pytest.fixture
def engine(database: Database, scripted: Any) -> RunEngine:
    return RunEngine(database, {"scripted": scripted})


@pytest.fixture(autouse=True)
def _all_the_time_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "ENOUGH_SECONDS", 60.0)


@pytest.fixture
def keeper(database: Database, monkeypatch: pytest.MonkeyPatch) -> SearchKeeper:
    """One that need not wait until runs have settled."""
    monkeypatch.setattr(search_keeper, "SETTLE_SECONDS", 0.0)
    return SearchKeeper(database)


async def started(database: Database, story: Any, **changes: str) -> int:
    """A run that an event began, not yet worked on."""
    await story.event("json-event/E1", "JSON Event", BODY | changes)
    await Inbox(database, RunQueue(database)).drain()
    return int(await database.pool.fetchval("SELECT max(id) FROM run"))


async def page_of(
    database: Database,
    search: str,
    *,
    before_id: int | None = None,
    limit: int = 50,
    personal: bool = True,
    **filters: Any,
) -> RunPage:
    async with database.transaction() as connection:
        return await list_runs(
            connection,
            RunFilters(search=search, **filters),
            before_id=before_id,
            limit=limit,
            personal=personal,
        )


async def found(database: Database, search: str, **options: Any) -> list[int]:
    return [run.id for run in (await page_of(database, search, **options)).runs]


async def test_a_run_is_found_by_its_customer_conversation_event_and_number(
    database: Database, story: Any, keeper: SearchKeeper
) -> None:
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    other = await started(
        database,
        story,
        customerId="cust2",
        customerFirstName="Grace",
        conversationId="conv2",
        customerEmailAddress="grace@example.org",
    )
    await keeper.tick()
    await keeper.tick()
    for typed in ("ada grace", "nobody"):
        assert await found(database, typed) == []
    assert await found(database, "grace") == [other]
    assert await found(database, "lovelace") == [other, run_id]
    assert await found(database, "cust1 conv1") == [run_id]
    assert await found(database, "ada@example.org") == [run_id]
    assert await found(database, str(run_id)) == [run_id]
    event_id = await database.pool.fetchval("SELECT event_id FROM run WHERE id = $1", other)
    assert other in await found(database, str(event_id))


async def test_what_a_task_finds_out_and_why_a_run_ended_are_found_soon_after(
    database: Database, story: Any, scripted: Any, engine: RunEngine, keeper: SearchKeeper
) -> None:
    await story.workflow()
    await story.webhook()
    await Inbox(database, RunQueue(database)).drain()
    (run_id,) = [row["id"] for row in await database.pool.fetch("SELECT id FROM run")]
    scripted.then(Retry(Reason("gladly-unavailable", "Gladly cannot answer now"), after=0.05))
    scripted.then(Done(BODY | {"itemId": "item-77"}, sent={"messageId": "<EMD_abc123@mail.example.org>"}))
    await engine.advance(run_id)
    await keeper.tick()
    assert await found(database, "cust1") == [run_id]
    assert await found(database, "gladly-unavailable") == [run_id]
    assert await found(database, "ada") == []
    await database.pool.execute("UPDATE run SET due_at = now()")
    await engine.advance(run_id)
    await keeper.tick()
    for typed in ("ada", "item-77", "<EMD_abc123@mail.example.org>", "emd_abc123", "abc123"):
        assert await found(database, typed) == [run_id], typed
    assert await found(database, "gladly-unavailable") == []


async def test_a_run_that_is_cancelled_while_it_waits_is_looked_at_again(
    database: Database, story: Any, scripted: Any, engine: RunEngine, keeper: SearchKeeper
) -> None:
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    scripted.then(Retry(Reason("away", "it is away"), after=3600))
    await engine.advance(run_id)
    await keeper.tick()
    assert await found(database, "ada", statuses=("waiting",)) == [run_id]
    async with database.transaction() as connection:
        await cancel_runs(connection, runs_by_id([run_id]))
    await keeper.tick()
    assert await found(database, "somebody cancelled", statuses=("cancelled",)) == [run_id]
    assert await keeper.tick() == 0


async def test_a_run_that_begins_again_is_looked_at_again(
    database: Database, story: Any, scripted: Any, engine: RunEngine, keeper: SearchKeeper
) -> None:
    """It was at its end, and nothing of it tells that it began again but the replay."""
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    scripted.then(Permanent(Reason("refused", "it was refused")))
    await engine.advance(run_id)
    await keeper.tick()
    assert await found(database, "refused", statuses=("failed",)) == [run_id]
    async with database.transaction() as connection:
        await start_replay(connection, runs_by_id([run_id]), what="it")
    assert await ReplaysKeeper(database, RunQueue(database)).tick() == 1
    await keeper.tick()
    assert await found(database, "refused") == []
    assert await found(database, "ada", statuses=("running",)) == [run_id]


async def test_a_run_that_is_committed_late_is_not_missed(
    database: Database, story: Any, keeper: SearchKeeper, database_url: str
) -> None:
    """Its number is lower than that of one that was looked at before."""
    await story.workflow(JsonEvent("E1"))
    slow = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        late = await slow.fetchval(
            "WITH e AS (INSERT INTO event (origin, type, body) VALUES ('json-event/E1', 'JSON Event', $1) "
            "RETURNING id) INSERT INTO run (workflow_id, revision, event_id, status) "
            "SELECT 'OC_x', 1, id, 'succeeded' FROM e RETURNING id",
            msgspec.json.encode(BODY | {"customerFirstName": "Late"}).decode(),
        )
        early = await started(database, story)
        assert late < early
        for _ in range(3):
            await keeper.tick()
        assert await found(database, "ada") == [early]
        assert await found(database, "late") == []
        await transaction.commit()
        for _ in range(3):
            await keeper.tick()
        assert await found(database, "late") == [late]
    finally:
        await slow.close()
    assert await keeper.tick() == 0


async def test_two_keepers_do_the_same_once_and_one_that_starts_anew_goes_on(
    database: Database, story: Any, keeper: SearchKeeper
) -> None:
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    other = SearchKeeper(database)
    assert [await keeper.tick(), await other.tick(), await keeper.tick(), await other.tick()].count(1) == 1
    again = await started(database, story, customerFirstName="Grace")
    anew = SearchKeeper(database)
    await anew.tick()
    await anew.tick()
    assert await found(database, "lovelace") == [again, run_id]


@pytest.mark.parametrize("body", UNREADABLE)
async def test_an_event_that_cannot_be_read_keeps_no_run_from_being_found(
    database: Database, story: Any, keeper: SearchKeeper, body: str
) -> None:
    await story.workflow(JsonEvent("E1"))
    odd = await started(database, story)
    await database.pool.execute("UPDATE event SET body = $1", body)
    await database.pool.execute(
        "UPDATE run SET reason_code = 'odd-reason', outputs = '{\"T-1\": {\"xId\": [1]}}'"
    )
    whole = await started(database, story)
    await keeper.tick()
    await keeper.tick()
    assert await found(database, "odd-reason") == [odd]
    assert await found(database, "ada") == [whole]


async def test_names_and_addresses_find_nothing_for_those_who_may_not_see_them(
    database: Database, story: Any, keeper: SearchKeeper
) -> None:
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    await keeper.tick()
    await keeper.tick()
    for typed in ("ada", "lovelace", "ada@example.org", "example", "conv1 ada"):
        assert await found(database, typed, personal=False) == []
    page = await page_of(database, "conv1", personal=False)
    assert [(run.id, run.customer.id, run.customer.name, run.customer.email) for run in page.runs] == [
        (run_id, "cust1", "", "")
    ]


async def test_filters_hold_for_what_a_run_is_now(
    database: Database, story: Any, engine: RunEngine, keeper: SearchKeeper
) -> None:
    """Words are a moment older than runs."""
    await story.workflow(JsonEvent("E1"))
    run_id = await started(database, story)
    await keeper.tick()
    await keeper.tick()
    assert await found(database, "ada", statuses=("running",)) == [run_id]
    await engine.advance(run_id)
    assert await found(database, "ada", statuses=("running",)) == []


FILL = """
INSERT INTO run_search (run_id, version, is_open, words)
SELECT n, 0, false,
       array_to_tsvector(ARRAY['common', 'n' || n] || CASE WHEN n % $3 = 0 THEN ARRAY['~rare'] ELSE '{}' END)
FROM generate_series($1::bigint, $2::bigint) n
"""
RUNS = """
INSERT INTO run (id, workflow_id, revision, event_id, status) OVERRIDING SYSTEM VALUE
SELECT n, 'OC_1', 1, n, 'succeeded' FROM generate_series($1::bigint, $2::bigint) n
"""


@pytest.fixture
async def spread(database: Database) -> list[range]:
    """Runs at the end of one partition, in the middle of the one after the next, and at the beginning of the next."""
    ranges = [
        range(PARTITION_RUNS - 3000, PARTITION_RUNS),
        range(2 * PARTITION_RUNS + 5, 2 * PARTITION_RUNS + 4005),
        range(3 * PARTITION_RUNS, 3 * PARTITION_RUNS + 500),
    ]
    await make_ahead(database, 0, 3 * PARTITION_RUNS)
    for numbers in ranges:
        await database.pool.execute(RUNS, numbers[0], numbers[-1])
        await database.pool.execute(FILL, numbers[0], numbers[-1], 250)
    return ranges


@pytest.mark.parametrize("typed", ["common", "rare", "rare common", "comm"])
async def test_pages_go_through_all_partitions_and_miss_nothing(
    database: Database, spread: list[range], typed: str
) -> None:
    wanted = [n for numbers in spread for n in numbers if "rare" not in typed or n % 250 == 0]
    ids: list[int] = []
    page = await page_of(database, typed, limit=199)
    ids += [run.id for run in page.runs]
    while page.next_before is not None:
        page = await page_of(database, typed, before_id=page.next_before, limit=199)
        ids += [run.id for run in page.runs]
    assert ids == sorted(wanted, reverse=True)


async def test_a_search_that_takes_its_time_says_how_far_it_came(
    database: Database, spread: list[range], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_search, "ENOUGH_SECONDS", 0.0)
    oldest = spread[0][0]
    page = await page_of(database, f"n{oldest}")
    assert (page.runs, page.next_before) == ((), PARTITION_RUNS)
    page = await page_of(database, f"n{oldest}", before_id=page.next_before)
    assert ([run.id for run in page.runs], page.next_before) == ([oldest], None)


async def test_partitions_are_made_before_they_are_needed_and_dropped_when_they_are_empty(
    database: Database, spread: list[range]
) -> None:
    async with database.pool.acquire() as connection:
        assert await existing(connection) == {0, 1, 2, 3, 4}
        await database.pool.execute("DELETE FROM run WHERE id < $1", 2 * PARTITION_RUNS)
        assert await drop_empty(database, 2 * PARTITION_RUNS + 5) == 2
        assert await existing(connection) == {2, 3, 4}
        first = 7 * PARTITION_RUNS
        await asyncio.gather(
            *(make_ahead(database, first, first) for _ in range(3))
        )  # workers that start at once
        assert await existing(connection) == {2, 3, 4, 7, 8}
    assert await found(database, f"n{3 * PARTITION_RUNS}")


async def test_a_partition_that_is_being_searched_is_dropped_later(
    database: Database, spread: list[range]
) -> None:
    await database.pool.execute("DELETE FROM run WHERE id < $1", 2 * PARTITION_RUNS)
    async with database.transaction() as connection:
        assert (await list_runs(connection, RunFilters(search="rare"))).runs
        assert await drop_empty(database, 2 * PARTITION_RUNS + 5) == 0
    assert await drop_empty(database, 2 * PARTITION_RUNS + 5) == 2


@pytest.mark.parametrize("number", [0, 1, 999_999, 1_000_000])
def test_a_partition_is_known_by_its_name(number: int) -> None:
    name: Callable[[int], str] = name_of
    assert partition_of(number * PARTITION_RUNS) == number
    assert int(name(number).rpartition("_")[2]) == number
