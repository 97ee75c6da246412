"""How a process talks to PostgreSQL: one pool for the hot paths, one SQLAlchemy engine for everything else.

Both make their connections in one place, so that every form of address that asyncpg knows works, the socket of the
embedded server included, and a database that comes back somewhere else is found again by the next connection.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from asyncpg.pool import Pool

from afterword.outcomes import ConfigurationError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    PlainConnection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    PlainConnection = asyncpg.Connection
"""A connection of the hot paths, which are plain SQL."""

log = structlog.get_logger()

WEB_NAME = "afterword web"
WORKER_NAME = "afterword worker"
"""What the server calls the connections of each half; how one half finds out whether the other is there. A worker adds
which one it is.
"""

OLDEST_SUPPORTED_VERSION = 160000
LISTEN_PROOF_SECONDS = 1.0
TRANSACTIONS_AT_ONCE = 8


class ConnectionLost(Exception):
    """The database went away in the middle of a transaction, which may or may not have been committed."""


LETS_NOBODY_IN = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""The database does not know us, or there is none of this name; it may soon, as when a password was just changed."""

CONNECTION_LOST = (
    ConnectionLost,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    *LETS_NOBODY_IN,
)
"""What a call may raise when the database went away; the call may or may not have been carried out."""

DATABASE_AWAY = (
    *CONNECTION_LOST,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
)
"""What may be otherwise at the next try. Any other error of PostgreSQL is about what was asked of it, and comes again.

asyncpg's ``DataError`` is one: of values that PostgreSQL refuses, and of those that cannot even be sent.
"""

OWN_DATABASE_AWAY = tuple(
    kind for kind in DATABASE_AWAY if kind not in {OSError, asyncpg.ReadOnlySQLTransactionError}
)
"""The same where an ``OSError`` may come from somebody else who is called (our own connections raise none), and where
somebody may write who was let only read.
"""

NOT_STORABLE = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    TypeError,
)
"""What a statement raises for one value that it cannot take, such as a text with a NUL, among many."""


class Database:
    """The connections of one process.

    ``pool`` is for the hot paths, which are plain SQL; ``transaction()`` is for everything else. ``can_listen`` tells
    whether notifications arrive; where they do not (a proxy that pools transactions), callers poll.
    """

    def __init__(self, url: str, pool: Pool, options: "ConnectionOptions", *, can_listen: bool) -> None:
        self.url = url
        self.pool = pool
        self.can_listen = can_listen
        self._options = options
        self._engine: AsyncEngine | None = None
        self._turns = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        self._at_it: set[asyncio.Task[object] | None] = set()

    @classmethod
    async def connect(cls, url: str, *, name: str, pool_size: int = 8) -> "Database":
        """Open the pool and find out what the server can do; ``name`` is what the server calls our connections.

        Raises:
            ConfigurationError: the server is older than PostgreSQL 16 or the address is not one.
            OSError, asyncpg.PostgresError: it cannot be reached.
        """
        can_listen = await _prove_listen(url)
        options = ConnectionOptions(name, prepared=can_listen)
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=pool_size,
            statement_cache_size=options.statement_cache_size,
            server_settings=options.server_settings,
            init=_go_by_index if can_listen else None,
            reset=_keep_session,
            connect=_connect,
        )
        return cls(url, pool, options, can_listen=can_listen)

    def __deepcopy__(self, memo: object) -> "Database":
        """Itself: connections are not copied. (The web framework copies what routes are configured with.)"""
        return self

    async def close(self) -> None:
        """Close every connection; running statements are given a moment to end."""
        if self._engine is not None:
            await self._engine.dispose()
        try:
            await asyncio.wait_for(self.pool.close(), timeout=5)
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[AsyncConnection]":
        """A SQLAlchemy connection in a transaction, committed when the block ends without an error.

        There are few, and each waits its turn, for as long as it takes: in SQLAlchemy's own queue whoever comes anew
        goes before those who wait, until they give up with an error.

        Raises:
            ConnectionLost: the database went away.
            RuntimeError: this task has one already; waiting for another, it might wait for itself for ever.
        """
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

        try:
            async with self._turn(), self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            cause = None if error.orig is None else error.orig.__cause__
            if error.connection_invalidated or isinstance(cause, OWN_DATABASE_AWAY):
                raise ConnectionLost(str(error.orig)) from error
            raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task in self._at_it:
            raise RuntimeError("a transaction was begun inside another")
        async with self._turns:
            self._at_it.add(task)
            try:
                yield
            finally:
                self._at_it.discard(task)

    def read_only(self) -> "Database":
        """The same connections for work that must change nothing: its transactions are refused every write."""
        return _ReadOnlyDatabase(self)

    @property
    def engine(self) -> "AsyncEngine":
        """The SQLAlchemy engine, made when it is first needed."""
        if self._engine is None:
            from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

            self._engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=self._connect_once,
                pool_size=TRANSACTIONS_AT_ONCE,
                max_overflow=0,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args=self._options.for_sqlalchemy,
            )
        return self._engine

    async def _connect_once(self) -> asyncpg.Connection:
        return await _connect(
            self.url,
            statement_cache_size=self._options.statement_cache_size,
            server_settings=self._options.server_settings,
        )


class _ReadOnlyDatabase(Database):
    """Another's connections; closing it closes nothing. Its ``pool`` is not held to reading."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.url, database.pool, database._options, can_listen=database.can_listen)  # noqa: SLF001
        self._whole = database

    async def close(self) -> None:
        """Leave the connections to whom they belong."""

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[AsyncConnection]":
        """A transaction that PostgreSQL lets only read."""
        from sqlalchemy import text  # noqa: PLC0415

        async with self._whole.transaction() as connection:
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection


class ConnectionOptions:
    """How connections are made; a proxy that pools transactions cannot keep prepared statements between them."""

    def __init__(self, name: str, *, prepared: bool) -> None:
        self.statement_cache_size = 100 if prepared else 0
        self.server_settings = {"application_name": name}
        self.for_sqlalchemy: dict[str, object] = {}
        if not prepared:
            self.for_sqlalchemy = {
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"afterword_{uuid.uuid4().hex}",
            }


async def _connect(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """Connect; that it cannot be done is told as the database's absence, which no other refused connection is."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except OSError as error:
        raise ConnectionLost(str(error)) from error


async def _go_by_index(connection: PlainConnection) -> None:
    """Rule sequential scans out: the hot paths look for few rows, by key.

    A statement's plan is kept for as long as the server has not looked at its tables again, so that one that was made
    while a table was empty reads all of it long after. (Not where connections are pooled by others, who would give
    them to others so.)
    """
    await connection.execute("SET enable_seqscan = off")


async def _keep_session(_: PlainConnection) -> None:
    """Give a connection back to the pool as it is: a trip to the server less for each use of the pool.

    Nothing of ours sets anything for longer than its transaction but what holds for all of them, and a transaction left
    open asyncpg rolls back without being asked.
    """


async def _prove_listen(url: str) -> bool:
    """Tell whether a notification reaches a listener on this address; refuse a server that is too old."""
    arrived = asyncio.Event()
    try:
        listener = await asyncpg.connect(url, statement_cache_size=0)
    except ValueError as error:
        raise ConfigurationError(f"database address: {error}") from None
    try:
        version = int(await listener.fetchval("SHOW server_version_num"))
        if version < OLDEST_SUPPORTED_VERSION:
            raise ConfigurationError(
                f"PostgreSQL 16 or newer is needed; the database is {version // 10000}.{version % 10000}."
            )
        channel = f"afterword_proof_{id(arrived):x}"
        await listener.add_listener(channel, lambda *_: arrived.set())
        sender = await asyncpg.connect(url, statement_cache_size=0)
        try:
            await sender.execute("SELECT pg_notify($1, '')", channel)
        finally:
            await sender.close()
        await asyncio.wait_for(arrived.wait(), LISTEN_PROOF_SECONDS)
    except TimeoutError:
        log.warning("database_cannot_listen", consequence="polling every second", cause="a pooling proxy")
        return False
    finally:
        await listener.close(timeout=2)
    return True
