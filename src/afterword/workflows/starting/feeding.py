"""Events that were kept, run later: each makes one run of a workflow at most, and none before live events.

Kept are events that came while their workflow was off, had no task yet, or did not want their kind.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import Value, audit
from afterword.events.models import survey_response_type
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.queue import RunQueue
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.definitions import ConversationClosed, Event, SurveyResponse
from afterword.workflows.saving.listing import Workflow, get_workflow
from afterword.workflows.saving.refusals import NoTask
from afterword.workflows.starting.matching import (
    BEHIND_LIVE_EVENTS,
    KIND_NOT_TICKED,
    NO_WORKFLOW,
    WORKFLOW_HAD_NO_TASK,
    WORKFLOW_WAS_OFF,
    is_of_its_kind,
)
from afterword.workflows.starting.starters import origin_of

MOST_AT_ONCE = 1000
FED = N_("run with earlier events")
"""What the audit log says of it."""
KEPT = (NO_WORKFLOW.code, WORKFLOW_WAS_OFF.code, WORKFLOW_HAD_NO_TASK.code, KIND_NOT_TICKED)
IS_KEPT = text(
    f"event.status = 'ignored' AND event.reason_code IN ({', '.join(f'{code!r}' for code in KEPT)})"
)
"""Written out, not bound: by these very values the index of kept events is found."""

START = """
INSERT INTO run (workflow_id, revision, event_id, priority)
SELECT :workflow_id, :revision, id, :priority FROM unnest(CAST(:event_ids AS bigint[])) AS fed (id) ORDER BY id
ON CONFLICT (event_id, workflow_id) DO NOTHING
RETURNING id, event_id
"""

MARK = """
UPDATE event SET status = 'matched', reason_code = NULL, reason_words = NULL
WHERE id = ANY(CAST(:event_ids AS bigint[])) AND status = 'ignored'
"""


class NotOn(ConfigurationError):
    """Events are not run by a workflow that is off: its runs would only be held."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"The workflow is off; turn it on first: afterword workflows on {workflow_id}")


class Refused(msgspec.Struct, frozen=True):
    """An event that cannot be run by the workflow, and why."""

    event_id: int
    words: str


class Fed(msgspec.Struct, frozen=True):
    """What came of feeding events: the runs that were started, how many events had one already, and the others."""

    runs: tuple[int, ...]
    already: int
    refused: tuple[Refused, ...]


class KeptEvent(msgspec.Struct, frozen=True):
    """An event that was kept for a workflow, and why it started nothing."""

    id: int
    type: str
    received_at: datetime
    reason_code: str
    reason: str


async def feed(
    connection: AsyncConnection, queue: RunQueue, workflow_id: str, event_ids: Sequence[int]
) -> Fed:
    """Have a workflow run events that came before, behind live ones; an event that it ran is not run again.

    A redelivered event stands for the one that it repeats.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
        NotOn, NoTask: the workflow cannot run anything.
        ValueError: there are more than 1,000 events.
    """
    if len(event_ids) > MOST_AT_ONCE:
        raise ValueError(f"At most {MOST_AT_ONCE} events at once.")
    workflow = await workflow_that_runs(connection, workflow_id)
    wanted, refused = await _sort_out(connection, workflow, event_ids)
    started = (
        await connection.execute(
            text(START),
            {
                "workflow_id": workflow_id,
                "revision": workflow.revision,
                "priority": BEHIND_LIVE_EVENTS,
                "event_ids": wanted,
            },
        )
    ).all()
    await connection.execute(text(MARK), {"event_ids": [row.event_id for row in started]})
    raw = await connection.get_raw_connection()
    plain: Any = raw.driver_connection
    runs = tuple(row.id for row in started)
    if runs:
        told: dict[str, Value] = {"events": len(runs)}
        await audit(connection, "workflow", FED, (workflow_id, workflow.name), after=told)
    await queue.enqueue(plain, runs, behind=True)
    return Fed(runs, len(wanted) - len(runs), tuple(refused))


async def workflow_that_runs(connection: AsyncConnection, workflow_id: str) -> Workflow:
    """The workflow, if it can run anything.

    Raises:
        NoSuchWorkflow, NotOn, NoTask: it cannot.
    """
    workflow = await get_workflow(connection, workflow_id)
    if not workflow.definition.tasks:
        raise NoTask
    if not workflow.is_on:
        raise NotOn(workflow_id)
    return workflow


async def _sort_out(
    connection: AsyncConnection, workflow: Workflow, event_ids: Sequence[int]
) -> tuple[list[int], list[Refused]]:
    """The events to run, each once, and those that cannot be."""
    event = tables.event
    original = func.coalesce(event.c.redelivery_of, event.c.id)
    rows = await connection.execute(
        select(event.c.id, event.c.origin, event.c.type, original.label("original")).where(
            event.c.id.in_(event_ids)
        )
    )
    found = {row.id: row for row in rows}
    origin = origin_of(workflow.id, workflow.definition.event)
    wanted: dict[int, None] = {}
    refused = []
    for event_id in event_ids:
        row = found.get(event_id)
        if row is None:
            refused.append(Refused(event_id, _("there is no such event")))
        elif row.origin != origin:
            refused.append(
                Refused(event_id, _("it came for another workflow, not for what this one starts with"))
            )
        elif not is_of_its_kind(workflow.definition.event, row.type):
            refused.append(
                Refused(
                    event_id,
                    _("it is of the kind “%(kind)s”, which the workflow does not want", kind=row.type),
                )
            )
        else:
            wanted[row.original] = None
    return list(wanted), refused


async def count_kept(connection: AsyncConnection, workflow: Workflow) -> int:
    """How many events were kept for a workflow that it would run now."""
    count = select(func.count()).select_from(tables.event).where(*_kept_for(workflow))
    return int(await connection.scalar(count) or 0)


async def kept_events(
    connection: AsyncConnection,
    workflow: Workflow,
    *,
    after: int = 0,
    since: datetime | None = None,
    limit: int = MOST_AT_ONCE,
) -> list[KeptEvent]:
    """Events that were kept for a workflow and that it would run now, oldest first, from the event ``after`` on."""
    event = tables.event
    chosen = (
        select(event.c.id, event.c.type, event.c.received_at, event.c.reason_code, event.c.reason_words)
        .where(*_kept_for(workflow), event.c.id > after)
        .order_by(event.c.id)
        .limit(limit)
    )
    if since is not None:
        chosen = chosen.where(event.c.received_at >= since)
    return [KeptEvent(*row) for row in await connection.execute(chosen)]


async def newest_kept(connection: AsyncConnection, origin: str, *, limit: int) -> list[KeptEvent]:
    """The newest events of this origin that were kept, whichever workflow they are for, if there is one."""
    event = tables.event
    chosen = (
        select(event.c.id, event.c.type, event.c.received_at, event.c.reason_code, event.c.reason_words)
        .where(event.c.origin == origin, IS_KEPT)
        .order_by(event.c.id.desc())
        .limit(limit)
    )
    return [KeptEvent(*row) for row in await connection.execute(chosen)]


def _kept_for(workflow: Workflow) -> list[ColumnElement[bool] | TextClause]:
    return [
        tables.event.c.origin == origin_of(workflow.id, workflow.definition.event),
        IS_KEPT,
        *types_wanted(workflow.definition.event),
    ]


def types_wanted(event: Event) -> list[ColumnElement[bool]]:
    """What holds of the types of events that a workflow wants, as far as it does not want all of their origin."""
    match event:
        case ConversationClosed():
            return [tables.event.c.type == CONVERSATION_CLOSED]
        case SurveyResponse(kinds=kinds):
            return [tables.event.c.type.in_([survey_response_type(kind) for kind in kinds])]
        case _:
            return []
