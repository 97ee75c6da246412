"""The routes under ``/api/v1``."""

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.api_tokens import TokenUses
from afterword.accounts.rights import may_see_customers
from afterword.accounts.scopes import ROUTE
from afterword.api.explain import explain_routes
from afterword.api.metrics import metrics_routes
from afterword.api.sending import sending_routes
from afterword.api.tokens import caller, token_guard
from afterword.store.database import Database
from afterword.workflows.history.event_history import list_events
from afterword.workflows.history.filter_texts import (
    InvalidFilter,
    given_in,
    read_event_filters,
    read_number,
    read_run_filters,
)
from afterword.workflows.history.models import EventPage, RunHistory, RunPage
from afterword.workflows.history.reading import get_run, list_runs

PAGE_SIZE = 50
LARGEST_PAGE = 200
NOT_KEPT = {"Cache-Control": "no-store"}

ApiRequest = Request[object, object, State]


def api_routes(database: Database, uses: TokenUses) -> list[HTTPRouteHandler]:
    """The routes of this door. ``uses`` is told which API tokens were accepted."""

    wants_token = token_guard(database, uses)

    @get("/api/v1/runs", guards=[wants_token], opt={ROUTE: "read:runs"})
    async def runs(request: ApiRequest) -> Response[RunPage]:
        """List runs."""
        given = given_in(request.query_params.multi_items())
        try:
            filters = read_run_filters(given)
            before, limit = _page(given)
        except InvalidFilter as error:
            raise ClientException(str(error)) from None
        personal = may_see_customers(caller(request))
        async with database.read_only().transaction() as connection:
            found = await list_runs(connection, filters, before_id=before, limit=limit, personal=personal)
        return Response(found, headers=NOT_KEPT)

    @get("/api/v1/runs/{run_id:int}", guards=[wants_token], opt={ROUTE: "read:runs"})
    async def run(request: ApiRequest, run_id: FromPath[int]) -> Response[RunHistory]:
        """Tell everything of one run."""
        personal = may_see_customers(caller(request))
        async with database.read_only().transaction() as connection:
            found = await get_run(connection, run_id, personal=personal)
        if found is None:
            raise NotFoundException(f"There is no run {run_id}.")
        return Response(found, headers=NOT_KEPT)

    @get("/api/v1/events", guards=[wants_token], opt={ROUTE: "read:runs"})
    async def events(request: ApiRequest) -> Response[EventPage]:
        """List events."""
        given = given_in(request.query_params.multi_items())
        try:
            filters = read_event_filters(given)
            before, limit = _page(given)
        except InvalidFilter as error:
            raise ClientException(str(error)) from None
        personal = may_see_customers(caller(request))
        async with database.read_only().transaction() as connection:
            found = await list_events(connection, filters, before_id=before, limit=limit, personal=personal)
        return Response(found, headers=NOT_KEPT)

    return [
        runs,
        run,
        events,
        *explain_routes(database, wants_token),
        *sending_routes(database, wants_token),
        *metrics_routes(database, wants_token),
    ]


def _page(given: dict[str, list[str]]) -> tuple[int | None, int]:
    before, limit = read_number(given, "before"), read_number(given, "limit")
    if before == 0:
        raise InvalidFilter("before: expected a number above 0.")
    if limit is not None and not 1 <= limit <= LARGEST_PAGE:
        raise InvalidFilter(f"limit: expected 1 to {LARGEST_PAGE}.")
    return before, PAGE_SIZE if limit is None else limit
