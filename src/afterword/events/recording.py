"""Recording events: committed before anybody is told that they arrived.

Events that arrive together are committed together, one statement a batch and two batches in flight: the cost of a
commit is shared by all who wait for it, and while one batch is on its way to the disk the next one gathers. The
notification that wakes the inbox is only a hint, so it follows outside the transaction, and not more often than every
10 ms.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Self

import asyncpg
import structlog

from afterword.events.models import NewEvent
from afterword.store.batches import Batches
from afterword.store.database import CONNECTION_LOST, NOT_STORABLE, Database, PlainConnection

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

log = structlog.get_logger()

INBOX_CHANNEL = "afterword_inbox"
BATCH_SIZE = 256
BATCHES_IN_FLIGHT = 2
HINT_INTERVAL_SECONDS = 0.01
RECONNECT_FOR_SECONDS = 5.0
RECONNECT_EVERY_SECONDS = 0.1

INSERT = """
INSERT INTO event (origin, type, deduplication_key, conversation_id, occurred_at, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[], $6::text[])
ON CONFLICT (origin, deduplication_key) DO NOTHING
RETURNING origin, deduplication_key
"""

FORGET_EXPIRED = """
UPDATE event SET deduplication_key = NULL
WHERE origin = $1 AND deduplication_key = $2 AND received_at <= now() - make_interval(secs => $3)
"""

INSERT_REDELIVERY = """
INSERT INTO event (origin, type, conversation_id, occurred_at, body, status, reason_code, reason_words, redelivery_of)
SELECT $1, $2, $3, $4, $5, 'redelivered', 'delivered-again', 'the same event was delivered before', original.id
FROM event original WHERE original.origin = $1 AND original.deduplication_key = $6
RETURNING id
"""

NOTIFY = "SELECT pg_notify($1, '')"


class EventNotStored(Exception):
    """The database would not take this event as it is; it is the event's own fault, not its neighbours'."""


class DatabaseUnavailable(Exception):
    """The database did not answer in time. Nothing was acknowledged; the sender should send again."""


class EventRecorder:
    """The one way in. One per process; start it with ``async with``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = Batches(self._commit, largest=BATCH_SIZE, in_flight=BATCHES_IN_FLIGHT)
        self._connections: list[PoolConnectionProxy[asyncpg.Record]] = []
        self._hint: asyncio.TimerHandle | None = None
        self._hint_owed = False
        self._hints: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for what is under way; nothing new may be recorded any more."""
        await self._batches.finish()
        if self._hint is not None:
            self._hint.cancel()
            self._send_hint()
        if self._hints:
            await asyncio.wait(set(self._hints))
        while self._connections:
            await self._database.pool.release(self._connections.pop())

    async def record(self, event: NewEvent) -> None:
        """Return when the event, or the fact that it was delivered again, is on disk.

        Raises:
            EventNotStored: the database refuses this event's content.
            DatabaseUnavailable: it could not be committed.
        """
        await self._batches.add(event)

    async def _commit(self, events: Sequence[NewEvent]) -> list[Exception | None]:
        """Commit the batch; halve it for as long as it holds what cannot be stored."""
        try:
            await self._insert(events)
        except NOT_STORABLE as error:
            if len(events) > 1:
                middle = len(events) // 2
                return await self._commit(events[:middle]) + await self._commit(events[middle:])
            kind = events[0].origin.split("/")[0]
            log.warning("event_not_stored", origin_kind=kind, cause=type(error).__name__)
            return [EventNotStored()]
        self._hint_soon()
        return [None] * len(events)

    async def _insert(self, events: Sequence[NewEvent]) -> None:
        """Insert, again while the database is away or in trouble: repeating it is safe, the keys are unique.

        A database that is silent is as good as one that is away: those who wait are told before they give up.
        """
        try:
            async with asyncio.timeout(RECONNECT_FOR_SECONDS):
                while not await self._is_inserted(events):  # noqa: ASYNC110 - the database gives no sign
                    await asyncio.sleep(RECONNECT_EVERY_SECONDS)
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def _is_inserted(self, events: Sequence[NewEvent]) -> bool:
        try:
            await self._insert_once(events)
        except NOT_STORABLE:
            raise
        except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
            log.warning("events_not_inserted_yet", cause=type(error).__name__)
            return False
        return True

    async def _insert_once(self, events: Sequence[NewEvent]) -> None:
        columns = (
            [event.origin for event in events],
            [event.type for event in events],
            [event.deduplication_key for event in events],
            [event.conversation_id for event in events],
            [event.occurred_at for event in events],
            [event.body for event in events],
        )
        async with self._connection() as connection:
            rows = await connection.fetch(INSERT, *columns)
            if len(rows) < len(events):
                async with connection.transaction():
                    await self._record_redelivered(connection, events, rows)

    @contextlib.asynccontextmanager
    async def _connection(self) -> "AsyncIterator[PoolConnectionProxy[asyncpg.Record]]":
        """A connection for one batch or hint, kept for the next one unless this one failed.

        To take one from the pool and give it back costs as much as half of a small batch.
        """
        pool = self._database.pool
        connection = self._connections.pop() if self._connections else await pool.acquire()
        try:
            yield connection
        except BaseException:
            await pool.release(connection)
            raise
        self._connections.append(connection)

    async def _record_redelivered(
        self, connection: PlainConnection, events: Sequence[NewEvent], inserted: Sequence[asyncpg.Record]
    ) -> None:
        """Record each event that was not inserted: as redelivered, or anew when its window has passed."""
        new = {(row["origin"], row["deduplication_key"]) for row in inserted}
        for event in events:
            key = (event.origin, event.deduplication_key)
            if event.deduplication_key is None:
                continue
            if key in new:
                new.discard(key)
            elif not await self._insert_after_window(connection, event):
                await connection.execute(
                    INSERT_REDELIVERY,
                    event.origin,
                    event.type,
                    event.conversation_id,
                    event.occurred_at,
                    event.body,
                    event.deduplication_key,
                )

    async def _insert_after_window(self, connection: PlainConnection, event: NewEvent) -> bool:
        if event.repeat_window is None:
            return False
        await connection.execute(
            FORGET_EXPIRED, event.origin, event.deduplication_key, float(event.repeat_window)
        )
        rows = await connection.fetch(
            INSERT,
            [event.origin],
            [event.type],
            [event.deduplication_key],
            [event.conversation_id],
            [event.occurred_at],
            [event.body],
        )
        return bool(rows)

    def _hint_soon(self) -> None:
        """Hint now, or when the interval since the last hint is over."""
        if self._hint is not None:
            self._hint_owed = True
            return
        self._hint = asyncio.get_running_loop().call_later(HINT_INTERVAL_SECONDS, self._interval_over)
        self._send_hint()

    def _interval_over(self) -> None:
        self._hint = None
        if self._hint_owed:
            self._hint_owed = False
            self._hint_soon()

    def _send_hint(self) -> None:
        task = asyncio.create_task(self._notify())
        self._hints.add(task)
        task.add_done_callback(self._hints.discard)

    async def _notify(self) -> None:
        with contextlib.suppress(*CONNECTION_LOST):
            async with asyncio.timeout(RECONNECT_FOR_SECONDS), self._connection() as connection:
                await connection.execute(NOTIFY, INBOX_CHANNEL)


async def notify_inbox(database: Database) -> None:
    """Hint that there is something in the inbox; the inbox looks by itself anyway, only later."""
    await database.pool.execute(NOTIFY, INBOX_CHANNEL)
