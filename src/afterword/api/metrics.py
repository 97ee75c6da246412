"""``/metrics``, in Prometheus' format: asked of the database at each scrape, so that any web process tells all."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.scopes import ROUTE
from afterword.api.tokens import Guard
from afterword.store.database import Database
from afterword.workflows.history.measuring import measure

NO_STORE = {"Cache-Control": "no-store"}


def metrics_routes(database: Database, wants_token: Guard) -> list[HTTPRouteHandler]:
    """The one route; it wants an API token, as a bearer, like the rest of this door."""

    @get("/metrics", guards=[wants_token], opt={ROUTE: "read:metrics"})
    async def metrics() -> Response[bytes]:
        """Tell how the installation is, in numbers."""
        from afterword.api.metrics_text import MEDIA_TYPE, written  # noqa: PLC0415

        async with database.read_only().transaction() as connection:
            measured = await measure(connection)
        return Response(written(measured), media_type=MEDIA_TYPE, headers=NO_STORE)

    return [metrics]
