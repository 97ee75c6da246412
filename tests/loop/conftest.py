"""A demo of its own for a test: the real processes, on free ports, in a throw-away folder."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from afterword.demo import descriptor
from afterword.demo.descriptor import Descriptor
from afterword.demo.ports import Ports
from afterword.outcomes import ConfigurationError
from afterword.store.embedded import running_url

STARTS_WITHIN_SECONDS = 60


class RunningDemo:
    """A demo in a process of its own, and what a customer, an agent and an assassin do to it."""

    def __init__(self, data_dir: Path, process: subprocess.Popen[bytes], http: aiohttp.ClientSession) -> None:
        self.data_dir = data_dir
        self.process = process
        self.http = http

    @property
    def described(self) -> Descriptor:
        """What ``demo.json`` says now."""
        found = descriptor.read(self.data_dir)
        assert found is not None, f"no demo.json: {self.what_it_said()}"
        return found

    def what_it_said(self) -> str:
        return (self.data_dir / "demo.out").read_text()

    def kill(self, role: str) -> int:
        """SIGKILL a part; answers the process id that is gone."""
        (pid,) = getattr(self.described.processes, role)
        os.kill(pid, signal.SIGKILL)
        return int(pid)

    async def write_in(self, name: str, address: str) -> tuple[str, str]:
        """A new customer writes; answers customer and conversation."""
        told = await self.gladly(
            "POST",
            "/_sandbox/inbound-messages",
            {"customer": {"name": name, "email": address}, "text": "Hello?"},
        )
        return told["customerId"], told["conversationId"]

    async def close_conversation(self, conversation_id: str) -> None:
        await self.gladly(
            "PATCH",
            f"/api/v1/conversations/{conversation_id}",
            {"status": {"value": "CLOSED", "force": True}},
        )

    async def gladly(self, method: str, path: str, body: object = None) -> Any:
        access = self.described.gladly
        async with self.http.request(
            method,
            access.url + path,
            json=body,
            headers={"Authorization": aiohttp.encode_basic_auth(access.username, access.api_token)},
        ) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None

    async def mails(self, address: str | None = None) -> list[dict[str, Any]]:
        query = {"limit": "10000"} | ({"to": address} if address else {})
        async with self.http.get(self.described.mail.messages_url, params=query) as answer:
            answer.raise_for_status()
            mails: list[dict[str, Any]] = await answer.json()
            return mails

    async def timeline(self, customer_id: str) -> list[dict[str, Any]]:
        """What stands on the customer's timeline."""
        items: list[dict[str, Any]] = await self.gladly("GET", f"/_sandbox/customers/{customer_id}/timeline")
        return items

    async def until_acknowledged(self, method: str, url: str, **options: Any) -> aiohttp.ClientResponse:
        """Ask again and again, as a vendor does, until the answer is not an error of the server's."""
        while True:
            try:
                async with self.http.request(method, url, **options) as answer:
                    await answer.read()
                    if answer.status < 500:
                        return answer
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Ask the demo's own database."""
        url = await running_url(self.data_dir)
        assert url is not None
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()


StartDemo = Callable[..., subprocess.Popen[bytes]]

SCALED_DOWN = {
    "AFTERWORD_DEMO_SANDBOX_OPTIONS": "--requests-per-second 10000 --resend-delays "
    + ",".join(["0.2"] * 300),
    "AFTERWORD_DEMO_GLADLY_REQUESTS_PER_SECOND": "5000",
    "AFTERWORD_DEMO_RETRY_TIME_SCALE": "0.02",
    "AFTERWORD_DEMO_WORKER_HEARTBEAT_TIMEOUT": "2",
}
"""The vendors' limits and waits, so that a test need not wait for them."""


@pytest.fixture(scope="module")
def start_demo() -> Iterator[StartDemo]:
    """Start ``afterword demo``; whatever was started is stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(data_dir: Path, *options: str) -> subprocess.Popen[bytes]:
        data_dir.mkdir(exist_ok=True, parents=True)
        with (data_dir / "demo.out").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "afterword", "demo", "--data-dir", str(data_dir), *options],
                stdout=output,
                stderr=output,
                env={**os.environ, **SCALED_DOWN},
            )
        started.append(process)
        return process

    yield start
    for process in started:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and SIGKILL when that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture(scope="module")
def demo_of_module(
    tmp_path_factory: pytest.TempPathFactory, start_demo: StartDemo, free_port_base: Callable[[], int]
) -> tuple[Path, subprocess.Popen[bytes]]:
    """A demo that all tests of a module share."""
    data_dir = tmp_path_factory.mktemp("demo")
    return data_dir, start_demo(data_dir, "--port-base", str(free_port_base()))


@pytest_asyncio.fixture
async def demo(
    demo_of_module: tuple[Path, subprocess.Popen[bytes]], http: aiohttp.ClientSession, eventually: Any
) -> RunningDemo:
    """The module's demo, with everything in it up."""
    data_dir, process = demo_of_module
    running = RunningDemo(data_dir, process, http)
    await eventually(
        lambda: descriptor.read(data_dir) or process.poll() is not None, within=STARTS_WITHIN_SECONDS
    )
    assert process.poll() is None, running.what_it_said()

    async def everything_is_up() -> bool:
        try:
            async with http.get(f"{running.described.afterword.url}/health") as answer:
                return bool((await answer.json())["status"] == "ok")
        except aiohttp.ClientError:
            return False

    await eventually(everything_is_up, within=STARTS_WITHIN_SECONDS)
    return running


@pytest.fixture(scope="session")
def free_port_base() -> Callable[[], int]:
    """Find a base whose four ports are free now."""

    def find() -> int:
        while True:
            base = Ports.free().web
            try:
                Ports.from_base(base).refuse_if_taken()
            except ConfigurationError:
                continue
            return base

    return find
