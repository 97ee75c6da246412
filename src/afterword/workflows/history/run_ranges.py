"""What filters come to before runs are read: the range of their numbers, and the workflows that can be meant."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, exists, func, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import JSON_EVENT, SCHEDULE, SURVEY_RESPONSE
from afterword.store import tables
from afterword.workflows.history.models import RunFilters

LARGEST_ID = 2**63 - 1
OUT_OF_ORDER = timedelta(seconds=10)
"""So far the order of numbers and that of beginnings may differ: transactions that make runs are shorter."""

HALVING = """
WITH RECURSIVE halving (low, high) AS (
    SELECT min(id), max(id) + 1 FROM {table}
  UNION ALL
    SELECT CASE WHEN probe.moment < {wanted} THEN probe.id + 1 ELSE low END,
           CASE WHEN probe.moment < {wanted} THEN high ELSE (low + high) / 2 END
    FROM halving CROSS JOIN LATERAL (
        SELECT id, {moment} AS moment FROM {table} WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1
    ) probe
    WHERE low < high
)
SELECT low FROM halving WHERE low >= high
"""
"""The first row of a moment or later: numbers rise with time, so that halving finds it."""

ID_AT = text(HALVING.format(table="run", moment="started_at", wanted=":moment"))

WORKFLOWS_WITH_RUNS = text("""
WITH RECURSIVE next_one (id) AS (
    (SELECT workflow_id FROM run ORDER BY workflow_id LIMIT 1)
  UNION ALL
    SELECT (SELECT workflow_id FROM run WHERE workflow_id > next_one.id ORDER BY workflow_id LIMIT 1)
    FROM next_one WHERE next_one.id IS NOT NULL
)
SELECT id FROM next_one WHERE id IS NOT NULL
""")


class Bounds(msgspec.Struct, frozen=True):
    """The runs that are asked for by number: from ``low``, below ``before``."""

    low: int
    before: int


async def bounds_of(connection: AsyncConnection, filters: RunFilters, before_id: int | None) -> Bounds:
    """The numbers that the runs can have."""
    low, before = 0, LARGEST_ID if before_id is None else max(0, min(before_id, LARGEST_ID))
    saved, followed = await _time_of_revision(connection, filters)
    started_from = max(filter(None, (filters.started_from, saved)), default=None)
    started_until = min(filter(None, (filters.started_until, followed)), default=None)
    if started_from is not None:
        moment = started_from - OUT_OF_ORDER
        low = await connection.scalar(ID_AT, {"moment": moment}) or 0
    if started_until is not None:
        moment = started_until + OUT_OF_ORDER
        before = min(before, await connection.scalar(ID_AT, {"moment": moment}) or before)
    return Bounds(low, before)


async def _time_of_revision(
    connection: AsyncConnection, filters: RunFilters
) -> tuple[datetime | None, datetime | None]:
    """When the revision became the current one, and when the next did: between these its runs began.

    The first was always the current one, the last still is.
    """
    if filters.workflow_id is None or filters.revision is None:
        return None, None
    revision, number = tables.workflow_revision, filters.revision
    rows = await connection.execute(
        select(revision.c.number, revision.c.created_at).where(
            revision.c.workflow_id == filters.workflow_id, revision.c.number.in_((number, number + 1))
        )
    )
    saved = {row.number: row.created_at for row in rows}
    return saved.get(number) if number > 1 else None, saved.get(number + 1)


async def workflows_meant(connection: AsyncConnection, filters: RunFilters) -> list[str] | None:
    """The workflows whose runs can be meant; ``None`` for any.

    A survey's are those that it is listed under, and those with a revision that starts with it or sends it.
    """
    if filters.workflow_id is not None:
        return [filters.workflow_id]
    if filters.survey_id is not None:
        rows = await connection.scalars(_workflows_of_survey(filters.survey_id))
    elif filters.event_type is not None:
        rows = await connection.scalars(_workflows_of_event(filters.event_type))
    elif filters.reason_code is not None:
        rows = await connection.scalars(WORKFLOWS_WITH_RUNS)
    else:
        return None
    return list(rows)


def _workflows_of_survey(survey_id: str) -> Select[Any]:
    workflow, definition = tables.workflow, tables.workflow_revision.c.definition
    task = func.jsonb_array_elements(definition["tasks"]).table_valued("value", name="task").lateral()
    sends = exists(
        select(1)
        .select_from(task)
        .where(task.c.value.op("->")("configuration").op("->>")("survey") == survey_id)
    )
    by_revision = select(tables.workflow_revision.c.workflow_id).where(
        or_(definition["event"]["survey"].astext == survey_id, sends)
    )
    return select(
        union(select(workflow.c.id).where(workflow.c.survey_id == survey_id), by_revision).subquery().c.id
    )


EVENT_KINDS = {JSON_EVENT: "json-event", SCHEDULE: "schedule", SURVEY_RESPONSE: "survey-response"}


def _workflows_of_event(event_type: str) -> Select[Any]:
    kind = EVENT_KINDS.get(event_type.partition(":")[0], "gladly-conversation-closed")
    revision = tables.workflow_revision
    return (
        select(revision.c.workflow_id).where(revision.c.definition["event"]["type"].astext == kind).distinct()
    )
