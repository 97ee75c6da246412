"""A really started sandbox, a client of its API, and a receiver of its webhooks."""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

USERNAME, API_TOKEN = "api.user@juniperandpine.example", "token-of-the-tests"
READY = re.compile(r"Gladly sandbox at (http://\S+), mail at (http://\S+), SMTP on port (\d+)")
NUMBERS = itertools.count(1)


class SandboxProcess:
    """A sandbox's process on a data directory; started again it listens on the same ports."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        self.options = options
        self.environment = environment()
        self.ports = ("0", "0", "0")
        self.start()

    def command(self) -> list[str]:
        port, mail_page_port, smtp_port = self.ports
        return [
            *(sys.executable, "-m", "afterword_sandbox", "--data-dir", str(self.data_dir)),
            *("--port", port, "--mail-page-port", mail_page_port, "--smtp-port", smtp_port),
            *self.options,
        ]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = READY.match(line)
        assert ready, f"the sandbox did not start: {line!r}"
        self.url, self.mail_url = ready[1], ready[2]
        self.smtp_port = int(ready[3])
        self.ports = (self.url.rsplit(":", 1)[1], self.mail_url.rsplit(":", 1)[1], ready[3])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def client(self) -> aiohttp.ClientSession:
        authorization = aiohttp.encode_basic_auth(USERNAME, API_TOKEN)
        return aiohttp.ClientSession(self.url, headers={"Authorization": authorization})


def environment() -> dict[str, str]:
    ours = {"AFTERWORD_SANDBOX_USERNAME": USERNAME, "AFTERWORD_SANDBOX_API_TOKEN": API_TOKEN}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **ours}


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(data_dir, *options)
    try:
        yield sandbox
    finally:
        if sandbox.process.poll() is None:
            sandbox.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A sandbox that many tests share: each makes customers of its own. Its rate limit is out of the way."""
    options = ("--requests-per-second", "100000", "--reports-per-minute", "100000")
    resends = ("--resend-delays", "0.05,0.05")
    with running(tmp_path_factory.mktemp("sandbox"), *options, *resends) as process:
        yield process


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxProcess]]:
    """Start a sandbox that is this test's alone, with options."""
    started: list[SandboxProcess] = []

    def start(*options: str) -> SandboxProcess:
        started.append(SandboxProcess(tmp_path / "data", *options))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.end(signal.SIGKILL)


@pytest_asyncio.fixture
async def gladly(sandbox: SandboxProcess) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the shared sandbox, signed in."""
    async with sandbox.client() as client:
        yield client


class Opened(NamedTuple):
    """A customer who wrote."""

    customer_id: str
    conversation_id: str
    item_id: str
    email: str


Write = Callable[..., Awaitable[Opened]]


@pytest.fixture
def write(gladly: aiohttp.ClientSession) -> Write:
    """Let a customer write, a new one unless told who."""

    async def send(
        text: str = "Where is my parcel?",
        *,
        email: str | None = None,
        client: aiohttp.ClientSession | None = None,
        **more: str,
    ) -> Opened:
        email = email or f"customer{next(NUMBERS)}.{os.getpid()}@mail.example"
        body = {"customer": {"name": "Robin Doe", "email": email}, "text": text, **more}
        async with (client or gladly).post("/_sandbox/inbound-messages", json=body) as answer:
            assert answer.status == 201, await answer.text()
            ids = await answer.json()
        return Opened(ids["customerId"], ids["conversationId"], ids["itemId"], email)

    return send


class Past(NamedTuple):
    """A conversation that was put into the past."""

    customer_id: str
    conversation_id: str
    item_ids: list[str]


PutPast = Callable[..., Awaitable[list[Past]]]


@pytest.fixture
def put_past(gladly: aiohttp.ClientSession) -> PutPast:
    """Put conversations into the past, each of a customer of its own unless told whose."""

    async def put(*conversations: dict[str, Any], client: aiohttp.ClientSession | None = None) -> list[Past]:
        told = []
        for one in conversations:
            email = f"past{next(NUMBERS)}.{os.getpid()}@mail.example"
            told.append({"customer": {"name": "Kim Past", "email": email}, **one})
        body = {"conversations": told}
        async with (client or gladly).post("/_sandbox/past-conversations", json=body) as answer:
            assert answer.status == 201, await answer.text()
            made = (await answer.json())["conversations"]
        return [Past(one["customerId"], one["conversationId"], one["itemIds"]) for one in made]

    return put


Set = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture
async def set_sandbox(gladly: aiohttp.ClientSession) -> AsyncIterator[Set]:
    """Change the shared sandbox's settings for this test."""
    async with gladly.get("/_sandbox/settings") as answer:
        before = await answer.json()

    async def change(**settings: Any) -> None:
        async with gladly.patch("/_sandbox/settings", json=settings) as answer:
            assert answer.status == 204, await answer.text()

    yield change
    await change(**before)


class Received(NamedTuple):
    """A request that a webhook got."""

    event: dict[str, Any]
    headers: dict[str, str]


class Receiver:
    """A webhook's other end: remembers what came and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.ping_status = 200
        self.statuses: list[int] = []
        self.default_status = 200
        self.hold: asyncio.Event | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        event = json.loads(await request.read())
        self.received.append(Received(event, dict(request.headers)))
        if event["type"] == "PING":
            return web.Response(status=self.ping_status)
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else self.default_status)

    def events(
        self, event_type: str | None = None, conversation_id: str | None = None
    ) -> list[dict[str, Any]]:
        """What came besides PING, of a type, of a conversation."""
        return [
            received.event
            for received in self.received
            if received.event["type"] != "PING"
            and event_type in {None, received.event["type"]}
            and conversation_id in {None, received.event["content"].get("conversationId")}
        ]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver of webhooks at an address of its own."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.handle)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/gladly{next(NUMBERS)}"
        yield receiver


AddWebhook = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture
async def add_webhook(gladly: aiohttp.ClientSession) -> AsyncIterator[AddWebhook]:
    """Make a webhook in the shared sandbox; it is gone after the test."""
    made: list[str] = []

    async def add(url: str, events: list[str], **more: Any) -> str:
        body = {"url": url, "events": events, "enabled": True, **more}
        async with gladly.post("/api/v1/webhooks", json=body) as answer:
            assert answer.status == 201, await answer.text()
            made.append(answer.headers["Location"].rsplit("/", 1)[1])
        return made[-1]

    yield add
    for webhook_id in made:
        await gladly.patch(f"/api/v1/webhooks/{webhook_id}", json={"enabled": False})
        await gladly.delete(f"/api/v1/webhooks/{webhook_id}")


@pytest.fixture
def hear(receiver: Receiver, add_webhook: AddWebhook) -> Callable[..., Awaitable[Receiver]]:
    """Make a webhook for events of these types, and give its receiver."""

    async def begin(*events: str) -> Receiver:
        await add_webhook(receiver.url, list(events))
        return receiver

    return begin
