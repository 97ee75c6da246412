"""The routes under ``/api/v1``."""

from typing import Annotated

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import find_person_by_token
from afterword.store.database import Database
from afterword.workflows.engine import RunStatus
from afterword.workflows.history import RunFilters, RunHistory, RunSummary, get_run, list_runs

PAGE_SIZE = 50
LARGEST_PAGE = 200

PlainRequest = Request[object, object, State]


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. ``next_before`` is to be given as ``before`` for the page after; ``None`` at the end."""

    runs: list[RunSummary]
    next_before: int | None


def api_routes(database: Database) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    @get("/api/v1/runs")
    async def runs(
        request: PlainRequest,
        status: RunStatus | None = None,
        workflow: str | None = None,
        conversation: str | None = None,
        before: int | None = None,
        limit: Annotated[int, Parameter(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE,
    ) -> Response[RunPage]:
        """List runs."""
        async with database.transaction() as connection:
            await _require_token(connection, request)
            filters = RunFilters(status=status, workflow_id=workflow, conversation_id=conversation)
            found = await list_runs(connection, filters, before_id=before, limit=limit)
        return Response(RunPage(found, found[-1].id if len(found) == limit else None))

    @get("/api/v1/runs/{run_id:int}")
    async def run(request: PlainRequest, run_id: int) -> Response[RunHistory]:
        """Tell everything of one run."""
        async with database.transaction() as connection:
            await _require_token(connection, request)
            found = await get_run(connection, run_id)
        if found is None:
            raise NotFoundException(f"There is no run {run_id}.")
        return Response(found)

    return [runs, run]


async def _require_token(connection: AsyncConnection, request: PlainRequest) -> None:
    token = request.headers.get("x-api-token")
    if token is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthorizedException("Send an API token as X-API-TOKEN or Authorization: Bearer.")
    if await find_person_by_token(connection, token) is None:
        raise NotAuthorizedException("The API token is not known here.")
