"""Retention: runs that ended long ago go, with all that belongs to them; so do events that no run is left of.

It is done by and by: a few hundred at a time, each time in a transaction of its own that locks nothing but what it
deletes. What runs or waits stays, however old; so does its event, and what is still in the inbox.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from afterword.store.database import Database, PlainConnection
from afterword.workflows.history.run_ranges import HALVING
from afterword.workflows.history.search_partitions import drop_empty
from afterword.workflows.running.problems import discount

log = structlog.get_logger()

RETENTION_LOCK = 0x726574656E74
BATCH_SIZE = 500
REPLAYS_AT_ONCE = 5
PAUSE_SECONDS = 0.05
LONGEST_SECONDS = 30.0
"""Then the next tick goes on."""

OLD_RUNS = """
SELECT id FROM run
WHERE id > $1 AND id < $2 AND finished_at < $3 AND status NOT IN ('running', 'waiting')
ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED
"""

DELETE_RUNS = (
    "DELETE FROM task_attempt WHERE run_id = ANY($1::bigint[])",
    "DELETE FROM run_search WHERE run_id = ANY($1::bigint[])",
    "DELETE FROM run WHERE id = ANY($1::bigint[])",
)

OLD_EVENTS = """
SELECT id FROM event
WHERE id > $1 AND id < $2 AND received_at < $3 AND status <> 'received'
    AND NOT EXISTS (SELECT FROM run WHERE run.event_id = event.id)
ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED
"""

DELETE_EVENTS = "DELETE FROM event WHERE id = ANY($1::bigint[])"

FIRST_RUN_SINCE = HALVING.format(table="run", moment="started_at", wanted="$1")
FIRST_EVENT_SINCE = HALVING.format(table="event", moment="received_at", wanted="$1")

DELETE_REPLAYS = """
DELETE FROM replay WHERE id IN (SELECT id FROM replay WHERE finished_at < $1 ORDER BY id LIMIT $2)
"""

DELETE_PROBLEMS = "DELETE FROM problem WHERE runs = 0 AND last_at < $1"

OLDEST_RUN = "SELECT coalesce(min(id), (SELECT last_value FROM run_id_seq)) FROM run"


class RetentionKeeper:
    """Deletes what is older than ``days``; every worker may have one, one of them works at a time. 0 keeps all."""

    def __init__(self, database: Database, *, days: int) -> None:
        self._database = database
        self._days = days

    async def tick(self) -> int:
        """Delete what is old, for half a minute at most; answers how many runs."""
        if not self._days:
            return 0
        before = datetime.now(UTC) - timedelta(days=self._days)
        ends_at = time.monotonic() + LONGEST_SECONDS
        pool = self._database.pool
        runs = await self._by_and_by(RUNS, before, ends_at)
        events = await self._by_and_by(EVENTS, before, ends_at)
        await pool.execute(DELETE_REPLAYS, before, REPLAYS_AT_ONCE)
        await pool.execute(DELETE_PROBLEMS, before)
        if runs or events:
            log.info("old_runs_deleted", runs=runs, events=events)
        await drop_empty(self._database, await pool.fetchval(OLDEST_RUN))
        return runs

    async def _by_and_by(self, old: "Old", before: datetime, ends_at: float) -> int:
        """Delete batch after batch, with pauses in which others come to their turn."""
        end = await self._database.pool.fetchval(old.first_since, before)
        deleted, after = 0, 0
        while end is not None and time.monotonic() < ends_at:
            async with self._database.pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", RETENTION_LOCK):
                    break
                rows = await connection.fetch(old.those, after, end, before, BATCH_SIZE)
                ids = [row["id"] for row in rows]
                await old.delete(connection, ids)
            deleted += len(ids)
            if len(ids) < BATCH_SIZE:
                break
            after = ids[-1]
            await asyncio.sleep(PAUSE_SECONDS)
        return deleted


async def _delete_runs(connection: PlainConnection, ids: Sequence[int]) -> None:
    """Their attempts and words, too; problems count them no longer."""
    await discount(connection, ids)
    for statement in DELETE_RUNS:
        await connection.execute(statement, ids)


async def _delete_events(connection: PlainConnection, ids: Sequence[int]) -> None:
    await connection.execute(DELETE_EVENTS, ids)


class Old(msgspec.Struct, frozen=True):
    """What may be old: how those are found that may go, and how they are deleted."""

    first_since: str
    those: str
    delete: Callable[[PlainConnection, Sequence[int]], Awaitable[None]]


RUNS = Old(FIRST_RUN_SINCE, OLD_RUNS, _delete_runs)
EVENTS = Old(FIRST_EVENT_SINCE, OLD_EVENTS, _delete_events)
