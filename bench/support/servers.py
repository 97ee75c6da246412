"""Servers to measure: processes of ours, started for a benchmark and stopped after it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from afterword.demo import descriptor
from afterword.demo.descriptor import Descriptor
from afterword.store.postgres.server import EmbeddedPostgres
from support.results import NotMeasured

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.01


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        return int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """An embedded PostgreSQL with its production settings, every commit on disk, in a throw-away folder."""
    with tempfile.TemporaryDirectory(prefix="afterword-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def python(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, stdin: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program, stopped with SIGTERM when the block ends; its standard output is a pipe if its input is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
        stdout=sys.stderr if stdin is None else asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), STOP_SECONDS)


async def until_it_answers(url: str, process: asyncio.subprocess.Process) -> None:
    """Wait until an address answers with 200.

    Raises:
        NotMeasured: its process ended, or it did not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while not await asyncio.to_thread(_answers, url):
        if process.returncode is not None:
            raise NotMeasured(f"the server ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise NotMeasured(f"the server did not answer within {START_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - always http
            return bool(answer.status == 200)
    except OSError:
        return False


class RunningDemo(msgspec.Struct, frozen=True):
    """A demo that is ready: its process, what its ``demo.json`` says, and the seconds that its start took."""

    process: asyncio.subprocess.Process
    descriptor: Descriptor
    seconds: float


@contextlib.asynccontextmanager
async def demo(data_dir: Path) -> AsyncIterator[RunningDemo]:
    """``afterword demo`` on this data directory and free ports, from its start until the block ends.

    Raises:
        NotMeasured: it did not get ready.
    """
    began = time.perf_counter()
    command = ["-m", "afterword", "demo", "--data-dir", str(data_dir), "--port-base", str(_free_base())]
    async with python(command) as process:
        while (found := descriptor.read(data_dir)) is None:
            if process.returncode is not None:
                raise NotMeasured(f"the demo ended with status {process.returncode}")
            if time.perf_counter() > began + START_SECONDS:
                raise NotMeasured(f"the demo was not ready within {START_SECONDS:.0f} s")
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        yield RunningDemo(process, found, time.perf_counter() - began)


@contextlib.contextmanager
def demo_folder() -> Iterator[Path]:
    """A throw-away data directory."""
    with tempfile.TemporaryDirectory(prefix="afterword-bench-") as folder:
        yield Path(folder) / "demo"


def _free_base() -> int:
    """A port whose neighbours that the demo wants are free, too."""
    while True:
        base = free_port()
        if base + 25 <= 65535 and all(_is_free(base + offset) for offset in (0, 1, 2, 25)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as bound:
        try:
            bound.bind((HOST, port))
        except OSError:
            return False
        return True
