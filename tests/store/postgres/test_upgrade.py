"""From PostgreSQL 16 to 18, with real clusters, cut off and failing."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from afterword.outcomes import ConfigurationError
from afterword.store.postgres.server import EmbeddedPostgres
from afterword.supervisor.services import ChildDiedError

Serve = Callable[..., AbstractAsyncContextManager[EmbeddedPostgres]]
Connect = Callable[[str], AbstractAsyncContextManager[Any]]
WriteNote = Callable[[str], Awaitable[None]]
ReadNote = Callable[[str], Awaitable[str]]
MajorOf = Callable[[str], Awaitable[int]]
ProcessesOf = Callable[[Path], list[int]]
AnotherProcess = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]
Eventually = Callable[..., Awaitable[Any]]
IsAlive = Callable[[int], bool]


def socket_of(server: EmbeddedPostgres) -> Path:
    """Where the server listens; during an upgrade, those that pg_upgrade starts."""
    return Path(parse_qs(urlsplit(server.url).query)["host"][0]) / ".s.PGSQL.5432"


async def test_an_older_database_is_upgraded_with_its_data(
    *,
    tmp_path: Path,
    served: Serve,
    write_note: WriteNote,
    read_note: ReadNote,
    major_of: MajorOf,
    connected: Connect,
) -> None:
    async with served(tmp_path, major=16) as server:
        assert await major_of(server.url) == 16
        await write_note(server.url)
        os.kill(server.pids()[0], signal.SIGKILL)  # so that the upgrade has to recover it first
        await server.wait()
    (tmp_path / "database" / "16" / "custom.conf").write_text("work_mem = 5MB\n")

    async with served(tmp_path, major=18) as server:
        assert await major_of(server.url) == 18
        assert await read_note(server.url) == "Grüße, 世界"
        async with connected(server.url) as connection:
            assert await connection.fetchval("SHOW work_mem") == "5MB"

    assert [entry.name for entry in (tmp_path / "database").iterdir() if entry.is_dir()] == ["18"]


async def test_an_upgrade_that_was_killed_is_done_again(
    *,
    tmp_path: Path,
    eventually: Eventually,
    is_alive: IsAlive,
    served: Serve,
    write_note: WriteNote,
    read_note: ReadNote,
    another_process: AnotherProcess,
    serving_program: str,
) -> None:
    async with served(tmp_path, major=16) as server:
        await write_note(server.url)
    async with another_process(serving_program.format(extra=""), str(tmp_path)) as process:
        await eventually(socket_of(server).exists)
        process.kill()

    async with served(tmp_path, major=18) as server:
        assert await read_note(server.url) == "Grüße, 世界"


async def test_an_upgrade_that_fails_leaves_the_old_database_as_it_was(
    tmp_path: Path, served: Serve, connected: Connect, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path, major=16) as server:
        await write_note(server.url)
        async with connected(server.administrator_url) as connection:
            await connection.execute("CREATE DATABASE closed ALLOW_CONNECTIONS false")

    newer = EmbeddedPostgres(tmp_path, major=18, durable=False)
    with pytest.raises(ChildDiedError, match="pg_upgrade"):
        await newer.start()
    await newer.stop()

    async with served(tmp_path, major=16) as server:
        assert await read_note(server.url) == "Grüße, 世界"
        async with connected(server.administrator_url) as connection:
            await connection.execute("DROP DATABASE closed")
    async with served(tmp_path, major=18) as server:
        assert await read_note(server.url) == "Grüße, 世界"


async def test_a_newer_database_is_refused_and_left_alone(
    tmp_path: Path, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path, major=18) as server:
        await write_note(server.url)

    with pytest.raises(ConfigurationError, match="made by PostgreSQL 18"):
        await EmbeddedPostgres(tmp_path, major=16).start()

    async with served(tmp_path) as server:
        assert await read_note(server.url) == "Grüße, 世界"


async def test_an_unknown_version_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no version 9; it has 16, 18"):
        await EmbeddedPostgres(tmp_path, major=9).start()


async def test_an_upgrade_that_is_interrupted_leaves_nothing_running(
    *,
    tmp_path: Path,
    eventually: Eventually,
    served: Serve,
    write_note: WriteNote,
    read_note: ReadNote,
    processes_of: ProcessesOf,
) -> None:
    async with served(tmp_path, major=16) as server:
        await write_note(server.url)

    newer = EmbeddedPostgres(tmp_path, major=18, durable=False)
    start = asyncio.create_task(newer.start())
    await eventually(socket_of(server).exists)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    assert processes_of(tmp_path) == []
    async with served(tmp_path, major=18) as server:
        assert await read_note(server.url) == "Grüße, 世界"
