"""The routes under ``/api/v1``."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, NotAuthorizedException, NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from afterword.accounts.api_tokens import find_person_by_token
from afterword.store.database import Database
from afterword.workflows.moves import RunStatus
from afterword.workflows.history import RunFilters, RunHistory, RunSummary, get_run, list_runs

PAGE_SIZE = 50
LARGEST_PAGE = 200
LONGEST_ID = 200
NOT_KEPT = {"Cache-Control": "no-store"}

AnyConnection = ASGIConnection[Any, Any, Any, Any]


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. ``next_before`` is to be given as ``before`` for the page after; ``None`` at the end."""

    runs: list[RunSummary]
    next_before: int | None


def api_routes(database: Database) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    async def wants_token(connection: AnyConnection, _: BaseRouteHandler) -> None:
        """Let nobody by without an API token; asked before anything else is looked at."""
        await _require_token(database, connection)

    @get("/api/v1/runs", guards=[wants_token])
    async def runs(
        status: FromQuery[RunStatus | None] = None,
        workflow: FromQuery[str | None] = None,
        conversation: FromQuery[str | None] = None,
        before: Annotated[int | None, QueryParameter(ge=1)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE,
    ) -> Response[RunPage]:
        """List runs."""
        filters = RunFilters(
            status=status,
            workflow_id=_checked_id("workflow", workflow),
            conversation_id=_checked_id("conversation", conversation),
        )
        async with database.transaction() as connection:
            found = await list_runs(connection, filters, before_id=before, limit=limit + 1)
        page = found[:limit]
        return Response(RunPage(page, page[-1].id if len(found) > limit else None), headers=NOT_KEPT)

    @get("/api/v1/runs/{run_id:int}", guards=[wants_token])
    async def run(run_id: FromPath[int]) -> Response[RunHistory]:
        """Tell everything of one run."""
        async with database.transaction() as connection:
            found = await get_run(connection, run_id)
        if found is None:
            raise NotFoundException(f"There is no run {run_id}.")
        return Response(found, headers=NOT_KEPT)

    return [runs, run]


def _checked_id(name: str, value: str | None) -> str | None:
    if value is None or (0 < len(value) <= LONGEST_ID and value.isprintable()):
        return value
    raise ClientException(f"{name}: expected an id, of 1 to {LONGEST_ID} printable characters.")


async def _require_token(database: Database, request: AnyConnection) -> None:
    token = request.headers.get("x-api-token")
    if token is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthorizedException("Send an API token as X-API-TOKEN or Authorization: Bearer.")
    async with database.transaction() as connection:
        if await find_person_by_token(connection, token.strip()) is None:
            raise NotAuthorizedException("The API token is not known here.")
