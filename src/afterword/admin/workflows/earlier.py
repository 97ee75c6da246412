"""Earlier events of a workflow, run later: Responses that came before it, and events that were kept for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import find_workflow, why_refused
from afterword.admin.workflows.run_now import check_may_run
from afterword.outcomes import ConfigurationError
from afterword.store.queue import RunQueue
from afterword.translating import gettext as _
from afterword.workflows.definitions import SurveyResponse
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.starting.backfill import feed_next, plan_backfill, tell_untold
from afterword.workflows.starting.feeding import count_kept, feed, kept_events

LARGEST_FORM = 16 * 1024
USUAL_DAYS = 30
STEPS = 5
"""So many batches of 1,000 events are run for one press of the button; what is left is told, to go on with."""


class _Asked(msgspec.Struct, frozen=True):
    """Since when Responses are wanted; ``problem`` is what is wrong with the day that was typed."""

    typed: str
    since: datetime
    problem: str = ""


def earlier_events_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, which counts first, and its button."""
    pages = _EarlierPage(work)

    @get("/workflows/{workflow_id:str}/earlier")
    async def earlier(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Tell how many there are."""
        check_may_run(request)
        workflow = await find_workflow(work.database, workflow_id)
        return await pages.show(request, workflow, _asked(request.query_params.get("since", "")))

    @post("/workflows/{workflow_id:str}/earlier", request_max_body_size=LARGEST_FORM)
    async def run(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Run them, behind live ones."""
        check_may_run(request)
        workflow = await find_workflow(work.database, workflow_id)
        asked = _asked(text_of(await request.form(), "since"))
        if asked.problem:
            return await pages.show(request, workflow, asked)
        try:
            started = await pages.run(workflow, asked.since)
        except ConfigurationError as error:
            return await pages.show(request, workflow, asked, problem=why_refused(error))
        return await pages.show(request, workflow, asked, started=started)

    return [earlier, run]


class _EarlierPage:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def show(
        self,
        request: AdminRequest,
        workflow: Workflow,
        asked: _Asked,
        *,
        problem: str = "",
        started: int | None = None,
    ) -> Response[str]:
        """The page: how many there are still."""
        event = workflow.definition.event
        runs = workflow.is_on and bool(workflow.definition.tasks)
        values: dict[str, Any] = {"number": 0, "started": started, "problem": problem, "runs": runs}
        async with self._work.database.read_only().transaction() as connection:
            if not isinstance(event, SurveyResponse):
                values["number"] = await count_kept(connection, workflow)
            elif runs and not asked.problem:
                (plan,) = await plan_backfill(connection, event.survey, asked.since, workflow_id=workflow.id)
                values["number"] = plan.responses
        return page(
            request,
            "workflows/earlier.html",
            status=422 if problem or asked.problem else 200,
            workflow=workflow,
            of_responses=isinstance(event, SurveyResponse),
            asked=asked,
            today=datetime.now(UTC).date().isoformat(),
            may_rehearse=True,
            **values,
        )

    async def run(self, workflow: Workflow, since: datetime) -> int:
        """Run what there is, each step committed; answers how many runs were started.

        Raises:
            NoSuchWorkflow, NotOn, NoTask: the workflow cannot run anything (any more).
        """
        event = workflow.definition.event
        if isinstance(event, SurveyResponse) and event.account is None:
            async with self._work.database.transaction() as connection:
                await tell_untold(connection, event.survey, since)
        started = 0
        for _step in range(STEPS):
            runs = await self._run_step(workflow, since)
            if runs is None:
                break
            started += runs
        return started

    async def _run_step(self, workflow: Workflow, since: datetime) -> int | None:
        """A batch; ``None`` when there is none left."""
        queue = RunQueue(self._work.database)
        async with self._work.database.transaction() as connection:
            if isinstance(workflow.definition.event, SurveyResponse):
                fed = await feed_next(connection, queue, workflow.id, since)
                return None if fed is None else len(fed.runs)
            events = await kept_events(connection, workflow)
            if not events:
                return None
            return len((await feed(connection, queue, workflow.id, [one.id for one in events])).runs) or None


def _asked(typed: str) -> _Asked:
    """Since when; without a day, of the last 30 days. The day begins at midnight, UTC."""
    usual = datetime.now(UTC).date() - timedelta(days=USUAL_DAYS)
    try:
        day = date.fromisoformat(typed) if typed else usual
    except ValueError:
        return _Asked(typed[:40], _midnight(usual), _("This is not a day; write it as 2026-11-25."))
    return _Asked(day.isoformat(), _midnight(day))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
