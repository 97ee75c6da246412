"""The embedded PostgreSQL, with real servers and real kills."""

import asyncio
import os
import shutil
import signal
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from afterword.outcomes import ConfigurationError
from afterword.store.embedded import running, running_url
from afterword.store.postgres import programs
from afterword.store.postgres import server as server_module
from afterword.store.postgres.server import AlreadyRunning, EmbeddedPostgres
from afterword.supervisor.services import ChildDiedError

Serve = Callable[..., AbstractAsyncContextManager[EmbeddedPostgres]]
Connect = Callable[[str], AbstractAsyncContextManager[Any]]
WriteNote = Callable[[str], Awaitable[None]]
ReadNote = Callable[[str], Awaitable[str]]
MajorOf = Callable[[str], Awaitable[int]]
ProcessesOf = Callable[[Path], list[int]]
AnotherProcess = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]
ServeElsewhere = Callable[..., AbstractAsyncContextManager[tuple[asyncio.subprocess.Process, int]]]
Eventually = Callable[..., Awaitable[Any]]
IsAlive = Callable[[int], bool]

WITHOUT_DEATH_SIGNAL = "programs.USES_DEATH_SIGNAL = False"


def owner_of(path: Path) -> int:
    return path.stat().st_uid


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


async def test_the_data_outlives_the_server(
    tmp_path: Path, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path) as server:
        await write_note(server.url)

    async with served(tmp_path) as server:
        assert await read_note(server.url) == "Grüße, 世界"


async def test_clients_are_no_administrators_of_the_server(
    tmp_path: Path, served: Serve, connected: Connect
) -> None:
    async with served(tmp_path) as server, connected(server.url) as connection:
        role = await connection.fetchrow(
            "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = user"
        )
        assert tuple(role) == ("afterword", False, False)


async def test_what_is_committed_is_on_disk_and_text_is_unicode(tmp_path: Path, connected: Connect) -> None:
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    try:
        async with connected(server.url) as connection:
            settings = dict(
                await connection.fetch(
                    "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
                    ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "data_checksums"],
                )
            )
            locale = await connection.fetchrow(
                "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) AS encoding "
                "FROM pg_database WHERE datname = current_database()"
            )
            assert await connection.fetchval("SELECT upper('crème')") == "CRÈME"
    finally:
        await server.stop()

    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "data_checksums": "on",
    }
    assert tuple(locale) == (b"b", "C.UTF-8", "UTF8")


@pytest.mark.parametrize("name", ["Application Support", 'it\'s $HOME `id` "quoted" %s', "データ"])
async def test_any_name_of_the_data_directory_will_do(
    tmp_path: Path, name: str, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path / name) as server:
        await write_note(server.url)
        assert await read_note(server.url) == "Grüße, 世界"


async def test_a_path_of_200_characters_will_do(tmp_path: Path, served: Serve, major_of: MajorOf) -> None:
    folder = tmp_path / ("d" * (199 - len(str(tmp_path))))
    assert len(str(folder)) == 200

    async with served(folder) as server:
        assert await major_of(server.url) == 18
        assert len(str(socket_folder(server.url) / ".s.PGSQL.5432")) < 100


async def test_a_stale_pid_file_that_names_a_foreign_process_is_of_no_account(
    tmp_path: Path, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path) as server:
        await write_note(server.url)
        sockets = socket_folder(server.url)
        pid_file = tmp_path / "database" / "18" / "postmaster.pid"
        content = pid_file.read_text().splitlines()

    # PostgreSQL takes a process of its own user for a server, of another's not.
    user = owner_of(pid_file.parent)
    foreigner = await asyncio.create_subprocess_exec(shutil.which("sleep") or "sleep", "600", user=user)
    stale = "\n".join([str(foreigner.pid), *content[1:], ""])
    pid_file.write_text(stale)
    sockets.mkdir(mode=0o700)
    (sockets / ".s.PGSQL.5432.lock").write_text(stale)
    for path in (pid_file, sockets, sockets / ".s.PGSQL.5432.lock"):
        os.chown(path, user, -1)
    try:
        async with served(tmp_path) as server:
            assert await read_note(server.url) == "Grüße, 世界"
        assert foreigner.returncode is None
    finally:
        foreigner.kill()
        await foreigner.wait()


async def test_of_two_starts_at_once_one_wins_and_the_other_says_that_it_runs(tmp_path: Path) -> None:
    servers = [EmbeddedPostgres(tmp_path, durable=False) for _ in range(2)]

    results = await asyncio.gather(*(server.start() for server in servers), return_exceptions=True)

    try:
        assert sorted(map(type, results), key=str) == [type(None), AlreadyRunning]
        (loser,) = (server for server, result in zip(servers, results, strict=True) if result)
        await loser.stop()
        assert await running_url(tmp_path) == servers[0].url
    finally:
        for server in servers:
            await server.stop()


async def test_a_running_server_is_found_and_a_stopped_one_is_not(tmp_path: Path, served: Serve) -> None:
    assert await running_url(tmp_path / "never") is None
    assert not (tmp_path / "never").exists()
    async with served(tmp_path) as server:
        assert await running_url(tmp_path) == server.url
    assert await running_url(tmp_path) is None


async def test_a_command_uses_the_server_that_runs(tmp_path: Path, served: Serve, major_of: MajorOf) -> None:
    async with served(tmp_path) as server:
        async with running(tmp_path) as url:
            assert url == server.url
        assert await major_of(server.url) == 18


async def test_commands_share_a_server_until_the_last_is_done(
    tmp_path: Path, eventually: Eventually, major_of: MajorOf
) -> None:
    finished = {"first": asyncio.Event(), "second": asyncio.Event()}
    urls: dict[str, str] = {}

    async def command(name: str) -> None:
        async with running(tmp_path) as url:
            urls[name] = url
            await finished[name].wait()

    first = asyncio.create_task(command("first"))
    await eventually(lambda: "first" in urls)
    second = asyncio.create_task(command("second"))
    await eventually(lambda: "second" in urls)

    finished["first"].set()
    assert await major_of(urls["second"]) == 18
    assert not first.done()

    finished["second"].set()
    await asyncio.gather(first, second)
    assert await running_url(tmp_path) is None


async def test_two_commands_that_begin_together_use_one_server(tmp_path: Path) -> None:
    both_in = asyncio.Barrier(2)

    async def command() -> str:
        async with running(tmp_path) as url:
            await both_in.wait()
            return url

    first, second = await asyncio.gather(command(), command())
    assert first == second


async def test_a_killed_server_is_seen_to_end_and_recovers_at_the_next_start(
    tmp_path: Path, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path) as server:
        (pid,) = server.pids()
        await write_note(server.url)
        url = server.url

        os.kill(pid, signal.SIGKILL)

        assert await server.wait() == -signal.SIGKILL
        assert server.pids() == []
        await server.start()
        assert server.pids() != [pid]
        assert await read_note(url) == "Grüße, 世界"
        assert "database system was not properly shut down" in server.log.path.read_text()


async def test_a_slow_start_says_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "WORTH_SAYING_SECONDS", 0.0)
    said: list[str] = []
    server = EmbeddedPostgres(tmp_path, durable=False, on_progress=said.append)

    await server.start()
    await server.stop()

    assert any("starting up" in line for line in said)


async def test_a_server_that_cannot_start_tells_its_last_words(
    tmp_path: Path, served: Serve, connected: Connect
) -> None:
    async with served(tmp_path):
        pass
    (tmp_path / "database" / "18" / "custom.conf").write_text("work_mem = plenty\n")
    (tmp_path / "database" / "18" / "custom.conf").chmod(0o600)

    server = EmbeddedPostgres(tmp_path, durable=False)
    with pytest.raises(ChildDiedError, match="work_mem"):
        await server.start()
    await server.stop()

    (tmp_path / "database" / "18" / "custom.conf").write_text("work_mem = 5MB\n")
    async with served(tmp_path) as server, connected(server.url) as connection:
        assert await connection.fetchval("SHOW work_mem") == "5MB"


async def test_stopping_leaves_nothing(
    tmp_path: Path, is_alive: IsAlive, served: Serve, processes_of: ProcessesOf
) -> None:
    async with served(tmp_path) as server:
        (pid,) = server.pids()
        sockets = socket_folder(server.url)
        assert pid in processes_of(tmp_path)

    assert not is_alive(pid)
    assert processes_of(tmp_path) == []
    assert not sockets.exists()


async def test_stopping_does_not_wait_for_clients(tmp_path: Path, served: Serve, connected: Connect) -> None:
    async with served(tmp_path) as server, connected(server.url) as connection:
        await connection.execute("BEGIN")
        await server.stop()
        assert server.pids() == []


@pytest.mark.parametrize("extra", ["", WITHOUT_DEATH_SIGNAL], ids=["own way", "watcher"])
async def test_a_killed_supervisor_leaves_no_server(
    *,
    tmp_path: Path,
    extra: str,
    eventually: Eventually,
    is_alive: IsAlive,
    served: Serve,
    major_of: MajorOf,
    processes_of: ProcessesOf,
    served_elsewhere: ServeElsewhere,
) -> None:
    async with served_elsewhere(tmp_path, extra) as (process, pid):
        assert is_alive(pid)
        process.kill()
        await eventually(lambda: not is_alive(pid) and not processes_of(tmp_path))

    assert "received fast shutdown request" in (tmp_path / "logs" / "database.log").read_text()
    async with served(tmp_path) as server:
        assert await major_of(server.url) == 18


async def test_a_watched_server_that_is_stopped_leaves_no_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually, served: Serve, major_of: MajorOf
) -> None:
    monkeypatch.setattr(programs, "USES_DEATH_SIGNAL", False)
    async with served(tmp_path) as server:
        assert await eventually(lambda: watchers_of(tmp_path))
        assert await major_of(server.url) == 18
    await eventually(lambda: not watchers_of(tmp_path))


async def test_a_server_whose_supervisor_vanished_is_stopped_by_the_next(
    *,
    tmp_path: Path,
    eventually: Eventually,
    is_alive: IsAlive,
    served: Serve,
    write_note: WriteNote,
    read_note: ReadNote,
    served_elsewhere: ServeElsewhere,
) -> None:
    async with served_elsewhere(tmp_path, WITHOUT_DEATH_SIGNAL) as (process, pid):
        await write_note(await running_url(tmp_path) or "")
        for watcher in watchers_of(tmp_path):
            os.kill(watcher, signal.SIGKILL)
        process.kill()
        await process.wait()
        assert is_alive(pid)

    async with served(tmp_path) as server:
        assert not is_alive(pid)
        assert await read_note(server.url) == "Grüße, 世界"
    assert "not properly shut down" not in (tmp_path / "logs" / "database.log").read_text()


def watchers_of(data_dir: Path) -> list[int]:
    """The processes that stand by to stop a server: interpreters that still run ``launch.py``."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if str(programs.LAUNCH) in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


async def test_nobody_else_can_reach_the_files_or_the_socket(tmp_path: Path, served: Serve) -> None:
    async with served(tmp_path / "data") as server:
        sockets = socket_folder(server.url)
        private = [
            tmp_path / "data",
            tmp_path / "data" / "database",
            tmp_path / "data" / "database" / "18",
            sockets,
        ]
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in private] == [0o700] * 4
        assert stat.S_IMODE(server.log.path.stat().st_mode) == 0o600


async def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path, served: Serve) -> None:
    async with served(tmp_path) as server:
        sockets = socket_folder(server.url)
    sockets.mkdir(mode=0o755)
    os.chown(sockets, owner_of(tmp_path / "database" / "18"), -1)
    try:
        with pytest.raises(ConfigurationError, match="not a private folder"):
            await EmbeddedPostgres(tmp_path, durable=False).start()
        with socket.socket(socket.AF_UNIX) as impostor:
            impostor.bind(str(sockets / ".s.PGSQL.5432"))
            impostor.listen()
            assert await running_url(tmp_path) is None
            (sockets / ".s.PGSQL.5432").unlink()
    finally:
        sockets.rmdir()


async def test_a_data_directory_that_cannot_be_made_is_told_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="Choose another --data-dir"):
        await EmbeddedPostgres(tmp_path / "file" / "data").start()


@pytest.mark.parametrize("lock", ["supervisor.lock", "users.lock"])
async def test_files_that_cannot_be_opened_are_told_clearly(tmp_path: Path, lock: str) -> None:
    (tmp_path / "database" / lock).mkdir(parents=True)  # as useless to root as another user's file is to us

    with pytest.raises(ConfigurationError, match="cannot be used"):
        async with running(tmp_path):
            pytest.fail("it runs")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
async def test_a_data_directory_of_somebody_else_is_told_clearly(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir(mode=0o000)

    with pytest.raises(ConfigurationError, match="cannot be used"):
        await running_url(tmp_path)
