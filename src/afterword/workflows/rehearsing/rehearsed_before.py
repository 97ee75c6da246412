"""What a rehearsal is held against: the last real run of the workflow, with the same event if there is one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.store.database import Database
from afterword.workflows.definitions import Definition

CONSIDERED = 200
"""So many of the newest runs are looked through for one that did something."""


class TaskLastTime(msgspec.Struct, frozen=True, kw_only=True):
    """How a task of the last run ended, and what it sent."""

    id: str
    status: str
    reason: str | None
    finished_at: datetime
    sent: Mapping[str, object]


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a rehearsal is held against; ``same_event`` tells that it was made by the event rehearsed with."""

    run_id: int
    event_id: int
    revision: int
    status: str
    started_at: datetime
    same_event: bool
    tasks: tuple[TaskLastTime, ...] = ()


async def last_run(database: Database, workflow_id: str, event_id: int | None) -> LastRun | None:
    """The run of this workflow with this event, else its newest that was not skipped, else its newest."""
    async with database.transaction() as connection:
        row = await _find(connection, workflow_id, event_id)
        if row is None:
            return None
        definition = await connection.scalar(
            select(tables.workflow_revision.c.definition).where(
                tables.workflow_revision.c.workflow_id == workflow_id,
                tables.workflow_revision.c.number == row.revision,
            )
        )
        attempt = tables.task_attempt
        attempts = await connection.execute(
            select(attempt).where(attempt.c.run_id == row.id).order_by(attempt.c.id)
        )
    tasks = () if definition is None else msgspec.convert(definition, Definition).tasks
    ids = {position: task.id for position, task in enumerate(tasks)}
    return LastRun(
        run_id=row.id,
        event_id=row.event_id,
        revision=row.revision,
        status=row.status,
        started_at=row.started_at,
        same_event=row.event_id == event_id,
        tasks=tuple(_last_attempts(ids, attempts.all()).values()),
    )


async def _find(connection: AsyncConnection, workflow_id: str, event_id: int | None) -> Row[Any] | None:
    run = tables.run
    of_workflow = select(run).where(run.c.workflow_id == workflow_id)
    if event_id is not None:
        found = (await connection.execute(of_workflow.where(run.c.event_id == event_id))).first()
        if found is not None:
            return found
    newest: Select[Any] = of_workflow.order_by(run.c.id.desc()).limit(CONSIDERED)
    rows = (await connection.execute(newest)).all()
    done = (row for row in rows if row.status in {"succeeded", "failed"})
    return next(done, rows[0] if rows else None)


def _last_attempts(ids: Mapping[int, str], attempts: Sequence[Row[Any]]) -> dict[str, TaskLastTime]:
    """By task the attempt that counts: the last that sent something, else the last."""
    told: dict[str, TaskLastTime] = {}
    for row in attempts:
        task_id = ids.get(row.position)
        sent = row.output.get("sent", {})
        if task_id is None or (task_id in told and told[task_id].sent and not sent):
            continue
        told[task_id] = TaskLastTime(
            id=task_id,
            status=row.status,
            reason=row.reason_words,
            finished_at=row.finished_at,
            sent=sent,
        )
    return told
