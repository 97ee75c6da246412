"""Rehearse: what a workflow would do with an event, beside what it did the last time; nothing is sent or changed."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.rights import may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id, read_revision
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import found_workflow
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition
from afterword.workflows.explaining.wording import comparison
from afterword.workflows.rehearsing.rehearsal import PastEvent, Rehearsal, rehearse
from afterword.workflows.rehearsing.rehearsed_events import (
    LONGEST_BODY,
    InvalidBody,
    OfferedEvent,
    find_past_event,
    offered_events,
    pasted,
)
from afterword.workflows.saving.listing import Workflow, get_revisions
from afterword.workflows.saving.refusals import NoSuchWorkflow
from afterword.workflows.values.qualtrics_responses import QualtricsResponses

LARGEST_FORM = 4 * LONGEST_BODY
"""Bytes; a form writes a byte as up to three."""

TONES = {
    "would be done": "good",
    "was done before": "still",
    "would be skipped": "still",
    "would be tried again": "warn",
    "would fail": "bad",
    "would not run": "still",
}


VERDICTS = {
    "would be done": N_("Would be done"),
    "was done before": N_("Was done before"),
    "would be skipped": N_("Would be skipped"),
    "would be tried again": N_("Would be tried again"),
    "would fail": N_("Would fail"),
    "would not run": N_("Would not run"),
}


class Asked(Exception):
    """What was asked for cannot be rehearsed; the message says why, and what was typed stays."""


def rehearse_routes(database: Database, planning: PlanningTasks) -> list[HTTPRouteHandler]:
    """The pages of rehearsals. A rehearsal is asked for by a form, as it asks the vendors."""

    @get("/workflows/{workflow_id:str}/rehearse")
    async def show(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Offer the newest events, and a box to paste one into."""
        _check_may(request)
        async with database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            events = await offered_events(connection, workflow.id, workflow.definition.event)
        chosen = request.query_params.get("event", "") or (str(events[0].id) if events else "")
        return _page(
            request, workflow, events, chosen=chosen, revision=request.query_params.get("revision", "")
        )

    @post("/workflows/{workflow_id:str}/rehearse", request_max_body_size=LARGEST_FORM, status_code=200)
    async def go(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Rehearse, and show it; a mistake in what was pasted is told with its place."""
        _check_may(request)
        form = await request.form()
        chosen, body, revision = (text_of(form, name).strip() for name in ("event", "body", "revision"))
        problem: str | None = None
        rehearsal: Rehearsal | None = None
        async with database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            events = await offered_events(connection, workflow.id, workflow.definition.event)
            try:
                definition = await _definition(connection, workflow, revision)
                past = await _past(connection, definition, chosen, body)
            except (Asked, InvalidBody) as error:
                problem = str(error)
        if problem is None:
            rehearsal = await rehearsed(database, planning, workflow, definition, past)
        return _page(
            request,
            workflow,
            events,
            chosen=chosen,
            body=body,
            revision=revision,
            problem=problem,
            rehearsal=rehearsal,
            status=200 if problem is None else 400,
        )

    return [show, go]


async def rehearsed(
    database: Database, planning: PlanningTasks, workflow: Workflow, definition: Definition, past: PastEvent
) -> Rehearsal:
    """Go through a definition of a workflow with an event; nothing is changed, and no Response that is read is kept."""
    return await rehearse(
        database,
        planning.types,
        definition,
        past,
        workflow_id=workflow.id,
        responses=QualtricsResponses(database, planning.accounts, keeps=False),
    )


def _check_may(request: AdminRequest) -> None:
    if not may_see_customers(request.user):
        raise PermissionDeniedException(_("A rehearsal shows customers' data, which your role is not shown."))


def _page(
    request: AdminRequest,
    workflow: Workflow,
    events: list[OfferedEvent],
    *,
    chosen: str,
    body: str = "",
    revision: str = "",
    problem: str | None = None,
    rehearsal: Rehearsal | None = None,
    status: int = 200,
) -> Response[str]:
    others = chosen if chosen and chosen not in {str(event.id) for event in events} else None
    return page(
        request,
        "rehearse.html",
        status=status,
        workflow=workflow,
        events=events,
        other_event=others,
        chosen="" if body else chosen,
        body=body,
        revision=revision,
        problem=problem,
        told=rehearsal,
        tones=TONES,
        verdicts=VERDICTS,
        comparison=comparison,
        may_rehearse=True,
    )


async def _definition(connection: Any, workflow: Workflow, revision: str) -> Definition:
    if not revision or revision == str(workflow.revision):
        return workflow.definition
    number = read_revision(revision)
    if number is None:
        raise Asked(_("a revision is a number"))
    try:
        return (await get_revisions(connection, workflow.id, [number]))[number].definition
    except NoSuchWorkflow:
        raise Asked(_("there is no revision %(number)s of this Workflow", number=number)) from None


async def _past(connection: Any, definition: Definition, chosen: str, body: str) -> PastEvent:
    """What was pasted, or else the event that was chosen."""
    if body:
        return pasted(definition.event, body)
    if not chosen:
        raise Asked(_("choose an event, or paste one"))
    number = read_id(chosen)
    past = None if number is None else await find_past_event(connection, number)
    if past is None:
        raise Asked(_("there is no event %(number)s", number=chosen[:20]))
    return past
