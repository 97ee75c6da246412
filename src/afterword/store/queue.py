"""The job queue: wake-ups for runs, by PgQueuer.

A job names a run and says nothing else: whoever takes it reads the run's row and does what is due. One job lives as
long as its run, put off while the run waits. Jobs may be lost (the queue's tables are not written ahead) or come
twice; :meth:`RunQueue.sweep` makes up for the first, the run's version for the second.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import PgqException, RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings, Durability

from afterword.store.database import CONNECTION_LOST, Database, PlainConnection
from afterword.store.places import Places

log = structlog.get_logger()

ENTRYPOINT = "run"
POLL_SECONDS = 1.0
"""How often a worker looks by itself: a notification may be lost with the connection that it came by."""
RECONNECT_SECONDS = 0.5
LIVE, BEHIND = 1, 0
"""Priorities: PgQueuer takes the higher first."""
SWEEP_GRACE = timedelta(seconds=2)
SWEEP_BATCH = 1000

BRING_FORWARD = """
UPDATE pgqueuer SET execute_after = now()
WHERE dedupe_key = ANY($1::text[]) AND status = 'queued' AND execute_after > now()
"""
"""PgQueuer knows no way to do that."""

DUE_WITHOUT_JOB = """
SELECT run.id, run.priority FROM run
WHERE run.status IN ('running', 'waiting') AND run.due_at <= now() - $1::interval
  AND NOT EXISTS (
      SELECT FROM pgqueuer
      WHERE pgqueuer.dedupe_key = run.id::text
        AND (pgqueuer.status = 'picked' OR pgqueuer.status = 'queued' AND pgqueuer.execute_after <= now()))
ORDER BY run.due_at LIMIT $2
"""

Handler = Callable[[int], Awaitable[float | None]]


def queue_settings() -> DBSettings:
    """PgQueuer's settings, ours alone: its environment variables have no say."""
    return DBSettings(durability=Durability.volatile)


class RunQueue:
    """The queue as one process uses it."""

    def __init__(self, database: Database, *, heartbeat_timeout: float = 10.0) -> None:
        """``heartbeat_timeout``: seconds after which a silent worker's jobs are taken over."""
        self._database = database
        self._heartbeat_timeout = timedelta(seconds=heartbeat_timeout)
        self._settings = queue_settings()
        self._manager: QueueManager | None = None
        self._stopping = asyncio.Event()

    def _queries(self, driver: AsyncpgDriver | AsyncpgPoolDriver) -> Queries:
        return Queries(
            driver,
            qbe=QueryBuilderEnvironment(settings=self._settings),
            qbq=QueryQueueBuilder(settings=self._settings),
        )

    async def enqueue(
        self, connection: PlainConnection, run_ids: Sequence[int], *, behind: bool = False
    ) -> None:
        """Wake these runs up, in the caller's transaction; a run that has a job keeps it, and is put off no more.

        ``behind``: after all that is not, as replays and backfills go behind live events.
        """
        if run_ids:
            await connection.execute(BRING_FORWARD, [str(run_id) for run_id in run_ids])
            driver = AsyncpgDriver(connection)  # type: ignore[arg-type]  # a pool's connection does as well
            await self._queries(driver).enqueue(
                [ENTRYPOINT] * len(run_ids),
                [str(run_id).encode() for run_id in run_ids],
                [BEHIND if behind else LIVE] * len(run_ids),
                dedupe_key=[str(run_id) for run_id in run_ids],
                on_conflict="skip",
            )

    async def work(self, handler: Handler, *, concurrency: int) -> None:
        """Take jobs until :meth:`stop`, reconnecting for as long as it takes.

        ``handler`` gets a run's id and answers ``None`` when the run is done with, or in how many seconds it wants to
        be woken again. At most ``concurrency`` handlers work at once; as many jobs more are kept at hand, so that none
        has to wait for the next trip to the queue. Of those, what is live goes first.
        """
        while not self._stopping.is_set():
            try:
                await self._work_once(handler, concurrency)
            except* (*CONNECTION_LOST, asyncpg.PostgresError, PgqException) as group:
                log.warning("queue_connection_lost", cause=repr(group.exceptions[0]))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RECONNECT_SECONDS)

    async def _work_once(self, handler: Handler, concurrency: int) -> None:
        async with AsyncpgPoolDriver(self._database.pool) as driver:
            manager = QueueManager(self._queries(driver))
            # It asks whether it hears itself before it listens, and takes a lost question for a lost connection.
            await driver.add_listener(manager.channel, _hear_nothing)
            await self._work_by(manager, handler, concurrency)

    async def _work_by(self, manager: QueueManager, handler: Handler, concurrency: int) -> None:
        places = Places(concurrency)

        @manager.entrypoint(ENTRYPOINT, accepts_context=False)
        async def wake(job: Job) -> None:
            async with places.taken(job.priority):
                if self._stopping.is_set():
                    raise RetryRequested(delay=timedelta(0), reason="stopping")
                again_after = await handler(int(job.payload or b""))
            if again_after is not None:
                raise RetryRequested(delay=timedelta(seconds=again_after), reason="waiting")

        self._manager = manager
        if self._stopping.is_set():
            return
        await manager.run(
            dequeue_timeout=timedelta(seconds=POLL_SECONDS),
            batch_size=concurrency,
            max_concurrent_tasks=2 * concurrency,
            heartbeat_timeout=self._heartbeat_timeout,
            log_aggregation_interval=timedelta(0),
            shutdown_on_listener_failure=self._database.can_listen,
        )

    def stop(self) -> None:
        """Take no more jobs; :meth:`work` returns when those in hand are done."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()

    async def sweep(self) -> int:
        """Wake the runs that are due and have no job that is; answers how many there were."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(DUE_WITHOUT_JOB, SWEEP_GRACE, SWEEP_BATCH)
            for behind in (False, True):
                run_ids = [row["id"] for row in rows if (row["priority"] > 0) is behind]
                await self.enqueue(connection, run_ids, behind=behind)
        return len(rows)

    async def prune(self) -> None:
        """Empty the queue's own log, which nothing else does; run history is ours, in ``run``."""
        await self._queries(AsyncpgPoolDriver(self._database.pool)).clear_queue_log()


def _hear_nothing(_: object) -> None:
    """Listen, so that the connection does."""
