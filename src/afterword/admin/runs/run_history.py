"""Run history: the list of runs, the list of events, and one run as a story."""

from collections.abc import Sequence
from typing import get_args
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.rights import may_operate, may_see_customers
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.events.models import JSON_EVENT, SCHEDULE, ResponseKind, survey_response_type
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.store.database import Database
from afterword.translating import gettext
from afterword.workflows.history.event_history import list_events
from afterword.workflows.history.filter_texts import (
    EVENT_STATUSES,
    RUN_STATUSES,
    Given,
    InvalidFilter,
    given_in,
    read_event_filters,
    read_run_filters,
    write_event_filters,
    write_run_filters,
)
from afterword.workflows.history.models import EventFilters, EventStatus, RunFilters
from afterword.workflows.history.reading import get_run, list_runs, list_survey_names, list_workflow_names

PAGE_LENGTH = 50
STARTED_NOTHING: tuple[EventStatus, ...] = ("ignored", "redelivered")
EVENT_TYPES = (
    CONVERSATION_CLOSED,
    JSON_EVENT,
    *(survey_response_type(kind) for kind in get_args(ResponseKind)),
    SCHEDULE,
)
SHOWN_AT_ONCE = frozenset({"status", "workflow", "search"})
"""Filters that stand in the open; the others are folded away until one is used."""


def run_history_routes(database: Database) -> list[HTTPRouteHandler]:
    """The pages of run history; they only read."""

    @get("/workflows/runs")
    async def runs(request: AdminRequest) -> Response[str]:
        """List the runs, newest first."""
        filters, before = _run_filters(request), _before(request)
        personal = may_see_customers(request.user)
        async with database.read_only().transaction() as connection:
            workflows = await list_workflow_names(connection)
            surveys = await list_survey_names(connection)
            found = await list_runs(
                connection, filters, before_id=before, limit=PAGE_LENGTH, personal=personal
            )
        chosen = write_run_filters(filters)
        return page(
            request,
            "runs.html",
            runs=found.runs,
            workflows=workflows,
            surveys=surveys,
            statuses=RUN_STATUSES,
            event_types=EVENT_TYPES,
            filters=filters,
            is_filtered=bool(chosen),
            has_more_filters=any(name not in SHOWN_AT_ONCE for name, _ in chosen),
            personal=personal,
            is_first=before is None,
            is_short=len(found.runs) < PAGE_LENGTH,
            newest=_address("/workflows/runs", chosen),
            older=_older("/workflows/runs", chosen, found.next_before),
        )

    @get("/workflows/runs/{run_id:str}")
    async def run(request: AdminRequest, run_id: FromPath[str]) -> Response[str]:
        """Tell one run."""
        number, personal = read_id(run_id), may_see_customers(request.user)
        async with database.read_only().transaction() as connection:
            told = None if number is None else await get_run(connection, number, personal=personal)
        if told is None:
            return page(request, "no_run.html", status=404, run_id=run_id)
        return page(
            request,
            "run.html",
            told=told,
            run=told.run,
            body=None if told.event is None else pretty(told.event.body),
            pretty=pretty,
            personal=personal,
            may_operate=may_operate(request.user),
        )

    @get("/workflows/events")
    async def events(request: AdminRequest) -> Response[str]:
        """List the events, those that started nothing included."""
        filters, before = _event_filters(request), _before(request)
        personal = may_see_customers(request.user)
        async with database.read_only().transaction() as connection:
            found = await list_events(
                connection, filters, before_id=before, limit=PAGE_LENGTH, personal=personal
            )
        chosen = write_event_filters(filters)
        return page(
            request,
            "events.html",
            events=found.events,
            statuses=EVENT_STATUSES,
            filters=filters,
            is_filtered=bool(chosen),
            is_first=before is None,
            is_short=len(found.events) < PAGE_LENGTH,
            newest=_address("/workflows/events", chosen),
            older=_older("/workflows/events", chosen, found.next_before),
        )

    @get("/workflows/ui/global/run-history", sync_to_thread=False)
    def vendors_address() -> Redirect:
        """Go to run history from the vendor's own address."""
        return Redirect("/workflows/runs", status_code=303)

    return [runs, run, events, vendors_address]


def pretty(body: str) -> str:
    """A body for reading: JSON with a line for each value, anything else as it is."""
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, ValueError):
        return body


def _given(request: AdminRequest) -> Given:
    """What the form was sent with; fields that were left empty do not matter."""
    return given_in((name, value) for name, value in request.query_params.multi_items() if value)


def _run_filters(request: AdminRequest) -> RunFilters:
    try:
        given = _given(request)
        if "workflow" not in given:  # the form was sent with another choice than the revision is of
            given = {name: values for name, values in given.items() if name != "revision"}
        return read_run_filters(given)
    except InvalidFilter as error:
        raise ClientException(str(error)) from None


def _event_filters(request: AdminRequest) -> EventFilters:
    given = _given(request)
    try:
        filters = read_event_filters(given)
    except InvalidFilter as error:
        raise ClientException(str(error)) from None
    if given.get("show") == ["started-nothing"]:
        return msgspec.structs.replace(filters, statuses=STARTED_NOTHING)
    return filters


def _before(request: AdminRequest) -> int | None:
    wanted = request.query_params.get("before") or None
    before = None if wanted is None else read_id(wanted)
    if wanted is not None and before is None:
        raise ClientException(gettext("A page begins with a number; go back to the newest ones."))
    return before


def _older(path: str, chosen: Sequence[tuple[str, str]], before: int | None) -> str | None:
    return None if before is None else _address(path, [*chosen, ("before", str(before))])


def _address(path: str, values: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(values)}" if values else path
