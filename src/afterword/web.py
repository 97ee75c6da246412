"""The web half: puts every door together and serves them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import structlog
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from afterword import process
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.accounts.webhook_access import WebhookAccess
from afterword.admin.routes import admin_routes
from afterword.api.routes import api_routes
from afterword.events.recording import EventRecorder
from afterword.intake.endpoints import Endpoints
from afterword.intake.gladly_webhooks import gladly_webhook_routes
from afterword.intake.json_events import json_event_routes
from afterword.pages.static_files import static_routes
from afterword.qualtrics_api.routes import qualtrics_api_routes
from afterword.settings import Settings
from afterword.store.database import CONNECTION_LOST, WEB_NAME, WORKER_NAME, Database
from afterword.store.migrations import migrate
from afterword.survey_pages.routes import survey_page_routes
from afterword.web_errors import exception_handlers

log = structlog.get_logger()

POOL_SIZE = 8
LARGEST_BODY = 64 * 1024


class Health(msgspec.Struct, frozen=True):
    """What ``/health`` answers: ``status`` is ``ok`` when events are both taken and worked on."""

    status: str
    database: bool
    workers: int
    words: str


def create_app(
    settings: Settings,
    database: Database,
    recorder: EventRecorder,
    box: SecretBox,
    *,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """Put the doors together. ``more_routes`` are for programs that measure the app from within."""
    return Litestar(
        route_handlers=[
            *json_event_routes(recorder, Endpoints(database)),
            *gladly_webhook_routes(recorder, WebhookAccess(database, box)),
            *qualtrics_api_routes(database),
            *static_routes(),
            *survey_page_routes(database, settings),
            *admin_routes(database, settings, csrf_secret=box.derived("forged forms")),
            *api_routes(database),
            health_route(database),
            *more_routes,
        ],
        exception_handlers=exception_handlers,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )


def health_route(database: Database) -> HTTPRouteHandler:
    """``/health``: 200 as long as events are taken and kept; the words say when nobody works on them."""

    @get("/health")
    async def health() -> Response[Health]:
        """Tell how the installation is."""
        try:
            workers = await database.pool.fetchval(
                "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE application_name = $1", WORKER_NAME
            )
        except CONNECTION_LOST:
            return Response(
                Health("down", database=False, workers=0, words="The database does not answer."),
                status_code=503,
            )
        if not workers:
            words = "No worker is running: events are taken and kept, and worked on when one starts."
            return Response(Health("degraded", database=True, workers=0, words=words))
        return Response(Health("ok", database=True, workers=workers, words="Everything is running."))

    return health


@asynccontextmanager
async def open_app(
    settings: Settings, database_url: str, *, more_routes: Sequence[ControllerRouterHandler] = ()
) -> AsyncIterator[Litestar]:
    """Bring the database up to date and make the app on it; closed when the block ends.

    Raises:
        ConfigurationError: the database cannot be used as it is.
    """
    await migrate(database_url)
    async with AsyncExitStack() as stack:
        database = await Database.connect(database_url, name=WEB_NAME, pool_size=POOL_SIZE)
        stack.push_async_callback(database.close)
        box = SecretBox.open(settings)
        async with database.transaction() as connection:
            await check_secret_key(connection, box)
        recorder = await stack.enter_async_context(EventRecorder(database))
        yield create_app(settings, database, recorder, box, more_routes=more_routes)


async def serve(
    settings: Settings,
    database_url: str,
    stop: asyncio.Event,
    *,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> None:
    """Serve until ``stop`` is set; requests in hand are finished first."""
    async with open_app(settings, database_url, more_routes=more_routes) as app:
        server = Server(
            app,
            address=settings.web_host,
            port=settings.web_port,
            interface=Interfaces.ASGI,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        log.info("web_started", host=settings.web_host, port=settings.web_port)
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]
        await serving
    log.info("web_stopped")


if __name__ == "__main__":
    raise SystemExit(process.main(serve))
