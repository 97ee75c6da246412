"""The routes under ``/api/v1``."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from afterword.api.explain import explain_routes
from afterword.api.tokens import token_guard
from afterword.store.database import Database
from afterword.workflows.history import RunFilters, RunHistory, RunSummary, get_run, list_runs
from afterword.workflows.moves import RunStatus

PAGE_SIZE = 50
LARGEST_PAGE = 200
LONGEST_ID = 200
NOT_KEPT = {"Cache-Control": "no-store"}


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. ``next_before`` is to be given as ``before`` for the page after; ``None`` at the end."""

    runs: list[RunSummary]
    next_before: int | None


def api_routes(database: Database) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    wants_token = token_guard(database)

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

    return [runs, run, *explain_routes(database, wants_token)]


def _checked_id(name: str, value: str | None) -> str | None:
    if value is None or (0 < len(value) <= LONGEST_ID and value.isprintable()):
        return value
    raise ClientException(f"{name}: expected an id, of 1 to {LONGEST_ID} printable characters.")
