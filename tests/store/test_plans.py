"""The hot queries use their indexes, at 50,000 rows."""

import json
from typing import Any

import pytest

from afterword.events.models import gladly_origin
from afterword.store.database import Database
from afterword.workflows.starting import feeding, matching, repeated_closings, schedules

ROWS = 50_000


@pytest.fixture
async def full(database: Database) -> Database:
    """50,000 events and runs; the inbox is empty but for ten, and ten runs are due."""
    await database.pool.execute(
        "INSERT INTO event (origin, type, deduplication_key, conversation_id, occurred_at, body, status) "
        "SELECT 'gladly/GA_1', 'CONVERSATION/CLOSED', convert_to(n::text, 'UTF8'), 'c' || n, now(), '{}', "
        "CASE WHEN n > $1 - 10 THEN 'received' ELSE 'matched' END FROM generate_series(1, $1) AS n",
        ROWS,
    )
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, due_at, conversation_id) "
        "SELECT 'OC_' || n % 3, 1, n, CASE WHEN n > $1 - 10 THEN 'waiting' ELSE 'succeeded' END, "
        "now() - interval '1 hour', 'c' || n FROM generate_series(1, $1) AS n",
        ROWS,
    )
    await database.pool.execute("ANALYZE")
    return database


async def scans(database: Database, query: str, *values: object) -> set[tuple[str, str]]:
    """(kind of scan, table) of each scan in the plan."""
    plan = json.loads(await database.pool.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *values))

    def walk(node: dict[str, Any]) -> set[tuple[str, str]]:
        here = {(node["Node Type"], node["Relation Name"])} if "Relation Name" in node else set()
        return here.union(*(walk(child) for child in node.get("Plans", [])))

    return walk(plan[0]["Plan"])


async def test_taking_from_the_inbox_does_not_read_the_events_that_are_done(full: Database) -> None:
    assert not {("Seq Scan", "event")} & await scans(full, matching.TAKE, matching.BATCH_SIZE)


async def test_a_conversations_history_is_found_by_its_index(full: Database) -> None:
    found = await scans(
        full,
        repeated_closings.HISTORY_OF_CONVERSATIONS.replace("$1", "ARRAY['gladly/GA_1']")
        .replace("$2", "ARRAY['c7']")
        .replace("$3", "ARRAY[now() - interval '1 day']")
        .replace("$4", "ARRAY[now()]")
        .replace("$5", "ARRAY['CONVERSATION/CLOSED']"),
    )
    assert gladly_origin("GA_1") == "gladly/GA_1"
    assert not {("Seq Scan", "event")} & found


async def test_kept_events_are_found_among_those_that_nothing_wants(full: Database) -> None:
    await full.pool.execute(
        "UPDATE event SET status = 'ignored', reason_code = CASE WHEN id % 1000 = 0 THEN 'workflow-was-off' "
        "ELSE 'reopening-noted' END; ANALYZE event"
    )
    where = f"origin = 'gladly/GA_1' AND {feeding.IS_KEPT}"
    query = f"EXPLAIN SELECT id FROM event WHERE {where} ORDER BY id LIMIT 1000"  # noqa: S608 - it is ours
    plan = await full.pool.fetch(query)
    assert any("event_kept_idx" in row[0] for row in plan)


async def test_schedules_that_are_not_due_are_not_read(full: Database) -> None:
    await full.pool.execute(
        "INSERT INTO workflow (id, name) SELECT 'OC_' || n, 'x' FROM generate_series(1, 5000) AS n"
    )
    await full.pool.execute(
        "INSERT INTO schedule SELECT id, '0 9 * * *', 'UTC', now() + interval '1 day' FROM workflow"
    )
    await full.pool.execute("ANALYZE schedule")
    assert not {("Seq Scan", "schedule")} & await scans(full, schedules.TAKE_DUE, schedules.MOST_AT_ONCE)


async def test_the_sweep_reads_the_runs_that_are_due_only(full: Database) -> None:
    found = await scans(
        full,
        "SELECT run.id FROM run WHERE run.status IN ('running', 'waiting') AND run.due_at <= now() "
        "AND NOT EXISTS (SELECT FROM pgqueuer WHERE pgqueuer.dedupe_key = run.id::text "
        "AND pgqueuer.status IN ('queued', 'picked')) ORDER BY run.due_at LIMIT 1000",
    )
    assert not {("Seq Scan", "run")} & found


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM run ORDER BY id DESC LIMIT 50",
        "SELECT * FROM run WHERE id < 40000 ORDER BY id DESC LIMIT 50",
        "SELECT * FROM run WHERE conversation_id = 'c9' ORDER BY id DESC LIMIT 50",
        "SELECT * FROM run WHERE event_id = 9",
        "SELECT * FROM task_attempt WHERE run_id = 9 ORDER BY id",
    ],
)
async def test_run_history_pages_by_an_index(full: Database, query: str) -> None:
    assert not {("Seq Scan", "run")} & await scans(full, query)
