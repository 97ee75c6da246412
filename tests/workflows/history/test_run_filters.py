"""Whatever is combined, the pages together hold exactly the runs that are so, each once, the newest first."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from afterword.store.database import Database
from afterword.workflows.history import run_filters, run_search
from afterword.workflows.history.models import RunFilters
from afterword.workflows.history.reading import list_runs
from afterword.workflows.history.search_keeper import SearchKeeper

NUMBER = 2000
COMBINATIONS = 120
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=NUMBER)

WORKFLOWS = """
INSERT INTO workflow (id, name, is_on, survey_id)
SELECT 'OC_' || n, 'W', true, CASE WHEN n = 2 THEN 'SV_1' END FROM generate_series(0, 2) n;
INSERT INTO workflow_revision (workflow_id, number, definition) VALUES
('OC_0', 1, '{"event": {"type": "json-event", "endpoint": "E"}, "tasks": []}'),
('OC_1', 1, '{"event": {"type": "json-event", "endpoint": "E"}, "tasks": [
    {"id": "T", "type": "distribute-survey", "label": "", "configuration": {"survey": "SV_1"}}]}'),
('OC_2', 1, '{"event": {"type": "survey-response", "survey": "SV_2"}, "tasks": []}');
"""
REVISIONS = """
INSERT INTO workflow_revision (workflow_id, number, definition, created_at)
SELECT workflow_id, number + n, definition, $1::timestamptz + make_interval(secs => 400 + 400 * n)
FROM workflow_revision CROSS JOIN generate_series(1, 2) n WHERE workflow_id = 'OC_1'
"""
EVENTS = """
INSERT INTO event (origin, type, body, status)
SELECT 'json-event/E', CASE WHEN n % 3 = 2 THEN 'Survey Response' ELSE 'JSON Event' END,
    '{"customerFirstName": "Ada", "customerId": "cust' || n % 7 || '"}', 'matched' FROM generate_series(1, $1::int) n
"""
RUNS = """
INSERT INTO run (workflow_id, revision, event_id, status, reason_code, problem_id, conversation_id, customer_id,
                 started_at)
SELECT 'OC_' || n % 3, CASE WHEN n % 3 <> 1 OR n < 798 THEN 1 WHEN n < 1202 THEN 2 ELSE 3 END, n,
    CASE WHEN n % 10 = 0 THEN 'failed' WHEN n % 11 = 0 THEN 'waiting' WHEN n % 13 = 0 THEN 'running'
         WHEN n % 3 = 1 THEN 'skipped' ELSE 'succeeded' END,
    CASE WHEN n % 10 = 0 THEN 'gladly-unavailable' WHEN n % 3 = 1 THEN 'no-email' END,
    CASE WHEN n % 30 = 0 THEN 5 END, 'conv' || n / 2, 'cust' || n % 7, $2::timestamptz + make_interval(secs => n)
FROM generate_series(1, $1::int) n
"""

Fits = Callable[[asyncpg.Record], bool]
AFTER, BEFORE = BEGAN + timedelta(seconds=700), BEGAN + timedelta(seconds=1500)
CHOICES: dict[str, list[tuple[Any, Fits]]] = {
    "statuses": [
        (("failed",), lambda run: run["status"] == "failed"),
        (("succeeded",), lambda run: run["status"] == "succeeded"),
        (("running", "waiting"), lambda run: run["status"] in {"running", "waiting"}),
        (
            ("skipped", "succeeded", "running"),
            lambda run: run["status"] in {"skipped", "succeeded", "running"},
        ),
    ],
    "workflow_id": [
        ("OC_1", lambda run: run["workflow_id"] == "OC_1"),
        ("OC_9", lambda _: False),
    ],
    "revision": [
        (1, lambda run: run["revision"] == 1),
        (2, lambda run: run["revision"] == 2),
        (3, lambda run: run["revision"] == 3),
        (4, lambda _: False),
    ],
    "survey_id": [
        ("SV_1", lambda run: run["workflow_id"] in {"OC_1", "OC_2"}),
        ("SV_2", lambda run: run["workflow_id"] == "OC_2"),
        ("SV_9", lambda _: False),
    ],
    "event_type": [
        ("JSON Event", lambda run: run["type"] == "JSON Event"),
        ("Survey Response", lambda run: run["type"] == "Survey Response"),
        ("Survey Response: partial", lambda _: False),
    ],
    "reason_code": [
        ("gladly-unavailable", lambda run: run["reason_code"] == "gladly-unavailable"),
        ("no-email", lambda run: run["reason_code"] == "no-email"),
    ],
    "customer_id": [("cust3", lambda run: run["customer_id"] == "cust3")],
    "conversation_id": [("conv300", lambda run: run["conversation_id"] == "conv300")],
    "event_id": [(600, lambda run: run["event_id"] == 600)],
    "problem_id": [(5, lambda run: run["problem_id"] == 5)],
    "started_from": [(AFTER, lambda run: run["started_at"] >= AFTER)],
    "started_until": [(BEFORE, lambda run: run["started_at"] < BEFORE)],
    "search": [
        ("ada", lambda _: True),
        ("cust3", lambda run: run["customer_id"] == "cust3"),
        ("unavailable gladly", lambda run: run["reason_code"] == "gladly-unavailable"),
        ("nobody", lambda _: False),
    ],
}
RARELY = {"conversation_id", "event_id", "problem_id", "customer_id"}


def combination(chance: random.Random) -> tuple[RunFilters, list[Fits]]:
    chosen = {}
    for name, choices in CHOICES.items():
        if chance.random() < (0.08 if name in RARELY else 0.35):
            chosen[name], _ = chance.choice(choices)
    chosen.pop("survey_id" if "workflow_id" in chosen else "revision", None)
    fits = [fit for name, choices in CHOICES.items() for value, fit in choices if chosen.get(name) == value]
    return RunFilters(**chosen), fits


@pytest.fixture
async def rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[asyncpg.Record]:
    """Two thousand runs, searchable; a page looks at a few of them only, and takes its time."""
    monkeypatch.setattr(run_search, "ENOUGH_SECONDS", 60.0)
    monkeypatch.setattr(run_filters, "ENOUGH_SECONDS", 0.0)
    monkeypatch.setattr(run_filters, "EXAMINED_FIRST", 130)
    await database.pool.execute(WORKFLOWS)
    await database.pool.execute(REVISIONS, BEGAN)
    await database.pool.execute(EVENTS, NUMBER)
    await database.pool.execute(RUNS, NUMBER, BEGAN)
    monkeypatch.setattr("afterword.workflows.history.search_keeper.SETTLE_SECONDS", 0.0)
    keeper = SearchKeeper(database)
    await keeper.tick()
    await keeper.tick()
    return await database.pool.fetch(
        "SELECT run.*, event.type FROM run JOIN event ON event.id = event_id ORDER BY run.id DESC"
    )


@pytest.mark.parametrize("seed", range(4))
async def test_pages_hold_exactly_the_runs_that_are_so(
    database: Database, rows: list[asyncpg.Record], seed: int
) -> None:
    chance = random.Random(seed)
    async with database.transaction() as connection:
        for _ in range(COMBINATIONS // 4):
            filters, fits = combination(chance)
            limit = chance.choice([7, 50, 200])
            ids: list[int] = []
            page = await list_runs(connection, filters, limit=limit)
            while True:
                assert len(page.runs) <= limit
                ids += [run.id for run in page.runs]
                if page.next_before is None:
                    break
                page = await list_runs(connection, filters, before_id=page.next_before, limit=limit)
            assert ids == [row["id"] for row in rows if all(fit(row) for fit in fits)], filters


async def test_the_runs_of_a_revision_are_found_at_once_however_many_came_after(
    database: Database, rows: list[asyncpg.Record]
) -> None:
    filters = RunFilters(workflow_id="OC_1", revision=2)
    async with database.transaction() as connection:
        page = await list_runs(connection, filters)
    assert [run.id for run in page.runs] == [row["id"] for row in rows if row["revision"] == 2][:50]


async def test_a_page_that_looked_at_enough_says_so(database: Database, rows: list[asyncpg.Record]) -> None:
    await database.pool.execute("UPDATE run SET status = 'failed'")
    filters = RunFilters(statuses=("succeeded",))
    before, pages = None, 0
    async with database.transaction() as connection:
        while pages == 0 or before is not None:
            page = await list_runs(connection, filters, before_id=before)
            assert page.runs == ()
            before, pages = page.next_before, pages + 1
    assert pages == NUMBER // 130 + 1


async def test_what_a_workflow_never_did_is_known_at_once(
    database: Database, rows: list[asyncpg.Record]
) -> None:
    await database.pool.execute("UPDATE run SET status = 'failed' WHERE workflow_id = 'OC_0'")
    async with database.transaction() as connection:
        page = await list_runs(connection, RunFilters(statuses=("succeeded",), workflow_id="OC_0"))
    assert (page.runs, page.next_before) == ((), None)


@pytest.mark.parametrize(
    ("took", "left", "expected"),
    [(0.001, 0.019, 500), (0.01, 0.01, 250), (0.019, 0.001, 0), (0.0, 0.02, 500)],
)
def test_no_more_is_looked_at_than_there_is_time_for(took: float, left: float, expected: int) -> None:
    assert run_filters.examined_next(250, took=took, left=left) == expected


async def test_as_long_as_there_is_time_a_page_goes_on(
    database: Database, rows: list[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_filters, "ENOUGH_SECONDS", 60.0)
    await database.pool.execute("UPDATE run SET status = 'failed' WHERE id > 30")
    async with database.transaction() as connection:
        page = await list_runs(connection, RunFilters(statuses=("succeeded",)))
    assert page.runs
    assert page.next_before is None


async def test_a_run_of_a_workflow_that_is_gone_is_found_by_its_reason(
    database: Database, rows: list[asyncpg.Record]
) -> None:
    await database.pool.execute("DELETE FROM workflow")
    async with database.transaction() as connection:
        page = await list_runs(connection, RunFilters(reason_code="gladly-unavailable"), limit=3)
    assert [run.id for run in page.runs] == [2000, 1990, 1980]
