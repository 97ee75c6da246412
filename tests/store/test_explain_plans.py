"""Explain finds what it is asked for over indexes, at 50,000 rows: none of its queries reads a large table through."""

import json
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from afterword.store.database import Database
from afterword.workflows.explaining.explain import explain

ROWS = 50_000
LARGE = {"event", "run", "task_attempt", "invitation", "response", "contact"}


@pytest.fixture
async def full(database: Database) -> Database:
    """50,000 of everything, about as many conversations and customers."""
    for statement in (
        "INSERT INTO survey (id, name, definition) VALUES ('SV_1', 'CSAT', '{\"questions\": []}')",
        (
            "INSERT INTO contact (id, email, first_name, last_name) "
            "SELECT 'CID_' || n, 'c' || n || '@x.org', '', '' FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO event (origin, type, deduplication_key, conversation_id, occurred_at, body, status) "
            "SELECT 'gladly/GA_' || n % 3, 'CONVERSATION/CLOSED', convert_to(n::text, 'UTF8'), 'conv' || n, now(), "
            "'{}', 'matched' FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO event (origin, type, deduplication_key, body, status) "
            "SELECT 'survey/SV_1', 'Survey Response', convert_to('R_' || n, 'UTF8'), '{}', 'matched' "
            "FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO run (workflow_id, revision, event_id, status, conversation_id, customer_id, due_at) "
            "SELECT 'OC_' || n % 3, 1, n, 'succeeded', 'conv' || n, 'cust' || n, NULL FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO task_attempt (run_id, position, attempt, status, input, output, started_at, finished_at) "
            "SELECT n, 0, 1, 'succeeded', jsonb_build_object('email', 'c' || n || '@x.org'), '{}', now(), now() "
            "FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, "
            "last_name, embedded_data, from_name, subject, message, send_at) "
            "SELECT 'EMD_' || n, 'SV_1', 'CID_' || n, 'CG_1', 't' || n, 'c' || n || '@x.org', '', '', "
            "jsonb_build_object('ConversationId', 'conv' || n), '', '', '', now() FROM generate_series(1, $1) AS n"
        ),
        (
            "INSERT INTO response (id, survey_id, invitation_id, embedded_data) SELECT 'R_' || n, 'SV_1', 'EMD_' || n, "
            "jsonb_build_object('ConversationId', 'conv' || n) FROM generate_series(1, $1) AS n"
        ),
    ):
        await database.pool.execute(statement, *([ROWS] if "$1" in statement else []))
    await database.pool.execute("ANALYZE")
    return database


async def tables_read_through(database: Database, asked: str) -> tuple[set[str], int]:
    """The large tables of which a plan reads every row, and how many stories were told."""
    queries: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        queries.append((statement, parameters))

    sqlalchemy_event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.transaction() as connection:
        explanation = await explain(connection, asked, personal=True)
    sqlalchemy_event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    through: set[str] = set()
    for statement, parameters in queries:
        if statement.startswith("SET"):
            continue
        async with database.pool.acquire() as plain, plain.transaction():
            await plain.execute("SET LOCAL enable_seqscan = on")
            plan = await plain.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
        through |= set(read_through(json.loads(plan)[0]["Plan"]))
    return through & LARGE, len(explanation.stories)


def read_through(node: dict[str, Any]) -> list[str]:
    here = [node["Relation Name"]] if node["Node Type"] == "Seq Scan" else []
    return here + [table for child in node.get("Plans", []) for table in read_through(child)]


async def test_no_look_up_reads_a_large_table_through(full: Database) -> None:
    """One test, as filling the tables takes longer than all the look-ups."""
    for asked in ("conv77", "cust77", "C77@x.org", "R_77", "EMD_77", "<EMD_77@x.org>", "77", "event 77"):
        assert await tables_read_through(full, asked) == (set(), 1), asked
    for asked in ("nobody", "nobody@x.org", "R_none", "EMD_none"):
        assert await tables_read_through(full, asked) == (set(), 0), asked
