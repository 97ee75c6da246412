"""Explain: one box to search by, and what happened as a story in order of time."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.rights import may_see_customers
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.store.database import Database
from afterword.workflows.explaining.explain import explain
from afterword.workflows.explaining.lookups import LONGEST_ASKED


def explain_routes(database: Database) -> list[HTTPRouteHandler]:
    """The page of explain; it only reads."""

    @get("/workflows/explain")
    async def explained(request: AdminRequest) -> Response[str]:
        """Tell what happened to what was typed; ask for it when nothing was."""
        asked = request.query_params.get("q", "").strip()
        if not asked or len(asked) > LONGEST_ASKED:
            return page(request, "explain.html", asked=asked[:LONGEST_ASKED], told=None, too_long=bool(asked))
        personal = may_see_customers(request.user)
        async with database.read_only().transaction() as connection:
            told = await explain(connection, asked, personal=personal)
        status = 200 if told.stories else 404
        return page(
            request,
            "explain.html",
            status=status,
            asked=asked,
            told=told,
            too_long=False,
            personal=personal,
        )

    return [explained]
