"""What every test may ask for: a fresh database of a real PostgreSQL, and a way to wait without sleeping."""

import asyncio
import inspect
import itertools
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import asyncpg
import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from afterword.outgoing.budgets import Turn, Use
from afterword.store.database import Database
from afterword.store.migrations import migrate
from afterword.store.postgres.server import EmbeddedPostgres

pytest_plugins = [
    "tests.fixtures.afterword_web",
    "tests.fixtures.database_line",
    "tests.fixtures.issuer",
    "tests.fixtures.qualtrics_api",
    "tests.fixtures.sandbox",
    "tests.fixtures.whole_site",
]

FreshDatabase = Callable[[], AbstractAsyncContextManager[str]]
Eventually = Callable[..., Awaitable[Any]]
Serve = Callable[[Litestar], Awaitable[str]]

TEMPLATE = "template_of_tests"
NUMBERS = itertools.count(1)


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start: a shell's background job ignores it, and so would its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server of our own (each process of a parallel run has one) that forgets everything if the machine
    fails.

    ``AFTERWORD_TEST_POSTGRES_MAJOR`` chooses its version.
    """
    major = int(os.environ.get("AFTERWORD_TEST_POSTGRES_MAJOR", "18"))
    with tempfile.TemporaryDirectory(prefix="afterword-tests-") as folder:
        server = EmbeddedPostgres(Path(folder), major=major, durable=False)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a database that is up to date and empty."""
    await _administer(postgres, f"CREATE DATABASE {TEMPLATE} OWNER afterword")
    await migrate(_url_of(postgres, TEMPLATE))
    return TEMPLATE


@pytest_asyncio.fixture
async def empty_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The address of a database without our tables."""
    async for url in _database(postgres, "template1"):
        yield url


@pytest_asyncio.fixture
async def database_url(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """The address of a database that is up to date, empty, and this test's alone."""
    async for url in _database(postgres, template_database):
        yield url


@pytest.fixture(scope="session")
def fresh_database(postgres: EmbeddedPostgres, template_database: str) -> FreshDatabase:
    """``async with fresh_database() as url``: one more database that is up to date and empty."""

    @asynccontextmanager
    async def make() -> AsyncIterator[str]:
        async for url in _database(postgres, template_database):
            yield url

    return make


@pytest.fixture
def eventually() -> Eventually:
    """``await eventually(condition)`` waits until the condition, plain or async, gives something true.

    It gives that back, or fails the test after ``within`` seconds.
    """

    async def wait(condition: Callable[[], Any], *, within: float = 20.0) -> Any:
        deadline = time.monotonic() + within
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"not within {within} s: {inspect.getsource(condition).strip()}")
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Whether a process id belongs to a process that lives; one that only waits to be reaped does not."""

    def look(pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return look


async def _database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"test_{next(NUMBERS)}"
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER afterword")
    try:
        yield _url_of(server, name)
    finally:
        await _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(server: EmbeddedPostgres, database: str) -> str:
    return server.url.replace("/afterword?", f"/{database}?")


async def _administer(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.administrator_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The connections of a process to this test's database."""
    connected = await Database.connect(database_url, name="test", pool_size=8)
    try:
        yield connected
    finally:
        await connected.close()


class StandIn:
    """A server in a vendor's place for faults that the sandbox does not make: it answers what a test says.

    ``answers`` are used one after the other, the last of them for ever. Each is a response or an async
    function of the request. ``requests`` are those that came, with their bodies.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Any] = []
        self.requests: list[tuple[Any, bytes]] = []
        self.until_the_end = asyncio.Event()
        self.left = 0
        """How many streams without end were left by whom they were for."""

    def answer(self, status: int = 200, body: str | bytes = b"", **headers: str) -> None:
        """Add an answer; header names are written with underscores."""
        content = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def respond(request: web.Request) -> web.Response:
            return web.Response(status=status, body=content, headers=named)

        self.answers.append(respond)

    def hang(self) -> None:
        """Add: never answer."""

        async def wait(request: web.Request) -> web.Response:
            await self.until_the_end.wait()
            raise web.HTTPServiceUnavailable

        self.answers.append(wait)

    def drop(self, *, after: bytes | None = None) -> None:
        """Add: close the connection, before the answer or in the middle of it."""

        async def close(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            if after is not None:
                await response.prepare(request)
                await response.write(after)
            assert request.transport is not None
            request.transport.abort()
            return response

        self.answers.append(close)

    def stream(self, *pieces: bytes, then: Literal["end", "drop", "hang"] = "end") -> None:
        """Add: a good answer in pieces, of unknown length, that ends, breaks off, or goes on for ever."""

        async def send(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for piece in pieces:
                await response.write(piece)
            if then == "drop" and request.transport is not None:
                request.transport.abort()
            if then == "hang":
                await self._until_left(request)
                self.left += 1
            return response

        self.answers.append(send)

    async def _until_left(self, request: web.Request) -> None:
        while not (request.transport is None or request.transport.is_closing()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request, await request.read()))
        answer: web.StreamResponse = await self.answers[min(len(self.requests), len(self.answers)) - 1](
            request
        )
        return answer


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """A vendor's stand-in on a free port of this machine."""
    server = StandIn()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.until_the_end.set()
    await runner.cleanup()


class OpenBudget:
    """A rate budget that lets everything through, unless it is given a refusal, and remembers all.

    ``turn`` is what it says of each turn; without it, that nobody called before at this rate.
    """

    def __init__(self) -> None:
        self.turns: list[tuple[str, float, float]] = []
        self.uses: list[Use | None] = []
        self.holds: list[tuple[str, float]] = []
        self.pauses: list[tuple[str, float]] = []
        self.adopted: list[tuple[str, float]] = []
        self.leases: list[tuple[str, int]] = []
        self.refusal: Exception | None = None
        self.turn: Turn | None = None

    async def wait_for_turn(
        self,
        name: str,
        rate_per_second: float,
        burst: float,
        patience: float,  # noqa: ARG002
        *,
        use: Use | None = None,
        most_per_second: float | None = None,  # noqa: ARG002
    ) -> Turn:
        self.turns.append((name, rate_per_second, burst))
        self.uses.append(use)
        if self.refusal is not None:
            raise self.refusal
        return self.turn or Turn(rate_per_second)

    async def adopt(self, name: str, rate_per_second: float) -> None:
        self.adopted.append((name, rate_per_second))

    async def penalise(self, name: str, seconds: float) -> None:
        self.holds.append((name, seconds))

    async def pause(self, name: str, seconds: float) -> None:
        self.pauses.append((name, seconds))

    @asynccontextmanager
    async def at_once(self, name: str, most: int, patience: float) -> AsyncIterator[None]:  # noqa: ARG002
        self.leases.append((name, most))
        yield


@pytest.fixture
def open_budget() -> OpenBudget:
    """A rate budget that never holds anybody up."""
    return OpenBudget()


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(app)`` serves an application on a free port until the test ends; it gives the address."""
    async with AsyncExitStack() as servers:

        async def start(app: Litestar) -> str:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            server = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
            serving = asyncio.create_task(server.serve())
            servers.push_async_callback(_stop, server, serving)
            deadline = time.monotonic() + 20
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    assert time.monotonic() < deadline, "the server does not answer"
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return f"http://127.0.0.1:{port}"

        yield start


async def _stop(server: Server, serving: asyncio.Task[None]) -> None:
    server.stop()  # type: ignore[no-untyped-call]
    await serving
