"""Results are found and counted over indexes, at 50,000 responses and invitations."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.distributions.asked import response_rate
from afterword.store.database import Database
from afterword.surveys.definitions import Survey, add_survey, csat_survey, get_survey
from afterword.surveys.results import (
    ALL_RESULTS,
    About,
    ResultFilters,
    count_scores_by_day,
    list_results,
)

ROWS = 50_000
INVITATIONS = """
INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name,
    embedded_data, from_name, subject, message, send_at, sent_at)
SELECT 'EMD_' || n, $1, 'CID_1', 'CG', 't' || n, '', '', '',
    jsonb_build_object('InboxId', 'in' || n % 50, 'AgentId', 'ag' || n % 90, 'CustomerId', 'cu' || n % 9000,
        'ConversationId', 'V' || n), '', '', '', now() - make_interval(mins => n * 20), now()
FROM generate_series(1, $2) n
"""
RESPONSES = """
INSERT INTO response (id, survey_id, invitation_id, embedded_data, score, recorded_at, invited_at)
SELECT 'R_' || substr(id, 5), survey_id, id, embedded_data, 1 + length(id) % 5, send_at, send_at FROM invitation
"""
Asking = Callable[[AsyncConnection, Survey, ResultFilters], Awaitable[object]]


@pytest.fixture
async def survey(database: Database) -> Survey:
    """A survey of which 50,000 were sent, and as many answered, over two years."""
    async with database.transaction() as connection:
        survey = await get_survey(
            connection, await add_survey(connection, name="C", definition=csat_survey())
        )
    assert survey is not None
    pool = database.pool
    await pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) VALUES ('CID_1', 'a@x.org', '', '')"
    )
    for table in ("invitation", "response"):  # counted at once, in place of each by itself
        await pool.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await pool.execute(INVITATIONS, survey.id, ROWS)
    await pool.execute(RESPONSES)
    await pool.execute("SELECT count_surveys_anew()")
    await pool.execute("VACUUM ANALYZE response, invitation, survey_count")
    return survey


def scans_of(node: dict[str, Any]) -> set[str]:
    here = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    return here.union(*(scans_of(child) for child in node.get("Plans", [])))


async def read_through(
    database: Database, survey: Survey, asking: Asking, filters: ResultFilters
) -> set[str]:
    """The tables of which every row is read."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    engine = database.engine.sync_engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    async with database.transaction() as connection:
        await asking(connection, survey, filters)
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    async with database.pool.acquire() as plain, plain.transaction():
        await plain.execute("SET LOCAL enable_seqscan = on")
        plans = [
            await plain.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            for statement, parameters in asked
        ]
    found = set().union(*(scans_of(json.loads(plan)[0]["Plan"]) for plan in plans))
    return found - {"survey_count_change"}  # a few seconds' changes


async def newest(connection: AsyncConnection, survey: Survey, filters: ResultFilters) -> object:
    return await list_results(connection, survey, filters, limit=50)


async def older(connection: AsyncConnection, survey: Survey, filters: ResultFilters) -> object:
    return await list_results(connection, survey, filters, before="R_9000", limit=50)


async def rate(connection: AsyncConnection, survey: Survey, filters: ResultFilters) -> object:
    return await response_rate(connection, survey.id, filters)


async def test_no_filter_reads_every_response_or_invitation(database: Database, survey: Survey) -> None:
    since = datetime.now(UTC) - timedelta(days=30)
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    one = [
        About(inbox_id="in7"),
        About(agent_id="ag7"),
        About(conversation_id="V7"),
        About(customer_id="cu7"),
    ]
    by_time = [ResultFilters(recorded_from=since), ResultFilters(recorded_from=midnight)]
    for filters in (*by_time, *(ResultFilters(about=about) for about in one)):
        for asking in (newest, older, count_scores_by_day, rate):
            assert not await read_through(database, survey, asking, filters), (asking, filters)
    for asking in (newest, older, count_scores_by_day, rate):
        assert not await read_through(database, survey, asking, ALL_RESULTS)
