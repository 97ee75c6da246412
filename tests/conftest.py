"""What every test may ask for: a fresh database of a real PostgreSQL, and a way to wait without sleeping."""

import asyncio
import base64
import inspect
import itertools
import logging
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import psutil
import pytest
import pytest_asyncio
import structlog
import yarl
from aiohttp import web
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from litestar.types import ControllerRouterHandler
from structlog.testing import capture_logs

from afterword import web as web_half
from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.connected import WebhookCredentials, add_gladly
from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.intake.endpoints import add_endpoint
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.embedded import EmbeddedPostgres
from afterword.store.migrations import migrate

pytest_plugins = ["fixtures.sandbox"]

Eventually = Callable[..., Awaitable[Any]]
Serve = Callable[[Litestar], Awaitable[str]]

TEMPLATE = "template_of_tests"
NUMBERS = itertools.count(1)


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


@asynccontextmanager
async def _one_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    async for url in _database(server, template):
        yield url


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
    """A rate budget that lets everything through, unless it is given a refusal, and remembers all."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, float, float]] = []
        self.holds: list[tuple[str, float]] = []
        self.refusal: Exception | None = None

    async def wait_for_turn(self, name: str, rate_per_second: float, burst: float, _patience: float) -> None:
        self.turns.append((name, rate_per_second, burst))
        if self.refusal is not None:
            raise self.refusal

    async def penalise(self, name: str, seconds: float) -> None:
        self.holds.append((name, seconds))


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


class Afterword:
    """The web half, really served: a signed-up owner, a Gladly account, a JSON Event endpoint.

    Whatever it writes to its log is kept in ``said()``; none of ``secrets`` may ever be in there.
    """

    username, password = "gladly", "webhook-password-Secret"
    api_token = "OwnersApiTokenSecretSecretSecretSecret12"
    other_token = "AnalystsApiTokenSecretSecretSecretSecret"
    url_token = "0b9c2f7e-addr-Secret-8f4e-2d1b7c5a9e30"
    customer = "customer-Secret"
    owner_password = "owners-password-Secret"

    def __init__(self, url: str, database: Database, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.database = database
        self.http = http
        self.stop = asyncio.Event()
        self.serving: asyncio.Task[None] | None = None
        self.account_id = ""
        self.owner_id = ""
        self.endpoint_id = "OC_aaaaaaaaaaaaaaa"
        self.logged: list[Any] = []

    @property
    def secrets(self) -> tuple[str, ...]:
        """Parts of everything that is nobody's business; ``customer`` is for bodies."""
        return ("Secret", base64.b64encode(f"{self.username}:{self.password}".encode()).decode())

    def said(self) -> str:
        """Everything that was logged."""
        return "\n".join(str(entry) for entry in self.logged)

    def assert_told_nothing_secret(self) -> None:
        for secret in self.secrets:
            assert secret not in self.said()

    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def webhook_path(self) -> str:
        return f"/webhooks/gladly/{self.account_id}"

    @property
    def json_event_path(self) -> str:
        return f"/inbound-event/v1/events/json/triggers?urlTokenId={self.url_token}"

    def webhook_login(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.username, self.password)}

    def closing(self, event_id: str = "e1", **changes: object) -> dict[str, Any]:
        return {
            "id": event_id,
            "type": "CONVERSATION/CLOSED",
            "timestamp": "2026-11-23T10:00:00.123Z",
            "initiator": {"id": "a1", "type": "AGENT"},
            "content": {"customerId": self.customer, "conversationId": "v1"},
        } | changes

    async def post_webhook(self, body: bytes | object, **options: Any) -> aiohttp.ClientResponse:
        """Send a webhook, by default with the account's credentials."""
        options.setdefault("headers", self.webhook_login())
        return await self.send("POST", options.pop("path", self.webhook_path), body, **options)

    async def post_event(self, body: bytes | object, **options: Any) -> aiohttp.ClientResponse:
        """Send a JSON event, by default with the owner's API token."""
        headers = {"X-API-TOKEN": self.api_token, "Content-Type": "application/json"}
        options["headers"] = headers | options.get("headers", {})
        return await self.send("POST", options.pop("path", self.json_event_path), body, **options)

    async def send(
        self, method: str, path: str, body: bytes | object = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """Send a request exactly as told; the answer's body was read."""
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.http.request(
            method,
            yarl.URL(self.url + path, encoded=True),
            data=data,
            allow_redirects=False,
            skip_auto_headers=("Content-Type",),
            **options,
        ) as answer:
            await answer.read()
            return answer

    async def events(self) -> list[asyncpg.Record]:
        return await self.database.pool.fetch("SELECT * FROM event ORDER BY id")

    async def told(self) -> list[tuple[str, str]]:
        """(type, status) of each event that is stored."""
        return [(event["type"], event["status"]) for event in await self.events()]


@pytest.fixture
def log_entries() -> Iterator[list[Any]]:
    """Everything that is logged during the test, our own and every library's."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            entries.append({"record": self.format(record)})

    with capture_logs(processors=[structlog.processors.format_exc_info]) as entries:
        keeper = Keep(level=logging.WARNING)
        logging.getLogger().addHandler(keeper)
        yield entries
        logging.getLogger().removeHandler(keeper)


StartAfterword = Callable[..., Awaitable[Afterword]]


@pytest_asyncio.fixture
async def start_afterword(
    database: Database, database_url: str, log_entries: list[Any]
) -> AsyncIterator[StartAfterword]:
    """``await start_afterword()`` serves the web half on a free port until the test ends."""
    async with AsyncExitStack() as started:

        async def start(
            *, url_of_database: str = database_url, more_routes: Sequence[ControllerRouterHandler] = ()
        ) -> Afterword:
            afterword = await _start_afterword(started, database, url_of_database, more_routes)
            afterword.logged = log_entries
            return afterword

        yield start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_afterword(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[Afterword]:
    """The web half that many tests share, one after the other, to be quick; ask for ``afterword``."""
    async with AsyncExitStack() as started:
        url = await started.enter_async_context(_one_database(postgres, template_database))
        database = await Database.connect(url, name="test", pool_size=4)
        started.push_async_callback(database.close)
        yield await _start_afterword(started, database, url)


@pytest_asyncio.fixture(loop_scope="session")
async def afterword(shared_afterword: Afterword, log_entries: list[Any]) -> AsyncIterator[Afterword]:
    """The web half, served, with nothing stored yet; for tests with ``loop_scope="session"``."""
    await shared_afterword.database.pool.execute("TRUNCATE event, run, task_attempt, workflow CASCADE")
    shared_afterword.logged = log_entries
    yield shared_afterword
    shared_afterword.assert_told_nothing_secret()


async def _start_afterword(
    started: AsyncExitStack,
    database: Database,
    database_url: str,
    more_routes: Sequence[ControllerRouterHandler] = (),
) -> Afterword:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    http = await started.enter_async_context(
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30), cookie_jar=aiohttp.DummyCookieJar())
    )
    afterword = Afterword(f"http://127.0.0.1:{port}", database, http)
    settings = Settings.load(
        {}, web_port=port, public_url=afterword.url, secret_key="one key of the tests that is long enough"
    )
    await _sign_up(afterword, SecretBox.open(settings))
    serving = asyncio.create_task(
        web_half.serve(settings, database_url, afterword.stop, more_routes=more_routes)
    )
    afterword.serving = serving
    started.push_async_callback(_stop_afterword, afterword)
    await _until_open(port, serving)
    return afterword


async def _sign_up(afterword: Afterword, box: SecretBox) -> None:
    async with afterword.database.transaction() as connection:
        await check_secret_key(connection, box)
        owner = await add_person(
            connection,
            email="olive@example.com",
            name="Olive van Owner",
            role="owner",
            password=afterword.owner_password,
        )
        analyst = await add_person(connection, email="ann@example.com", name="Ann", role="analyst")
        await add_api_token(connection, owner.id, "app", token=afterword.api_token)
        await add_api_token(connection, analyst.id, "other", token=afterword.other_token)
        account = await add_gladly(
            connection,
            box,
            name="Acme",
            base_url="https://acme.gladly.com",
            username="api@example.com",
            api_token="gladlys-api-token-Secret",
            webhook=WebhookCredentials(username=afterword.username, password=afterword.password),
        )
        await add_endpoint(
            connection,
            box,
            endpoint_id=afterword.endpoint_id,
            person_id=owner.id,
            url_token=afterword.url_token,
        )
    afterword.account_id, afterword.owner_id = account.id, owner.id


async def _until_open(port: int, serving: asyncio.Task[None]) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert not serving.done(), serving.exception() or "it ended"
        assert time.monotonic() < deadline, "the server does not answer"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return


async def _stop_afterword(afterword: Afterword) -> None:
    afterword.stop.set()
    assert afterword.serving is not None
    await afterword.serving
    afterword.assert_told_nothing_secret()


class Line:
    """A line to the database that can be cut, or lose an answer, as networks do."""

    def __init__(self, folder: str, real_socket: str) -> None:
        self._path = f"{folder}/.s.PGSQL.5432"
        self._real_socket = real_socket
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._unheard = b""
        self.url = ""

    async def mend(self) -> None:
        self._unheard = b""
        self._server = await asyncio.start_unix_server(self._carry, self._path)

    def cut(self) -> None:
        """End every connection; there are no new ones until it is mended."""
        if self._server is not None:
            self._server.close()
            self._server = None
            Path(self._path).unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()

    def lose_answer_to(self, question: bytes) -> None:
        """What is asked arrives and is done, but the connection that asks this hears nothing any more."""
        self._unheard = question

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            real_reader, real_writer = await asyncio.open_unix_connection(self._real_socket)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, real_writer}
        self._writers |= ends
        deaf = asyncio.Event()
        await asyncio.gather(
            self._pump(reader, real_writer, deaf, asks=True),
            self._pump(real_reader, writer, deaf, asks=False),
        )
        self._writers -= ends

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event, *, asks: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if asks and self._unheard and self._unheard in data:
                    deaf.set()
                if asks or not deaf.is_set():
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    """A line to this test's database; its ``url`` is the database's address over it."""
    address = yarl.URL(database_url)
    with tempfile.TemporaryDirectory(prefix="afterword-line-") as folder:
        cuttable = Line(folder, f"{address.query['host']}/.s.PGSQL.{address.query.get('port', '5432')}")
        cuttable.url = str(address.update_query(host=folder, port="5432"))
        await cuttable.mend()
        yield cuttable
        cuttable.cut()
