"""*Settings*: a card for each page under it."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.rights import may_connect, may_read_audit_log
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest


def overview_routes() -> list[HTTPRouteHandler]:
    """The page."""

    @get("/settings")
    async def settings(request: AdminRequest) -> Response[str]:
        """Show what can be set."""
        return page(
            request,
            "settings/overview.html",
            may_connect=may_connect(request.user),
            may_read_audit_log=may_read_audit_log(request.user),
        )

    return [settings]
