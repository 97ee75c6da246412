"""Run history: the list of runs, the list of events, and one run as a story."""

from typing import Any, TypeVar, get_args
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.sessions import AdminRequest
from afterword.store.database import Database
from afterword.workflows.moves import RunStatus
from afterword.workflows.history import get_run, list_events, list_runs, list_workflow_names
from afterword.workflows.history_models import EventFilters, EventStatus, RunFilters

PAGE_LENGTH = 50
LONGEST_ID = 100
STARTED_NOTHING: tuple[EventStatus, ...] = ("ignored", "redelivered")

Listed = TypeVar("Listed", bound=msgspec.Struct)


def run_history_routes(database: Database) -> list[HTTPRouteHandler]:
    """The pages of run history; they only read."""

    @get("/workflows/runs")
    async def runs(request: AdminRequest) -> Response[str]:
        """List the runs, newest first."""
        filters = RunFilters(status=_status(request), workflow_id=_workflow(request))
        before = _before(request)
        async with database.transaction() as connection:
            workflows = await list_workflow_names(connection)
            found = await list_runs(connection, filters, before_id=before, limit=PAGE_LENGTH + 1)
        shown = found[:PAGE_LENGTH]
        chosen = {"status": filters.status, "workflow": filters.workflow_id}
        return page(
            request,
            "runs.html",
            runs=shown,
            workflows=workflows,
            statuses=get_args(RunStatus),
            filters=filters,
            is_first=before is None,
            newest=_address("/workflows/runs", chosen),
            older=_address("/workflows/runs", {**chosen, "before": shown[-1].id})
            if len(found) > PAGE_LENGTH
            else None,
        )

    @get("/workflows/runs/{run_id:str}")
    async def run(request: AdminRequest, run_id: FromPath[str]) -> Response[str]:
        """Tell one run."""
        async with database.transaction() as connection:
            number = read_id(run_id)
            told = None if number is None else await get_run(connection, number)
        if told is None:
            return page(request, "no_run.html", status=404, run_id=run_id)
        body = None if told.event is None else pretty(told.event.body)
        return page(request, "run.html", told=told, run=told.run, body=body)

    @get("/workflows/events")
    async def events(request: AdminRequest) -> Response[str]:
        """List the events, those that started nothing included."""
        everything = request.query_params.get("show") != "started-nothing"
        before = _before(request)
        async with database.transaction() as connection:
            found = await list_events(
                connection,
                EventFilters(statuses=() if everything else STARTED_NOTHING),
                before_id=before,
                limit=PAGE_LENGTH + 1,
            )
        shown = found[:PAGE_LENGTH]
        chosen = {"show": None if everything else "started-nothing"}
        return page(
            request,
            "events.html",
            events=shown,
            everything=everything,
            is_first=before is None,
            newest=_address("/workflows/events", chosen),
            older=_address("/workflows/events", {**chosen, "before": shown[-1].id})
            if len(found) > PAGE_LENGTH
            else None,
        )

    @get(["/", "/workflows", "/workflows/ui/global/run-history"], sync_to_thread=False)
    def first_page() -> Redirect:
        """Go to run history, from the vendor's own address too."""
        return Redirect("/workflows/runs", status_code=303)

    return [runs, run, events, first_page]


def pretty(body: str) -> str:
    """A body for reading: JSON with a line for each value, anything else as it is."""
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, ValueError):
        return body


def _status(request: AdminRequest) -> RunStatus | None:
    wanted = request.query_params.get("status") or None
    for status in get_args(RunStatus):
        if status == wanted:
            return status  # type: ignore[no-any-return]
    if wanted is not None:
        raise ClientException(f"There is no such status; there are {', '.join(get_args(RunStatus))}.")
    return None


def _workflow(request: AdminRequest) -> str | None:
    wanted = request.query_params.get("workflow") or None
    if wanted is not None and (len(wanted) > LONGEST_ID or not wanted.isprintable()):
        raise ClientException("That is not a workflow's id.")
    return wanted


def _before(request: AdminRequest) -> int | None:
    wanted = request.query_params.get("before") or None
    before = None if wanted is None else read_id(wanted)
    if wanted is not None and before is None:
        raise ClientException("A page begins with a number; go back to the newest ones.")
    return before


def _address(path: str, values: dict[str, Any]) -> str:
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return f"{path}?{query}" if query else path
