"""The hot queries use their indexes, at 50,000 rows."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from afterword.eligibility import ledger
from afterword.events.models import gladly_origin
from afterword.store import queue
from afterword.store.database import Database
from afterword.workflows.history.event_history import list_events
from afterword.workflows.history.models import EventFilters, RunFilters
from afterword.workflows.history.reading import list_runs
from afterword.workflows.history.retention import FIRST_RUN_SINCE
from afterword.workflows.running import run_store
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
    """(kind of scan, table) of each scan in the plan that PostgreSQL chooses where it is free to."""
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = on")
        plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *values))
    return {(node["Node Type"], node["Relation Name"]) for node in nodes_of(plan) if "Relation Name" in node}


def nodes_of(plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every step of a plan."""

    def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", []):
            yield from walk(child)

    return list(walk(plan[0]["Plan"]))


@pytest.mark.parametrize("statement", [run_store.READ, run_store.MOVE, ledger.LOOK, ledger.SETTLE_SOON])
async def test_what_is_planned_while_tables_are_empty_goes_by_key(database: Database, statement: str) -> None:
    """Such a plan is kept until the server has looked at the tables, which have rows long before that."""
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        parameters = len((await connection.prepare(statement)).get_parameters())
        await connection.execute(f"PREPARE hot AS {statement}")
        nothing = ", ".join(["NULL"] * parameters)
        nodes = nodes_of(
            json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot ({nothing})"))
        )
        await connection.execute("DEALLOCATE hot")
    assert not [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"]
    conditions = [node["Index Cond"] for node in nodes if "Index Cond" in node]
    assert conditions
    assert not [condition for condition in conditions if condition == "(account_id = closing.account_id)"]


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


INVITATIONS = """
INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name,
                        from_name, subject, message, send_at, conversation_id, when_reopened)
SELECT 'EMD_' || n, 'SV_1', 'CID_1', 'CG_1', 't' || n, 'a@x.org', '', '', '', '', '', now(), 'c' || n,
       'cancel-if-not-answered' FROM generate_series(1, $1) AS n
"""
LEDGER = """
INSERT INTO asked (key, account_id, customer_id, conversation_id, run_id, closed_at, state)
SELECT 'run' || n, 'GA_1', 'customer' || n % 20000, 'c' || n, n, now(), 'asked' FROM generate_series(1, $1) AS n
"""
RESPONSES = """
INSERT INTO response (id, survey_id, invitation_id)
SELECT 'R_' || n, 'SV_1', 'EMD_' || n FROM generate_series(1, $1) AS n
"""


async def test_who_was_asked_is_found_by_customer_and_by_conversation(full: Database) -> None:
    await full.pool.execute("INSERT INTO survey (id, name, definition) VALUES ('SV_1', 'CSAT', '{}')")
    await full.pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) VALUES ('CID_1', 'a@x.org', '', '')"
    )
    for statement in (LEDGER, INVITATIONS, RESPONSES):
        await full.pool.execute(statement, ROWS)
    await full.pool.execute("ANALYZE")
    wanted = (["run0/T-1"], ["GA_1"], ["customer7"], ["customer8"], ["c7"], ["gladly/GA_1"])
    found = await scans(
        full, ledger.LOOK, *wanted, "CONVERSATION/CLOSED", "CONVERSATION/REOPENED", ledger.MOST_CLOSINGS
    )
    assert not {scan for scan in found if scan[0] == "Seq Scan"}


async def test_kept_events_are_found_among_those_that_nothing_wants(full: Database) -> None:
    await full.pool.execute(
        "UPDATE event SET status = 'ignored', reason_code = CASE WHEN id % 1000 = 0 THEN 'workflow-was-off' "
        "ELSE 'reopening-noted' END; ANALYZE event"
    )
    where = f"origin = 'gladly/GA_1' AND {feeding.IS_KEPT}"
    query = f"EXPLAIN SELECT id FROM event WHERE {where} ORDER BY id LIMIT 1000"  # noqa: S608 - it is ours
    async with full.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = on")
        plan = await connection.fetch(query)
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
    found = await scans(full, queue.DUE_WITHOUT_JOB, queue.SWEEP_GRACE, queue.SWEEP_BATCH)
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


MOST_READ = 8_000
"""Rows of runs that a page may look at, of 60,000; many more would grow with the number of runs."""
MOST_WITH_A_WORD = 20_000
"""A search may get all runs of a partition that have the word."""


@pytest.fixture
async def history(database: Database) -> Database:
    """60,000 runs of three workflows, searchable. One never failed, one never succeeded."""
    await database.pool.execute(
        """
        INSERT INTO workflow (id, name) SELECT 'OC_' || n, 'W' FROM generate_series(0, 2) n;
        INSERT INTO workflow_revision (workflow_id, number, definition)
        SELECT 'OC_' || n, 1, '{"event": {"type": "json-event", "endpoint": "E"}, "tasks": [
            {"id": "T", "type": "x", "label": "", "configuration": {"survey": "SV_1"}}]}' FROM generate_series(0, 2) n;
        INSERT INTO event (origin, type, body, status, reason_code)
        SELECT 'json-event/E', 'JSON Event', '{}', CASE WHEN n % 999 = 0 THEN 'ignored' ELSE 'matched' END,
               CASE WHEN n % 999 = 0 THEN 'no-workflow' END FROM generate_series(1, 60000) n;
        INSERT INTO run (workflow_id, revision, event_id, status, reason_code, conversation_id, customer_id, problem_id,
                         started_at, due_at)
        SELECT 'OC_' || n % 3, 1, n, status, CASE status WHEN 'succeeded' THEN NULL WHEN 'failed' THEN 'x' ELSE 'y' END,
               'c' || n / 3, 'k' || n % 5000, CASE WHEN status = 'failed' THEN 7 END,
               now() - make_interval(secs => 60000 - n), now()
        FROM generate_series(1, 60000) n CROSS JOIN LATERAL (SELECT CASE n % 3
            WHEN 0 THEN CASE WHEN n % 2 = 0 THEN 'succeeded' ELSE 'waiting' END
            WHEN 1 THEN CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'skipped' END
            ELSE CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'succeeded' END END AS status) told;
        CREATE TABLE run_search_000000 (LIKE run_search INCLUDING DEFAULTS);
        ALTER TABLE run_search ATTACH PARTITION run_search_000000 FOR VALUES FROM (0) TO (250000);
        INSERT INTO run_search (run_id, version, is_open, words)
        SELECT id, version, false, array_to_tsvector(ARRAY['every', 'w' || id, '=status:' || status,
            '=workflow:' || lower(workflow_id)] || CASE WHEN id % 300 = 0 THEN ARRAY['some'] ELSE '{}' END)
        FROM run;
        """
    )
    await database.pool.execute("VACUUM ANALYZE")
    return database


def rows_read(node: dict[str, Any], table: str) -> int:
    """Rows that the plan took from a table's heap or indexes, as it was carried out."""
    own = 0
    if str(node.get("Relation Name", "")).startswith(table):
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own + sum(rows_read(child, table) for child in node.get("Plans", [])))


async def plans_of(database: Database, filters: RunFilters, before_id: int | None) -> list[dict[str, Any]]:
    """The plans, as carried out, of all that a page of run history asks."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sqlalchemy_event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.transaction() as connection:
        await list_runs(connection, filters, before_id=before_id)
    sqlalchemy_event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    plans = []
    async with database.pool.acquire() as plain, plain.transaction():
        for statement, parameters in asked:
            if statement.startswith("LOCK"):
                continue
            if "set_config" in statement:
                await plain.execute(statement)
                continue
            plan = await plain.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
            plans.append(json.loads(plan)[0]["Plan"])
    return plans


AN_HOUR = {
    "started_from": datetime.now(UTC) - timedelta(hours=3),
    "started_until": datetime.now(UTC) - timedelta(hours=2),
}


ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"statuses": ("failed",)},
    {"statuses": ("failed", "succeeded")},
    {"statuses": ("running",)},
    {"workflow_id": "OC_1"},
    {"workflow_id": "OC_0", "statuses": ("failed",)},
    {"workflow_id": "OC_1", "statuses": ("succeeded",)},
    {"workflow_id": "OC_1", "statuses": ("failed", "waiting", "running", "succeeded")},
    {"reason_code": "x"},
    {"reason_code": "x", "workflow_id": "OC_0"},
    {"reason_code": "nothing-like-that"},
    {"event_type": "JSON Event"},
    {"event_type": "JSON Event", "statuses": ("failed",)},
    {"survey_id": "SV_1", "statuses": ("waiting",)},
    {"conversation_id": "c77"},
    {"customer_id": "k9", "statuses": ("failed",)},
    {"event_id": 4711},
    {"problem_id": 7},
    {"problem_id": 7, "workflow_id": "OC_2"},
    AN_HOUR,
    {"workflow_id": "OC_1", **AN_HOUR},
    {"search": "every"},
    {"search": "some"},
    {"search": "w12345"},
    {"search": "nowhere"},
    {"search": "w4"},
    {"search": "every nowhere"},
    {"search": "every", "statuses": ("failed",), "workflow_id": "OC_0"},
    {"search": "some", **AN_HOUR},
)


async def test_a_page_of_run_history_reads_little_whatever_is_asked(history: Database) -> None:
    for filters, before_id in itertools.product(ASKED, (None, 31_000)):
        for plan in await plans_of(history, RunFilters(**filters), before_id):
            read = {table: rows_read(plan, table) for table in ("run", "event")}
            most = MOST_WITH_A_WORD if "search" in filters else MOST_READ
            assert max(read.values()) <= most, (filters, before_id, plan)


async def test_a_page_of_events_reads_little(history: Database) -> None:
    for filters in ({}, {"statuses": ("ignored", "redelivered")}, {"statuses": ("ignored",)}):
        async with history.transaction() as connection:
            page = await list_events(connection, EventFilters(**filters))
        assert page.events or page.next_before
    for statement in (
        "SELECT * FROM event WHERE reason_code = 'no-workflow' AND id < 50000 ORDER BY id DESC LIMIT 51",
        "SELECT * FROM event WHERE status IN ('ignored', 'redelivered') AND id < 50000 ORDER BY id DESC LIMIT 51",
    ):
        assert not {("Seq Scan", "event")} & await scans(history, statement)


async def test_what_is_too_old_is_found_without_reading_what_is_not(history: Database) -> None:
    found = await history.pool.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {FIRST_RUN_SINCE}", datetime.now(UTC) - timedelta(hours=5)
    )
    assert rows_read(json.loads(found)[0]["Plan"], "run") < 100
