"""Who the server runs as, and what it can and cannot reach."""

import asyncio
import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from afterword.outcomes import ConfigurationError
from afterword.store.embedded import running
from afterword.store.postgres.binaries import binaries
from afterword.store.postgres.server import EmbeddedPostgres

Serve = Callable[..., AbstractAsyncContextManager[EmbeddedPostgres]]
WriteNote = Callable[[str], Awaitable[None]]
ReadNote = Callable[[str], Awaitable[str]]
MajorOf = Callable[[str], Awaitable[int]]

NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop to another user")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that nobody but us can enter."""
    tmp_path.chmod(0o700)
    return tmp_path


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def owners_in(folder: Path) -> dict[str, int]:
    """The owner of each path below a folder."""
    return {path.relative_to(folder).as_posix(): path.stat().st_uid for path in folder.rglob("*")}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@as_root
async def test_for_root_the_server_is_another_user_who_owns_the_cluster_alone(
    closed: Path, served: Serve
) -> None:
    async with served(closed / "data") as server:
        (pid,) = server.pids()
        assert set(psutil.Process(pid).uids()) == {NOBODY.pw_uid}
        assert psutil.Process(pid).gids().real == NOBODY.pw_gid
        owners = owners_in(closed)

    cluster = "data/database/18"
    assert owners["data"] == owners["data/database"] == 0
    assert {uid for path, uid in owners.items() if path.startswith(cluster)} == {NOBODY.pw_uid}
    assert {uid for path, uid in owners.items() if not path.startswith(cluster)} == {0}
    assert mode_of(closed) == 0o700


@as_root
async def test_for_root_other_programs_of_the_servers_user_cannot_log_in(
    tmp_path: Path, served: Serve
) -> None:
    async with served(tmp_path) as server:
        sockets = socket_folder(server.url)
        sockets.chmod(0o755)
        client = await asyncio.create_subprocess_exec(
            *(
                str(binaries() / "psql"),
                "--host",
                str(sockets),
                "--username",
                "afterword",
                "--command",
                "SELECT 1",
            ),
            stderr=asyncio.subprocess.PIPE,
            user=NOBODY.pw_uid,
        )
        _, errors = await client.communicate()

    assert client.returncode != 0
    assert b"Peer authentication failed" in errors


@as_root
async def test_a_socket_folder_of_another_user_is_refused(tmp_path: Path, served: Serve) -> None:
    async with served(tmp_path) as server:
        sockets = socket_folder(server.url)
    sockets.mkdir(mode=0o700)
    os.chown(sockets, pwd.getpwnam("daemon").pw_uid, -1)
    try:
        with pytest.raises(ConfigurationError, match="not a private folder"):
            await EmbeddedPostgres(tmp_path, durable=False).start()
    finally:
        sockets.rmdir()


@as_root
async def test_for_root_a_users_database_stays_that_users(
    tmp_path: Path, served: Serve, write_note: WriteNote, read_note: ReadNote
) -> None:
    async with served(tmp_path) as server:
        await write_note(server.url)
    daemon = pwd.getpwnam("daemon")
    for path in [tmp_path / "database" / "18", *(tmp_path / "database" / "18").rglob("*")]:
        os.chown(path, daemon.pw_uid, daemon.pw_gid)

    async with served(tmp_path) as server:
        assert await read_note(server.url) == "Grüße, 世界"
        assert psutil.Process(server.pids()[0]).uids().real == daemon.pw_uid


@as_root
async def test_for_root_programs_that_others_cannot_reach_are_copied_once(
    closed: Path, world_readable: Path, monkeypatch: pytest.MonkeyPatch, served: Serve, major_of: MajorOf
) -> None:
    package = binaries().parent.parent
    for source in (package, package.with_name(package.name + ".libs")):
        if source.exists():
            shutil.copytree(source, closed / source.name, symlinks=True)
    monkeypatch.syspath_prepend(str(closed))
    monkeypatch.setattr("afterword.store.postgres.binaries.COPIES", world_readable / "lib")

    for _ in range(2):
        async with served(closed / "data") as server:
            assert await major_of(server.url) == 18
            program = psutil.Process(server.pids()[0]).exe()

    assert Path(program).is_relative_to(world_readable / "lib")
    assert len(list((world_readable / "lib").iterdir())) == 1
    assert set(owners_in(world_readable / "lib").values()) == {0}
    assert not any(mode_of(path) & 0o022 for path in (world_readable / "lib").rglob("*"))


@as_root
async def test_an_ordinary_user_runs_it_as_well(
    world_readable: Path, major_of: MajorOf, serving_program: str
) -> None:
    python = interpreter_for(NOBODY)
    data_dir = world_readable / "data"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, NOBODY.pw_uid, NOBODY.pw_gid)

    process = await asyncio.create_subprocess_exec(
        *(python, "-c", serving_program.format(extra=""), str(data_dir)),
        stdout=asyncio.subprocess.PIPE,
        user=NOBODY.pw_uid,
        group=NOBODY.pw_gid,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd="/",
    )
    try:
        assert process.stdout is not None
        pid = int(await process.stdout.readline())
        assert psutil.Process(pid).uids().real == NOBODY.pw_uid
        async with running(data_dir) as url:
            assert await major_of(url) == 18
    finally:
        process.kill()
        await process.wait()


def interpreter_for(user: pwd.struct_passwd) -> str:
    """An interpreter that the user can run: that of a virtual environment under /root is out of reach."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in filter(None, (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin"))):
        with contextlib.suppress(OSError):
            attempt = subprocess.run(
                [python, "-c", "import afterword.store.embedded"],
                user=user.pw_uid,
                group=user.pw_gid,
                env={"PYTHONPATH": os.pathsep.join(sys.path)},
                cwd="/",
                capture_output=True,
                check=False,
            )
            if attempt.returncode == 0:
                return python
    pytest.skip(f"no {version} that {user.pw_name} can run")


async def test_a_user_without_a_name_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nameless)

    with pytest.raises(ConfigurationError, match="has no name in this system's list of users"):
        await EmbeddedPostgres(tmp_path).start()
