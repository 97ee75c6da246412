"""Run history: what happened, read for pages, for the command line and as JSON.

Each function is one query, or a fixed few, whatever the number of runs; listings go from the newest
downwards and page by id. What is answered stands in ``history_models.py``.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause, RowMapping, Select, Subquery, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.concerned import FROM_SURVEY, Concerned, concerned, named_by
from afterword.workflows.definitions import Definition
from afterword.workflows.history_models import (
    ALL_EVENTS,
    ALL_RUNS,
    AttemptHistory,
    EventFilters,
    EventSummary,
    EventTold,
    RunFilters,
    RunHistory,
    RunSummary,
    TaskHistory,
    TaskStatus,
    WorkflowName,
)

__all__ = [
    "EventFilters",
    "EventSummary",
    "RunFilters",
    "RunHistory",
    "RunSummary",
    "get_run",
    "list_events",
    "list_runs",
    "list_workflow_names",
]

LARGEST_BODY_LOOKED_INTO = 16_384
"""Bytes; a listing does not look for the customer in an event that is larger."""
LARGEST_ID = 2**63 - 1


async def list_runs(
    connection: AsyncConnection,
    filters: RunFilters = ALL_RUNS,
    *,
    before_id: int | None = None,
    limit: int = 50,
) -> list[RunSummary]:
    """The newest runs, or the newest of those older than ``before_id``. One query."""
    run = tables.run
    page = select(run).order_by(run.c.id.desc()).limit(limit)
    if filters.status is not None:
        page = page.where(run.c.status == filters.status)
    if filters.workflow_id is not None:
        page = page.where(run.c.workflow_id == filters.workflow_id)
    if filters.conversation_id is not None:
        page = page.where(run.c.conversation_id == filters.conversation_id)
    if before_id is not None:
        page = page.where(run.c.id < min(before_id, LARGEST_ID))
    rows = await connection.execute(_summaries(page.subquery("page")))
    return [_summary(row) for row in rows.mappings()]


async def get_run(connection: AsyncConnection, run_id: int) -> RunHistory | None:
    """One run with its event, its tasks and their attempts; ``None`` when there is none."""
    if not 0 < run_id <= LARGEST_ID:
        return None
    page = select(tables.run).where(tables.run.c.id == run_id).subquery("page")
    row = (await connection.execute(_summaries(page))).mappings().one_or_none()
    if row is None:
        return None
    run = _summary(row)
    event_columns = [tables.event.c[name] for name in EventTold.__struct_fields__]
    event = await connection.execute(select(*event_columns).where(tables.event.c.id == run.event_id))
    told = event.mappings().one_or_none()
    definition = await connection.scalar(
        select(tables.workflow_revision.c.definition).where(
            tables.workflow_revision.c.workflow_id == run.workflow_id,
            tables.workflow_revision.c.number == run.revision,
        )
    )
    attempt = tables.task_attempt
    attempts = await connection.execute(
        select(attempt).where(attempt.c.run_id == run_id).order_by(attempt.c.id)
    )
    return RunHistory(
        run=run,
        event=None if told is None else EventTold(**told),
        tasks=_tasks(
            run,
            None if definition is None else msgspec.convert(definition, Definition),
            attempts.mappings().all(),
        ),
    )


async def list_events(
    connection: AsyncConnection,
    filters: EventFilters = ALL_EVENTS,
    *,
    before_id: int | None = None,
    limit: int = 50,
) -> list[EventSummary]:
    """The newest events, or the newest of those older than ``before_id``, each with its runs. One query."""
    event, run = tables.event, tables.run
    page = select(event).order_by(event.c.id.desc()).limit(limit)
    if filters.statuses:
        page = page.where(event.c.status.in_(filters.statuses))
    if before_id is not None:
        page = page.where(event.c.id < min(before_id, LARGEST_ID))
    told = page.subquery("told")
    run_ids = select(func.array_agg(run.c.id)).where(run.c.event_id == told.c.id).scalar_subquery()
    own = [told.c[name] for name in EVENT_COLUMNS]
    query = (
        select(*own, run_ids.label("run_ids"), *_concerned_columns(told))
        .select_from(_with_respondent(told, told))
        .order_by(told.c.id.desc())
    )
    return [_event_summary(row) for row in (await connection.execute(query)).mappings()]


async def list_workflow_names(connection: AsyncConnection) -> list[WorkflowName]:
    """Every workflow by name, for choosing one."""
    rows = await connection.execute(
        select(tables.workflow.c.id, tables.workflow.c.name).order_by(func.lower(tables.workflow.c.name))
    )
    return [WorkflowName(row.id, row.name) for row in rows]


def _tasks(
    run: RunSummary, definition: Definition | None, attempts: Sequence[RowMapping]
) -> tuple[TaskHistory, ...]:
    """Each task of the run with its attempts; without a definition, those tasks that were attempted."""
    by_position: dict[int, list[AttemptHistory]] = {}
    for attempt in attempts:
        by_position.setdefault(attempt["position"], []).append(_attempt(attempt))
    count = max(by_position, default=-1) + 1 if definition is None else len(definition.tasks)
    tasks = []
    for position in range(count):
        task = None if definition is None else definition.tasks[position]
        tasks.append(
            TaskHistory(
                position=position,
                id=None if task is None else task.id,
                type=None if task is None else task.type,
                label=None if task is None else task.label,
                status=_task_status(run, position),
                attempts=tuple(by_position.get(position, ())),
            )
        )
    return tuple(tasks)


def _task_status(run: RunSummary, position: int) -> TaskStatus:
    if position < run.tasks_done:
        return "succeeded"
    return run.status if position == run.tasks_done else "not reached"


def _attempt(row: RowMapping) -> AttemptHistory:
    output = dict(row["output"])
    sent = output.pop("sent", {})
    return AttemptHistory(
        attempt=row["attempt"],
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        started_at=row["started_at"],
        duration_seconds=(row["finished_at"] - row["started_at"]).total_seconds(),
        input=row["input"],
        output=output,
        sent=sent,
    )


RUN_COLUMNS = (
    "id",
    "workflow_id",
    "revision",
    "status",
    "reason_code",
    "event_id",
    "started_at",
    "finished_at",
    "due_at",
)
EVENT_COLUMNS = (
    "id",
    "type",
    "origin",
    "status",
    "reason_code",
    "reason_words",
    "redelivery_of",
    "received_at",
    "occurred_at",
    "conversation_id",
)


def _summaries(page: Subquery) -> Select[Any]:
    """The runs of a page, each with its workflow and whom its event is about."""
    workflow, revision, event = tables.workflow, tables.workflow_revision, tables.event
    runs = (
        page.outerjoin(workflow, workflow.c.id == page.c.workflow_id)
        .outerjoin(
            revision, (revision.c.workflow_id == page.c.workflow_id) & (revision.c.number == page.c.revision)
        )
        .outerjoin(event, event.c.id == page.c.event_id)
    )
    return (
        select(
            *(page.c[name] for name in RUN_COLUMNS),
            page.c.reason_words.label("reason"),
            page.c.outputs,
            page.c.position.label("tasks_done"),
            workflow.c.name.label("workflow"),
            func.jsonb_array_length(revision.c.definition["tasks"]).label("tasks"),
            event.c.type.label("event_type"),
            event.c.origin.label("event_origin"),
            func.coalesce(page.c.conversation_id, event.c.conversation_id).label("conversation_id"),
            *_concerned_columns(event),
        )
        .select_from(_with_respondent(runs, event))
        .order_by(page.c.id.desc())
    )


def _concerned_columns(event: FromClause) -> list[ColumnElement[Any]]:
    """What tells whom an event is about."""
    body = case((func.octet_length(event.c.body) <= LARGEST_BODY_LOOKED_INTO, event.c.body))
    return [
        body.label("body"),
        tables.response.c.embedded_data,
        tables.invitation.c.first_name,
        tables.invitation.c.last_name,
        tables.invitation.c.email,
    ]


def _with_respondent(source: FromClause, event: FromClause) -> FromClause:
    """Add the response that a survey's event tells of (its id is the event's key) and its invitation."""
    response, invitation = tables.response, tables.invitation
    response_id = case(
        (event.c.origin.startswith(FROM_SURVEY), func.convert_from(event.c.deduplication_key, "UTF8"))
    )
    return source.outerjoin(response, response.c.id == response_id).outerjoin(
        invitation, invitation.c.id == response.c.invitation_id
    )


def _concerned(origin: str | None, row: RowMapping) -> Concerned:
    found = concerned(
        origin or "",
        row["body"],
        embedded_data=row["embedded_data"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
    )
    return Concerned(found.customer, row["conversation_id"] or found.conversation_id)


def _summary(row: RowMapping) -> RunSummary:
    about = named_by(row["outputs"], _concerned(row["event_origin"], row))
    finished_at = row["finished_at"]
    return RunSummary(
        **{name: row[name] for name in RUN_COLUMNS},
        reason=row["reason"],
        workflow=row["workflow"],
        event_type=row["event_type"],
        event_origin=row["event_origin"],
        tasks_done=row["tasks_done"],
        tasks=row["tasks"],
        customer=about.customer,
        conversation_id=about.conversation_id,
        duration_seconds=None if finished_at is None else (finished_at - row["started_at"]).total_seconds(),
    )


def _event_summary(row: RowMapping) -> EventSummary:
    about = _concerned(row["origin"], row)
    return EventSummary(
        id=row["id"],
        type=row["type"],
        origin=row["origin"],
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        redelivery_of=row["redelivery_of"],
        customer=about.customer,
        conversation_id=about.conversation_id,
        received_at=row["received_at"],
        occurred_at=row["occurred_at"],
        run_ids=tuple(sorted(row["run_ids"] or ())),
    )
