"""Servers for the tests of the embedded PostgreSQL."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from afterword.store.postgres.server import EmbeddedPostgres

Serve = Callable[..., AbstractAsyncContextManager[EmbeddedPostgres]]
Connect = Callable[[str], AbstractAsyncContextManager[Any]]
WriteNote = Callable[[str], Awaitable[None]]
ReadNote = Callable[[str], Awaitable[str]]
MajorOf = Callable[[str], Awaitable[int]]
ProcessesOf = Callable[[Path], list[int]]
AnotherProcess = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]
ServeElsewhere = Callable[..., AbstractAsyncContextManager[tuple[asyncio.subprocess.Process, int]]]

SERVE = """
import asyncio, sys
from pathlib import Path
from afterword.store.postgres import programs
from afterword.store.postgres.server import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print(server.pids()[0], flush=True)
    await asyncio.sleep(600)

{extra}
asyncio.run(main())
"""


@asynccontextmanager
async def _served(data_dir: Path, major: int | None = None) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, major=major, durable=False)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


async def _write_note(url: str) -> None:
    async with _connected(url) as connection:
        await connection.execute("CREATE TABLE note AS SELECT 'Grüße, 世界' AS words")


async def _read_note(url: str) -> str:
    async with _connected(url) as connection:
        return str(await connection.fetchval("SELECT words FROM note"))


async def _major_of(url: str) -> int:
    async with _connected(url) as connection:
        return int(connection.get_server_version().major)


def _processes_of(data_dir: Path) -> list[int]:
    """The live processes that have the server's lock open, or work in the cluster's folder."""
    database = str(data_dir / "database")
    found = []
    for process in psutil.process_iter():
        try:
            files = [file.path for file in process.open_files()]
            if process.pid != os.getpid() and any(
                path.startswith(database) for path in [*files, process.cwd()]
            ):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@asynccontextmanager
async def _another_process(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-c", program, *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def _served_elsewhere(
    data_dir: Path, extra: str = ""
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A process that runs the server, and the process id of that."""
    async with _another_process(SERVE.format(extra=extra), str(data_dir)) as process:
        assert process.stdout is not None
        yield process, int(await process.stdout.readline())


@pytest.fixture
def served() -> Serve:
    """``async with served(data_dir, major)`` runs a server, which forgets all if the machine fails."""
    return _served


@pytest.fixture
def connected() -> Connect:
    """``async with connected(url)`` gives a connection."""
    return _connected


@pytest.fixture
def write_note() -> WriteNote:
    """Puts a note into a database."""
    return _write_note


@pytest.fixture
def read_note() -> ReadNote:
    """Reads that note."""
    return _read_note


@pytest.fixture
def major_of() -> MajorOf:
    """The version of the server."""
    return _major_of


@pytest.fixture
def processes_of() -> ProcessesOf:
    """The live processes that use the files of a database."""
    return _processes_of


@pytest.fixture
def another_process() -> AnotherProcess:
    """``async with another_process(program, *arguments)`` runs a Python program."""
    return _another_process


@pytest.fixture
def served_elsewhere() -> ServeElsewhere:
    """``async with served_elsewhere(data_dir)`` gives a process that runs a server, and the id of that."""
    return _served_elsewhere


@pytest.fixture
def serving_program() -> str:
    """A program that serves the data directory it is given; ``{extra}`` is for lines to run before."""
    return SERVE


@pytest.fixture
def world_readable() -> Iterator[Path]:
    """A folder that every user can get to, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="afterword-tests-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
