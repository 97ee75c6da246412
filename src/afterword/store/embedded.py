"""The embedded PostgreSQL: what an installation uses that names no database of its own.

:func:`running_url` finds a server that runs, and :func:`running` uses that one or runs one for a while.
The server itself stands in ``postgres/server.py``.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from afterword.outcomes import ConfigurationError
from afterword.store.postgres import cluster
from afterword.store.postgres.folders import is_private, make_private, socket_directory, unusable
from afterword.store.postgres.locks import FileLock
from afterword.store.postgres.probe import State, probe
from afterword.store.postgres.server import AlreadyRunning, EmbeddedPostgres, address, database_folder
from afterword.supervisor.pauses import pauses


async def running_url(data_dir: Path) -> str | None:
    """The address of the server that runs on ``data_dir``; ``None`` when none answers there.

    A server that is still starting is waited for.
    """
    database = database_folder(data_dir)
    try:
        found = cluster.newest_cluster(database) if database.exists() else None
    except PermissionError as error:
        raise unusable(data_dir, error) from error
    if found is None:
        return None
    sockets = socket_directory(database)
    if not is_private(sockets, found[1].stat().st_uid):
        return None
    async for _ in pauses():
        answer = await probe(sockets, role=cluster.ROLE, database=cluster.DATABASE)
        if answer.state is State.READY:
            return address(sockets, cluster.ROLE, cluster.DATABASE)
        if answer.state is State.REFUSES:
            raise ConfigurationError(f"The database in {data_dir} refuses us: {answer.words}.")
        if answer.state is State.NOBODY:
            return None
    return None


@contextlib.asynccontextmanager
async def running(
    data_dir: Path, *, major: int | None = None, on_progress: Callable[[str], None] = lambda _: None
) -> AsyncIterator[str]:
    """The address of a server on ``data_dir``: of one that runs already, or of one that runs for so long.

    Any number of processes may do this at once; the one that started the server stops it when all are done.
    """
    make_private(data_dir)
    make_private(database_folder(data_dir))
    users = FileLock(database_folder(data_dir) / "users.lock")
    server = EmbeddedPostgres(data_dir, major=major, on_progress=on_progress)
    try:
        await _until(users.try_shared)
        try:
            yield await _find_or_start(server)
        finally:
            users.release()
            if server.pids():
                await _until(users.try_exclusive)
    finally:
        await server.stop()
        users.release()


async def _find_or_start(server: EmbeddedPostgres) -> str:
    async for _ in pauses():
        url = await running_url(server.data_dir)
        if url is not None:
            return url
        with contextlib.suppress(
            AlreadyRunning
        ):  # by a process whose server does not answer yet, or no longer
            await server.start()
            return server.url
    raise AssertionError("unreachable")


async def _until(condition: Callable[[], bool]) -> None:
    async for _ in pauses():
        if condition():
            return
