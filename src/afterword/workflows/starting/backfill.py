"""Responses that came before their workflow existed, fed to it.

Each response makes one run of each workflow at most, whether it came live or is fed, once or again; what is fed goes
behind live events.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import survey_origin
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.queue import RunQueue
from afterword.translating import gettext as _
from afterword.workflows.definitions import SurveyResponse
from afterword.workflows.saving.listing import Workflow, WorkflowFilters, list_workflows
from afterword.workflows.starting.feeding import MOST_AT_ONCE, Fed, feed, types_wanted, workflow_that_runs

UNTOLD = """
FROM response WHERE survey_id = :survey_id AND recorded_at >= :since AND NOT EXISTS (
    SELECT FROM event WHERE origin = :origin AND deduplication_key = convert_to(response.id, 'UTF8'))
"""

TELL = f"""
INSERT INTO event (origin, type, deduplication_key, occurred_at, received_at, body, status, reason_code, reason_words)
SELECT :origin, CASE kind WHEN 'created' THEN 'Survey Response' ELSE 'Survey Response: ' || kind END,
       convert_to(id, 'UTF8'), recorded_at, recorded_at,
       json_build_object('responseId', id, 'surveyId', survey_id, 'kind', kind)::text,
       'ignored', 'no-workflow', 'no workflow starts with it'
{UNTOLD}
ON CONFLICT (origin, deduplication_key) DO NOTHING
"""


class Backfill(msgspec.Struct, frozen=True):
    """What a backfill would feed to one workflow: ``responses`` that it has not run."""

    workflow_id: str
    workflow: str
    responses: int


async def plan_backfill(
    connection: AsyncConnection, survey_id: str, since: datetime, *, workflow_id: str | None = None
) -> list[Backfill]:
    """How many responses each workflow would be fed; of all that are on and start with this survey, or of one.

    Raises:
        ConfigurationError: no workflow that is on starts with this survey's responses.
        NoSuchWorkflow, NotOn, NoTask: the one that was named cannot run them.
    """
    planned = []
    for workflow in await _workflows(connection, survey_id, workflow_id):
        untold = await _count_untold(connection, workflow, survey_id, since)
        events = _events_without_run(workflow, since).with_only_columns(func.count())
        planned.append(
            Backfill(workflow.id, workflow.name, untold + int(await connection.scalar(events) or 0))
        )
    return planned


async def tell_untold(connection: AsyncConnection, survey_id: str, since: datetime) -> None:
    """Make events of responses to a survey of ours that have none: before :func:`feed_next`."""
    values = {"origin": survey_origin(survey_id), "survey_id": survey_id, "since": since}
    await connection.execute(text(TELL), values)


async def feed_next(
    connection: AsyncConnection, queue: RunQueue, workflow_id: str, since: datetime
) -> Fed | None:
    """Feed the next responses to a workflow, 1,000 at most; ``None`` when there is none left.

    Raises:
        NoSuchWorkflow, NotOn, NoTask: the workflow cannot run them any more.
    """
    workflow = await workflow_that_runs(connection, workflow_id)
    chosen = _events_without_run(workflow, since).order_by(tables.event.c.id).limit(MOST_AT_ONCE)
    event_ids = list(await connection.scalars(chosen))
    return await feed(connection, queue, workflow_id, event_ids) if event_ids else None


async def _workflows(
    connection: AsyncConnection, survey_id: str, workflow_id: str | None
) -> Sequence[Workflow]:
    if workflow_id is not None:
        workflow = await workflow_that_runs(connection, workflow_id)
        if not _starts_with(workflow, survey_id):
            raise ConfigurationError(
                _(
                    "The workflow %(workflow_id)s does not start with responses to %(survey_id)s.",
                    workflow_id=workflow_id,
                    survey_id=survey_id,
                )
            )
        return [workflow]
    are_on = await list_workflows(connection, WorkflowFilters(is_on=True, event="survey-response"))
    workflows = [workflow for workflow in are_on if _starts_with(workflow, survey_id)]
    if not workflows:
        raise ConfigurationError(
            _("No workflow that is on starts with responses to %(survey_id)s.", survey_id=survey_id)
        )
    return workflows


def _starts_with(workflow: Workflow, survey_id: str) -> bool:
    event = workflow.definition.event
    return isinstance(event, SurveyResponse) and event.survey == survey_id


def _origin(workflow: Workflow) -> str:
    event = workflow.definition.event
    if not isinstance(event, SurveyResponse):
        raise ConfigurationError(
            _("The workflow %(workflow_id)s does not start with responses any more.", workflow_id=workflow.id)
        )
    return survey_origin(event.survey, event.account)


def _events_without_run(workflow: Workflow, since: datetime) -> Select[Any]:
    """The ids of the responses' events that the workflow has not run."""
    event, run = tables.event, tables.run
    return select(event.c.id).where(
        event.c.origin == _origin(workflow),
        event.c.received_at >= since,
        event.c.status != "redelivered",
        *types_wanted(workflow.definition.event),
        ~exists().where(run.c.event_id == event.c.id, run.c.workflow_id == workflow.id),
    )


async def _count_untold(
    connection: AsyncConnection, workflow: Workflow, survey_id: str, since: datetime
) -> int:
    """Responses to a survey of ours that have no event (any more)."""
    event = workflow.definition.event
    if not isinstance(event, SurveyResponse) or event.account is not None:
        return 0
    query = text(f"SELECT count(*) {UNTOLD} AND kind = ANY(:kinds)")
    values = {"origin": survey_origin(survey_id), "survey_id": survey_id, "since": since}
    return int(await connection.scalar(query, values | {"kinds": list(event.kinds)}) or 0)
