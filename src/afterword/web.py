"""The web half: puts every door together and serves them."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar
from litestar.types import ControllerRouterHandler

from afterword import process
from afterword.accounts.api_tokens import TokenUses
from afterword.accounts.notification_access import NotificationAccess
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.accounts.webhook_access import WebhookAccess
from afterword.admin.routes import admin_routes
from afterword.api.routes import api_routes
from afterword.events.recording import EventRecorder
from afterword.health import health_route
from afterword.intake.endpoints import Endpoints
from afterword.intake.gladly_webhooks import gladly_webhook_routes
from afterword.intake.json_events import json_event_routes
from afterword.intake.qualtrics import qualtrics_routes
from afterword.outcomes import ConfigurationError
from afterword.pages.static_files import static_routes
from afterword.qualtrics_api.routes import qualtrics_api_routes
from afterword.settings import Settings
from afterword.store.database import CONNECTION_LOST, WEB_NAME, Database
from afterword.store.migrations import migrate
from afterword.survey_pages.routes import survey_page_routes
from afterword.tasks.planning import PlanningTasks
from afterword.web_errors import exception_handlers
from afterword.web_requests import BoundedRequest, HeadWhereGet

log = structlog.get_logger()

POOL_SIZE = 8
LARGEST_BODY = 64 * 1024
LARGEST_HEADERS = 64 * 1024
HEADERS_WITHIN_MILLISECONDS = 10_000
FINISH_WITHIN_SECONDS = 5.0
"""Requests in hand are given so long when the process is told to stop; less than its supervisor gives it."""
TOKEN_USES_EVERY_SECONDS = 60.0


def create_app(
    settings: Settings,
    database: Database,
    recorder: EventRecorder,
    box: SecretBox,
    uses: TokenUses,
    *,
    planning: PlanningTasks,
    stopping: asyncio.Event,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """Put the doors together. ``more_routes`` are for programs that measure the app from within."""
    endpoints = Endpoints(database, uses)
    return Litestar(
        route_handlers=[
            *json_event_routes(recorder, endpoints),
            *gladly_webhook_routes(recorder, WebhookAccess(database, box)),
            *qualtrics_routes(recorder, NotificationAccess(database, box)),
            *qualtrics_api_routes(database, settings, box, uses),
            *static_routes(),
            *survey_page_routes(database, settings),
            *admin_routes(
                database,
                settings,
                csrf_secret=box.derived("forged forms"),
                box=box,
                stopping=stopping,
                planning=planning,
            ),
            *api_routes(database, uses),
            health_route(database),
            *more_routes,
        ],
        lifespan=[endpoints.kept_true],
        exception_handlers=exception_handlers,
        request_max_body_size=LARGEST_BODY,
        request_class=BoundedRequest,
        plugins=[HeadWhereGet()],
        openapi_config=None,
        logging_config=None,
    )


@asynccontextmanager
async def open_app(
    settings: Settings,
    database_url: str,
    stopping: asyncio.Event,
    *,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> AsyncIterator[Litestar]:
    """Bring the database up to date and make the app on it; closed when the block ends.

    Pages that follow what happens are let go when ``stopping`` is set.

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
        uses = await stack.enter_async_context(stored_token_uses(database))
        planning = PlanningTasks(settings, database, box)
        stack.push_async_callback(planning.close)
        yield create_app(
            settings,
            database,
            recorder,
            box,
            uses,
            planning=planning,
            stopping=stopping,
            more_routes=more_routes,
        )


@asynccontextmanager
async def stored_token_uses(database: Database) -> AsyncIterator[TokenUses]:
    """Remember which API tokens are used, and store that now and then, after the answers."""
    uses = TokenUses()

    async def store_now_and_then() -> None:
        while True:
            await asyncio.sleep(TOKEN_USES_EVERY_SECONDS)
            with contextlib.suppress(*CONNECTION_LOST):
                async with database.transaction() as connection:
                    await uses.store(connection)

    storing = asyncio.create_task(store_now_and_then())
    try:
        yield uses
    finally:
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
        with contextlib.suppress(*CONNECTION_LOST):
            async with database.transaction() as connection:
                await uses.store(connection)


async def serve(
    settings: Settings,
    database_url: str,
    stop: asyncio.Event,
    *,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> None:
    """Serve until ``stop`` is set; requests in hand are finished first.

    Raises:
        ConfigurationError: the port is taken, or the database cannot be used as it is.
    """
    refuse_taken_port(settings.web_host, settings.web_port)
    async with open_app(settings, database_url, stop, more_routes=more_routes) as app:
        server = _server(app, settings)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        log.info("web_started", host=settings.web_host, port=settings.web_port)
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]
        _, unfinished = await asyncio.wait([serving], timeout=FINISH_WITHIN_SECONDS)
        if unfinished:
            log.warning("requests_cut_off", after_seconds=FINISH_WITHIN_SECONDS)
            return
        await serving
        if not stop.is_set():
            raise RuntimeError("The web server ended by itself.")
    log.info("web_stopped")


def _server(app: Litestar, settings: Settings) -> Server:
    """The server, with a limit on everything that comes in; bodies are limited by the routes."""
    return Server(
        app,
        address=settings.web_host,
        port=settings.web_port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADERS_WITHIN_MILLISECONDS, max_buffer_size=LARGEST_HEADERS
        ),
        websockets=False,
        log_enabled=False,
    )


def refuse_taken_port(host: str, port: int) -> None:
    """Find out whether somebody else listens: the server would share the port with them without a word.

    Raises:
        ConfigurationError: names the port that is taken or may not be used, or the host that is none of ours.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in addresses:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ConfigurationError(
            f"Port {port} at {host} {why}. Stop what listens there, or set AFTERWORD_WEB_PORT (AFTERWORD_WEB_HOST)."
        ) from None


if __name__ == "__main__":
    raise SystemExit(process.main(serve))
