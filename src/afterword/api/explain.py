"""Explain, for programs: what happened to a conversation, a customer or a response, as data and in sentences."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from afterword.accounts.rights import may_see_customers
from afterword.accounts.scopes import ROUTE
from afterword.api.tokens import Guard, caller
from afterword.store.database import Database
from afterword.workflows.explaining.explain import MOST_STORIES, STORIES, explain
from afterword.workflows.explaining.lookups import LONGEST_ASKED
from afterword.workflows.explaining.models import Explanation

NOT_KEPT = {"Cache-Control": "no-store"}


def explain_routes(database: Database, wants_token: Guard) -> list[HTTPRouteHandler]:
    """``/api/v1/explain``."""

    @get("/api/v1/explain", guards=[wants_token], opt={ROUTE: "read:runs"})
    async def explained(
        request: Request[Any, Any, Any],
        what: FromQuery[str] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_STORIES)] = STORIES,
    ) -> Response[Explanation]:
        """Tell what happened to ``what``; 404 when nothing is known of it, with what to do as the detail."""
        if not 0 < len(what.strip()) <= LONGEST_ASKED:
            raise ClientException(
                f"what: expected an email address or an id, of 1 to {LONGEST_ASKED} characters."
            )
        personal = may_see_customers(caller(request))
        async with database.read_only().transaction() as connection:
            explanation = await explain(connection, what, personal=personal, limit=limit)
        if not explanation.stories:
            raise NotFoundException(" ".join(explanation.advice))
        return Response(explanation, headers=NOT_KEPT)

    return [explained]
