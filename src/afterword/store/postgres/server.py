"""One PostgreSQL server on a data directory, as a child of this process.

In the data directory: ``database/18`` is the cluster, ``database/*.lock`` tell who looks after it and
whether a server lives, ``logs/database.log`` is what the server says. The socket is in
``/tmp/afterword-…``, private to the server's user. Log-in is by peer authentication: the user that started
the server, and root, and nobody else.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from afterword.log_files import LogFile
from afterword.outcomes import ConfigurationError
from afterword.store.postgres import cluster, upgrade
from afterword.store.postgres.account import Account, own_account, server_account
from afterword.store.postgres.binaries import NEWEST, binaries_for
from afterword.store.postgres.folders import (
    Entrance,
    make_private,
    make_socket_directory,
    remove_sockets,
    socket_directory,
    unusable,
)
from afterword.store.postgres.locks import FileLock
from afterword.store.postgres.probe import PORT, Answer, State, probe
from afterword.store.postgres.programs import Child, ProgramError, Programs
from afterword.supervisor.pauses import pauses
from afterword.supervisor.services import ChildDiedError

WORTH_SAYING_SECONDS = 1.0
SLOW_STOP_SECONDS = 60.0


class AlreadyRunning(Exception):
    """Another process looks after the database of this data directory."""


class EmbeddedPostgres:
    """The server of one data directory, as a child of this process.

    ``major`` is the version of PostgreSQL (the newest that the package brings when ``None``); a database of
    an older one is upgraded to it. ``on_progress`` is given a line to show when something takes its time.
    ``durable=False`` lets a crash of the machine lose everything: for tests only.

    The server ends when this process does, however that happens; on Linux, when the thread does that
    started it.
    """

    name = "database"

    def __init__(
        self,
        data_dir: Path,
        *,
        major: int | None = None,
        on_progress: Callable[[str], None] = lambda _: None,
        durable: bool = True,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.major = major or NEWEST
        self.log = LogFile(self.data_dir / "logs" / "database.log")
        self._database = database_folder(self.data_dir)
        self._on_progress = on_progress
        self._durable = durable
        self._ours = FileLock(self._database / "supervisor.lock")
        self._servers = FileLock(self._database / "server.lock")
        self._child: Child | None = None
        self._entrance: Entrance | None = None
        self._sockets: Path | None = None
        self._said = ""

    @property
    def url(self) -> str:
        """The address for clients of this machine, the same at each start; asyncpg and libpq understand it.

        ``postgresql://afterword@/afterword?host=/tmp/afterword-0123456789ab&port=5432``
        """
        return address(socket_directory(self._database), cluster.ROLE, cluster.DATABASE)

    @property
    def administrator_url(self) -> str:
        """The address of PostgreSQL's administrator, for those who make other databases: tests do."""
        return address(socket_directory(self._database), cluster.ADMINISTRATOR, cluster.ADMINISTRATOR)

    def prepare(self) -> None:
        """Make the folders that ``url`` is known by; :meth:`start` does it too."""
        make_private(self.data_dir)
        make_private(self._database)

    async def start(self) -> None:
        """Start the server and wait until it answers, however long it has to recover from a crash.

        The first start makes the database; it may be called again after the server has died.

        Raises:
            AlreadyRunning: another process looks after this database.
            ChildDiedError: the server ended before it answered.
            ConfigurationError: it cannot work here; the message says why.
        """
        self.prepare()
        try:
            self._become_the_one_who_looks_after_it()
            await self._start()
        except ChildDiedError:
            await self._stop_server()  # and stay the one who looks after it: the next start may succeed
            raise
        except OSError as error:
            await self.stop()
            raise unusable(self.data_dir, error) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server in order (PostgreSQL's fast shutdown) and wait for its end."""
        await self._stop_server()
        if self._sockets is not None:
            with contextlib.suppress(OSError):  # somebody has put something into it
                self._sockets.rmdir()
            self._sockets = None
        self._ours.release()

    async def wait(self) -> int:
        """Wait until the server ends; its exit status."""
        if self._child is None:
            raise RuntimeError("the server was not started")
        return await self._child.wait()

    def pids(self) -> list[int]:
        """The process id of the server's main process; empty when it does not run."""
        process = self._child.process if self._child else None
        return [process.pid] if process and process.returncode is None else []

    def _become_the_one_who_looks_after_it(self) -> None:
        if self._ours.descriptor is None and not self._ours.try_exclusive():
            raise AlreadyRunning(f"The database in {self.data_dir} is looked after by another process.")

    async def _start(self) -> None:
        self._leave()
        found = cluster.newest_cluster(self._database)
        account = server_account(found[1] if found else None)
        sockets = socket_directory(self._database)
        make_socket_directory(sockets, account)
        self._sockets = sockets
        await self._wait_for_former_server(sockets)
        programs = Programs(binaries_for(self.major, account), account, self._servers)
        try:
            await self._bring_to_version(found[0] if found else None, programs, account, sockets)
        except ProgramError as error:
            raise ChildDiedError(self.name, str(error)) from None
        self._entrance = Entrance(self._database / str(self.major), account)
        cluster.configure(
            self._entrance,
            account,
            major=self.major,
            sockets=sockets,
            users=sorted({own_account().name, pwd.getpwuid(0).pw_name}),
            durable=self._durable,
        )
        await self._run(programs, self._entrance, sockets)
        for leftover in cluster.leftovers(self._database, self.major):
            await asyncio.to_thread(shutil.rmtree, leftover)

    async def _run(self, programs: Programs, entrance: Entrance, sockets: Path) -> None:
        remove_sockets(sockets)
        output = self.log.open()
        try:
            self._child = await programs.start(
                "postgres", "-D", entrance.name, entrances=[entrance], output=output
            )
        finally:
            os.close(output)
        # From here on the lock is the server's alone: it tells, at the next start, whether anything of it
        # lives.
        self._servers.release()
        await self._until_it_answers(self._child, sockets)

    async def _until_it_answers(self, child: Child, sockets: Path) -> None:
        ended = asyncio.ensure_future(child.wait())
        try:
            async for elapsed in pauses():
                answer = await probe(sockets, role=cluster.ROLE, database=cluster.DATABASE)
                if answer.state is State.READY:
                    return
                if ended.done():
                    raise ChildDiedError(
                        self.name, f"it ended with status {ended.result()}:\n{self.log.last_lines()}"
                    )
                if answer.state is State.REFUSES:
                    raise ConfigurationError(f"The embedded database refuses us: {answer.words}.")
                if elapsed > WORTH_SAYING_SECONDS:
                    self._say(_progress(answer, elapsed))
        finally:
            ended.cancel()

    async def _bring_to_version(
        self, present: int | None, programs: Programs, account: Account, sockets: Path
    ) -> None:
        if present == self.major:
            return
        if present is None:
            await self._create(programs, account)
            return
        if present > self.major:
            raise ConfigurationError(
                f"The database in {self._database} was made by PostgreSQL {present}; "
                f"PostgreSQL {self.major} cannot read it. Use the Afterword that made it, or a newer one."
            )
        self._say(f"the database is upgraded from PostgreSQL {present} to {self.major}")
        try:
            await upgrade.upgrade(
                Programs(binaries_for(present, account), account, self._servers),
                programs,
                old_major=present,
                new_major=self.major,
                database=self._database,
                account=account,
                sockets=sockets,
                durable=self._durable,
            )
        except BaseException:
            # pg_upgrade, ended by a signal, leaves the server that it had started.
            self._servers.release()
            await self._wait_for_former_server(sockets)
            raise

    async def _create(self, programs: Programs, account: Account) -> None:
        place = cluster.unfinished(self._database, self.major)
        entrance = await cluster.create(programs, place, self.major, account, durable=self._durable)
        try:
            await cluster.populate(programs, entrance)
        finally:
            entrance.close()
        cluster.give_name(self._database, self.major)

    async def _wait_for_former_server(self, sockets: Path) -> None:
        """Take the server's lock; while a server without a supervisor still has it, see it out."""
        async for elapsed in pauses():
            if self._servers.try_exclusive():
                return
            answer = await probe(sockets, role=cluster.ADMINISTRATOR, database=cluster.ADMINISTRATOR)
            if answer.state is State.READY:
                await _stop_from_within(sockets)
            if elapsed > WORTH_SAYING_SECONDS:
                self._say(f"waiting for a former database server to end ({elapsed:.0f} s)")

    def _say(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._on_progress(line)

    async def _stop_server(self) -> None:
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(asyncio.shield(self._child.wait()), SLOW_STOP_SECONDS)
            except TimeoutError:
                self._say("the database takes too long to stop; it will recover at its next start")
                self._child.send_signal(signal.SIGQUIT)
                await self._child.wait()
        self._leave()

    def _leave(self) -> None:
        """Let go of what belonged to a server that has ended."""
        self._servers.release()
        self._child = None
        if self._entrance is not None:
            self._entrance.close()
            self._entrance = None


def database_folder(data_dir: Path) -> Path:
    """Where in the data directory all of the database is."""
    return data_dir.absolute() / "database"


async def _stop_from_within(sockets: Path) -> None:
    """Ask a server whose supervisor is gone to shut down.

    It does so itself, through a shell of its own: the parent of the process that serves us is its main
    process. No process id comes from a file, which could be stale.
    """
    import asyncpg  # noqa: PLC0415

    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(address(sockets, cluster.ADMINISTRATOR, cluster.ADMINISTRATOR))
        try:
            await connection.execute(STOP_FROM_WITHIN)
        finally:
            connection.terminate()


STOP_FROM_WITHIN = """COPY (SELECT 1) TO PROGRAM '
    read -r _ _ _ parent _ < /proc/$PPID/stat || parent=$(ps -o ppid= -p $PPID)
    kill -INT $parent
'"""


def _progress(answer: Answer, elapsed: float) -> str:
    words = answer.words or "the database is starting up"
    return f"{words} ({elapsed:.0f} s)"


def address(sockets: Path, role: str, database: str) -> str:
    """The address by which asyncpg and libpq find the server; ``sockets`` is its directory."""
    return f"postgresql://{role}@/{database}?host={sockets}&port={PORT}"
