"""The job queue: wake-ups that may be lost or come twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import HealthCheckEvent

from afterword.store.database import CONNECTION_LOST, Database
from afterword.store.queue import RunQueue

Handler = Callable[[int], Awaitable[float | None]]


@pytest.fixture
def queue(database: Database) -> RunQueue:
    return RunQueue(database, heartbeat_timeout=1)


@asynccontextmanager
async def working(queue: RunQueue, handler: Handler) -> AsyncIterator[None]:
    """A worker that works until the block ends, however it does."""
    work = asyncio.create_task(queue.work(handler, concurrency=4))
    try:
        yield
    finally:
        queue.stop()
        await work


async def enqueue(queue: RunQueue, database: Database, *run_ids: int) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await queue.enqueue(connection, run_ids)


async def make_run(database: Database, *, due: str = "now()", status: str = "running") -> int:
    run_id = await database.pool.fetchval(
        "INSERT INTO run (workflow_id, revision, event_id, status, due_at) "  # noqa: S608 - the test's own
        f"VALUES ('OC_1', 1, (SELECT count(*) FROM run), $1, {due}) RETURNING id",
        status,
    )
    return int(run_id)


async def jobs(database: Database) -> list[str]:
    return [row[0] for row in await database.pool.fetch("SELECT dedupe_key FROM pgqueuer ORDER BY id")]


async def test_each_run_that_is_woken_comes_to_the_handler(
    queue: RunQueue, database: Database, eventually: Any
) -> None:
    woken: list[int] = []

    async def handle(run_id: int) -> None:
        woken.append(run_id)

    async with working(queue, handle):
        await enqueue(queue, database, 1, 2, 3)
        await eventually(lambda: sorted(woken) == [1, 2, 3])
    assert await jobs(database) == []


async def test_a_worker_that_stops_gives_back_what_it_has_not_begun(
    queue: RunQueue, database: Database, eventually: Any
) -> None:
    begun: list[int] = []
    may_end = asyncio.Event()

    async def handle(run_id: int) -> None:
        begun.append(run_id)
        await may_end.wait()

    await enqueue(queue, database, *range(1, 11))
    async with working(queue, handle):
        await eventually(
            lambda: database.pool.fetchval("SELECT count(*) >= 8 FROM pgqueuer WHERE status = 'picked'")
        )
        await eventually(lambda: len(begun) == 4)
        queue.stop()
        may_end.set()
    assert sorted(begun) == [1, 2, 3, 4]
    left = await database.pool.fetch("SELECT dedupe_key, status::text FROM pgqueuer ORDER BY id")
    assert [tuple(row) for row in left] == [(str(run_id), "queued") for run_id in range(5, 11)]


async def test_a_run_that_has_a_job_gets_no_second_one(queue: RunQueue, database: Database) -> None:
    await enqueue(queue, database, 7, 8)
    await enqueue(queue, database, 8, 9)
    assert await jobs(database) == ["7", "8", "9"]


async def test_waking_up_belongs_to_the_callers_transaction(queue: RunQueue, database: Database) -> None:
    async with database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await queue.enqueue(connection, [1])
        await transaction.rollback()
    assert await jobs(database) == []


async def test_a_run_that_waits_is_woken_again(queue: RunQueue, database: Database, eventually: Any) -> None:
    woken: list[int] = []

    async def handle(run_id: int) -> float | None:
        woken.append(run_id)
        return 0.05 if len(woken) == 1 else None

    async with working(queue, handle):
        await enqueue(queue, database, 5)
        await eventually(lambda: woken == [5, 5])


async def put_off(queue: RunQueue, database: Database, run_id: int) -> None:
    """Give a run a job that is put off, as that of a run that waits for a time."""
    await enqueue(queue, database, run_id)
    await database.pool.execute("UPDATE pgqueuer SET execute_after = now() + interval '300 days'")


async def test_a_run_that_is_put_off_is_woken_at_once(
    queue: RunQueue, database: Database, eventually: Any
) -> None:
    woken: list[int] = []

    async def handle(run_id: int) -> None:
        woken.append(run_id)

    await put_off(queue, database, 5)
    async with working(queue, handle):
        await enqueue(queue, database, 5)
        await eventually(lambda: woken == [5])


async def test_the_sweep_wakes_what_is_due_before_its_job_is(queue: RunQueue, database: Database) -> None:
    early = await make_run(database, due="now() - interval '1 minute'", status="waiting")
    await put_off(queue, database, early)
    assert await queue.sweep() == 1
    assert await jobs(database) == [str(early)]
    assert await queue.sweep() == 0


async def test_the_sweep_wakes_what_is_due_and_has_no_job(queue: RunQueue, database: Database) -> None:
    lost = await make_run(database, due="now() - interval '1 minute'")
    has_job = await make_run(database, due="now() - interval '1 minute'")
    await make_run(database, due="now() + interval '1 minute'", status="waiting")
    await make_run(database, due="now() - interval '1 minute'", status="succeeded")
    await enqueue(queue, database, has_job)
    assert await queue.sweep() == 1
    assert await jobs(database) == [str(has_job), str(lost)]
    assert await queue.sweep() == 0


async def test_when_all_jobs_are_lost_the_sweep_brings_every_run_back(
    queue: RunQueue, database: Database
) -> None:
    runs = [await make_run(database, due="now() - interval '1 minute'") for _ in range(5)]
    await enqueue(queue, database, *runs)
    await database.pool.execute("TRUNCATE pgqueuer")
    assert await queue.sweep() == 5
    assert sorted(map(int, await jobs(database))) == runs


async def test_two_workers_take_over_the_same_dead_ones_jobs_each_once(
    database: Database, eventually: Any
) -> None:
    await database.pool.execute(
        "INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, payload, queue_manager_id, heartbeat) "
        "SELECT 0, 'picked', 'run', n::text, convert_to(n::text, 'UTF8'), gen_random_uuid(), "
        "now() - interval '1 hour' FROM generate_series(1, 40) AS n"
    )
    woken: list[int] = []

    async def handle(run_id: int) -> None:
        woken.append(run_id)

    one, other = (RunQueue(database, heartbeat_timeout=5) for _ in range(2))
    async with working(one, handle), working(other, handle):
        await eventually(lambda: len(woken) >= 40)
    assert sorted(woken) == list(range(1, 41))


async def test_work_goes_on_when_its_connections_were_cut(
    queue: RunQueue, database: Database, eventually: Any
) -> None:
    woken: list[int] = []

    async def handle(run_id: int) -> None:
        woken.append(run_id)

    async with working(queue, handle):
        await enqueue(queue, database, 1)
        await eventually(lambda: woken == [1])
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        async def enqueued() -> bool:
            """By a connection that was made anew: one that was cut may still lie in the pool."""
            with contextlib.suppress(*CONNECTION_LOST):
                await enqueue(queue, database, 2)
                return True
            return False

        await eventually(enqueued)
        await eventually(lambda: 2 in woken)


async def test_a_worker_hears_its_first_question_though_listening_takes_a_while(
    queue: RunQueue, database: Database, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen, heard = AsyncpgPoolDriver.add_listener, QueueManager.listener_healthy
    answered: list[object] = []

    async def listen_slowly(driver: AsyncpgPoolDriver, channel: str, callback: Any) -> None:
        if driver._listener_connection is None:
            await database.pool.fetchval("SELECT pg_sleep(0.3)")
        await listen(driver, channel, callback)

    async def ask(manager: QueueManager, timeout: timedelta) -> HealthCheckEvent:  # noqa: ASYNC109
        answered.append(await heard(manager, timeout))
        return answered[-1]  # type: ignore[return-value]

    monkeypatch.setattr(AsyncpgPoolDriver, "add_listener", listen_slowly)
    monkeypatch.setattr(QueueManager, "listener_healthy", ask)

    async def handle(_: int) -> None:
        return None

    async with working(queue, handle):
        await eventually(lambda: answered, within=8)


async def test_the_queues_own_log_is_emptied(queue: RunQueue, database: Database) -> None:
    await database.pool.execute(
        "INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint) VALUES (1, 'successful', 0, 'run')"
    )
    await queue.prune()
    assert await database.pool.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
