"""Run now: a past event is rehearsed, and then really run, by a workflow that is on."""

from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.people import Person
from afterword.accounts.rights import may_operate, may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.runs.rehearse import TONES, VERDICTS, rehearsed
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import find_workflow, why_refused
from afterword.outcomes import ConfigurationError
from afterword.store.queue import RunQueue
from afterword.translating import gettext as _
from afterword.workflows.definitions import Schedule
from afterword.workflows.explaining.wording import comparison
from afterword.workflows.rehearsing.rehearsal import PastEvent, Rehearsal
from afterword.workflows.rehearsing.rehearsed_events import find_past_event, offered_events
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.starting.run_now import RunNow, run_now, run_of
from afterword.workflows.starting.schedules import event_of_now, make_event_now

LARGEST_FORM = 16 * 1024
NOW = "now"
"""In the choice of an event: this moment, for a workflow that starts on a schedule."""


class _Refused(ConfigurationError):
    """Nothing was started; the message is for who asked."""


class _Rehearsed(msgspec.Struct, frozen=True):
    """An event that was rehearsed; ``run_id`` is the run that the workflow has of it already."""

    told: Rehearsal
    event: str
    run_id: int | None


def run_now_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, and its two buttons: rehearse, and run."""
    pages = _RunNowPage(work)

    @get("/workflows/{workflow_id:str}/run")
    async def choose(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Offer the newest events."""
        check_may_run(request)
        workflow = await find_workflow(work.database, workflow_id)
        return await pages.show(request, workflow, chosen=request.query_params.get("event", ""))

    @post("/workflows/{workflow_id:str}/run", request_max_body_size=LARGEST_FORM)
    async def run(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str] | Redirect:
        """Rehearse the event that was chosen, or run it."""
        check_may_run(request)
        workflow = await find_workflow(work.database, workflow_id)
        form = await request.form()
        chosen = (text_of(form, "number") or text_of(form, "event")).strip()
        try:
            if text_of(form, "do") == "run":
                return await pages.run(request, workflow, chosen)
            return await pages.rehearse(request, workflow, chosen)
        except ConfigurationError as error:
            return await pages.show(request, workflow, chosen=chosen, problem=why_refused(error))

    return [choose, run]


def check_may_run(request: AdminRequest) -> None:
    """Let nobody start runs whose role does not permit it, or rehearse who is not shown what is sent.

    Raises:
        PermissionDeniedException: it does not.
    """
    if not may_operate(request.user) or not may_see_customers(request.user):
        raise PermissionDeniedException(_("Your role may look at Workflows, and not run them."))


class _RunNowPage:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def show(
        self,
        request: AdminRequest,
        workflow: Workflow,
        *,
        chosen: str,
        problem: str = "",
        rehearsed: _Rehearsed | None = None,
    ) -> Response[str]:
        """The page, with a rehearsal if there was one."""
        is_scheduled = isinstance(workflow.definition.event, Schedule)
        async with self._work.database.read_only().transaction() as connection:
            events = await offered_events(connection, workflow.id, workflow.definition.event)
        chosen = chosen or (NOW if is_scheduled else str(events[0].id) if events else "")
        offered = {NOW, "", *(str(event.id) for event in events)}
        return page(
            request,
            "workflows/run_now.html",
            status=422 if problem else 200,
            workflow=workflow,
            events=events,
            is_scheduled=is_scheduled,
            chosen=chosen,
            other="" if chosen in offered else chosen,
            problem=problem,
            rehearsed=rehearsed,
            tones=TONES,
            verdicts=VERDICTS,
            comparison=comparison,
            may_rehearse=True,
        )

    async def rehearse(self, request: AdminRequest, workflow: Workflow, chosen: str) -> Response[str]:
        work, run_id = self._work, None
        async with work.database.read_only().transaction() as connection:
            past = await _past_event(connection, workflow, chosen)
            if past.id is not None:
                before = await run_of(connection, workflow.id, past.id)
                run_id = None if before is None else before[0]
        told = await rehearsed(work.database, work.planning, workflow, workflow.definition, past)
        return await self.show(request, workflow, chosen=chosen, rehearsed=_Rehearsed(told, chosen, run_id))

    async def run(self, request: AdminRequest, workflow: Workflow, chosen: str) -> Redirect:
        person = cast("Person", request.user)
        async with self._work.database.transaction() as connection:
            event_id = await self._event_to_run(connection, workflow, chosen)
            queue = RunQueue(self._work.database)
            started = await run_now(connection, queue, workflow.id, event_id, person_id=person.id)
        return Redirect(_page_of(started), status_code=303)

    async def _event_to_run(self, connection: AsyncConnection, workflow: Workflow, chosen: str) -> int:
        if chosen == NOW and isinstance(workflow.definition.event, Schedule):
            return await make_event_now(connection, workflow.id)
        event_id = read_id(chosen)
        if event_id is None:
            raise _Refused(_no_event(chosen))
        return event_id


async def _past_event(connection: Any, workflow: Workflow, chosen: str) -> PastEvent:
    if chosen == NOW and isinstance(workflow.definition.event, Schedule):
        return PastEvent(body=await event_of_now(connection, workflow.id))
    event_id = read_id(chosen)
    past = None if event_id is None else await find_past_event(connection, event_id)
    if past is None:
        raise _Refused(_no_event(chosen))
    return past


def _no_event(chosen: str) -> str:
    return _("There is no event %(number)s.", number=chosen[:20]) if chosen else _("Choose an event.")


def _page_of(started: RunNow) -> str:
    if started.run_id is not None:
        return f"/workflows/runs/{started.run_id}"
    return f"/workflows/replays/{started.replay_id}"
