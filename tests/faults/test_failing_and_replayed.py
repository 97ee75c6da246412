"""What fails for ever comes to its end; what is replayed does too, with what it had."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import Eventually, StandIn
from tests.faults.conftest import Installation

from afterword.outcomes import Permanent, Reason, Skip
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.workflows.definitions import Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.replays import (
    FROM_FAILED,
    FROM_START,
    Replay,
    ReplaysKeeper,
    get_replay,
    runs_by_id,
    start_replay,
)
from afterword.workflows.starting.matching import Inbox

SCALE = 1e-5
"""The waits between ten attempts, two days in all, within two seconds."""
ATTEMPTS = 10

PATHS = ("first", "second")
NAMES = ("Zoë 😀", "“quoted” \\ back", "two\nlines\ttab", "Ünï¢ode", "{} [] <>&", "plain", "  spaces  ", "0")

TASKS = ("T-1", "T-2", "T-3")
THREE_TASKS = tuple(Task(name, "scripted", name, {"text": "of ~{aedj://email}"}) for name in TASKS)
WHY = Reason("because", "it is so")
FAR_AWAY = timedelta(days=300)


def put(task_id: str, url: str, **more: Any) -> Task:
    return Task(task_id, "web-service", task_id, {"method": "PUT", "address": url, **more})


async def test_an_always_failing_task_ends_as_failed_after_exactly_the_scheduled_attempts(
    installation: Installation, stand_in: StandIn, eventually: Eventually
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=500 if request.path == "/broken" else 200)

    stand_in.answers.append(answer)
    await installation.workflow(
        put("T-1", f"{stand_in.url}/broken"), put("T-2", f"{stand_in.url}/whole/~{{aedj://email}}")
    )
    await installation.ask(["one", "two"])

    async def all_ended() -> bool:
        return (await installation.statuses())["failed web-service-unavailable"] == 2

    async with installation.worker_here(retry_time_scale=SCALE):
        await eventually(all_ended)
        asked = Counter(request.path for request, _ in stand_in.requests)
    assert asked == {"/broken": 2 * ATTEMPTS, "/whole/one": 1, "/whole/two": 1}
    rows = await installation.database.pool.fetch(
        "SELECT attempt, status, count(*) FROM task_attempt WHERE position = 0 GROUP BY 1, 2 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        *((number, "retrying", 2) for number in range(1, ATTEMPTS)),
        (ATTEMPTS, "failed", 2),
    ]
    assert await installation.database.pool.fetchval("SELECT count(*) FROM pgqueuer") == 0
    told = await installation.database.pool.fetchrow(
        "SELECT (SELECT runs FROM problem), sum(count) FROM alert"
    )
    assert told is not None
    assert tuple(told) == (2, 2)


async def test_runs_replayed_at_once_send_what_they_sent_before_byte_for_byte(
    installation: Installation, stand_in: StandIn, eventually: Eventually
) -> None:
    stand_in.answer(200)
    body = '{"email": "~{aedj://email}", "name": "~{aedj://name}"}'
    tasks = [
        put(f"T-{number}", f"{stand_in.url}/{path}", body=body) for number, path in enumerate(PATHS, start=1)
    ]
    await installation.workflow(*tasks, fields=("email", "name"))
    await installation.events(
        [{"email": f"{number}@x.example", "name": name} for number, name in enumerate(NAMES)]
    )

    def sent() -> Counter[tuple[str, bytes, str]]:
        return Counter(
            (request.path, content, request.headers["Idempotency-Key"])
            for request, content in stand_in.requests
        )

    async with installation.worker_here():
        await eventually(lambda: len(stand_in.requests) == len(PATHS) * len(NAMES))
        await eventually(lambda: all_succeeded(installation.database, len(NAMES)))
        originals = sent()
        assert len({content for _, content, _ in originals}) == len(NAMES)
        run_ids = [row["id"] for row in await installation.database.pool.fetch("SELECT id FROM run")]
        await asyncio.gather(
            *(replay(installation.database, [run_id], FROM_START) for run_id in reversed(run_ids))
        )
        await eventually(lambda: len(stand_in.requests) == 2 * len(PATHS) * len(NAMES))
        await eventually(lambda: all_succeeded(installation.database, len(NAMES)))
    assert sent() == originals + originals


async def all_succeeded(database: Database, count: int) -> bool:
    rows = await database.pool.fetch("SELECT status FROM run")
    return [row["status"] for row in rows] == ["succeeded"] * count


async def replay(database: Database, run_ids: list[int], from_task: str) -> int:
    async with database.transaction() as connection:
        return await start_replay(connection, runs_by_id(run_ids), what="these", from_task=from_task)


class Ended:
    """What a run does before it is replayed, by how it then stands, and which task it came to."""

    @staticmethod
    def failed(call: TaskCall[Any]) -> Done | Wait:
        if call.task_id == "T-2":
            raise Permanent(WHY)
        return Done({"text": call.task_id})

    @staticmethod
    def waiting(call: TaskCall[Any]) -> Done | Wait:
        if call.task_id == "T-2":
            return Wait(datetime.now(UTC) + FAR_AWAY, "later", "it is for later")
        return Done({"text": call.task_id})

    @staticmethod
    def skipped(_call: TaskCall[Any]) -> Done | Wait:
        raise Skip(WHY)

    @staticmethod
    def succeeded(call: TaskCall[Any]) -> Done | Wait:
        return Done({"text": call.task_id})


FIRST_CALLED = {
    ("failed", FROM_FAILED): "T-2",
    ("waiting", FROM_FAILED): "T-2",
    ("waiting", "T-3"): "T-2",
    ("skipped", FROM_FAILED): "T-1",
    ("succeeded", FROM_FAILED): "T-1",
}
"""Where it is not the task that was asked for: a task that a run did not come to is where it stands."""
STILL_FAILED = ("failed", "T-3")
"""Its second task failed, and was not done again."""


@pytest.mark.parametrize(
    ("status", "from_task"),
    [*itertools.product(("failed", "waiting", "skipped", "succeeded"), (*TASKS, FROM_FAILED))],
)
async def test_a_replayed_run_begins_there_and_comes_to_its_end(
    installation: Installation, scripted: Any, eventually: Eventually, status: str, from_task: str
) -> None:
    await installation.workflow(*THREE_TASKS)
    await installation.ask(["ada@x.example"])
    behave = getattr(Ended, status)
    calls: list[TaskCall[Any]] = []

    async def run(call: TaskCall[Any]) -> Done | Wait:
        calls.append(call)
        answer: Done | Wait = behave(call)
        return answer

    scripted.run = run
    database = installation.database

    async def stands_so() -> bool:
        """And its job is gone, if it is at its end: what is woken meanwhile waits for the sweep."""
        return bool(
            await database.pool.fetchval(
                "SELECT status = $1 AND (status = 'waiting' OR NOT EXISTS (SELECT FROM pgqueuer)) FROM run",
                status,
            )
        )

    async with working(database, RunEngine(database, {"scripted": scripted})):
        await eventually(stands_so)
        before, calls[:] = {call.task_id: call for call in calls}, []
        behave = Ended.succeeded
        run_id = await database.pool.fetchval("SELECT id FROM run")
        replay_id = await replay(database, [run_id], from_task)
        told = await eventually(lambda: finished(database, replay_id))
    assert (told.total, told.queued, told.started, told.done, told.left) == (1, 0, 0, 1, 0)
    end = "failed" if (status, from_task) == STILL_FAILED else "succeeded"
    assert await database.pool.fetchval("SELECT status FROM run") == end
    first = FIRST_CALLED.get((status, from_task), from_task)
    assert [call.task_id for call in calls] == list(TASKS[TASKS.index(first) :])
    assert [call for call in calls if call.task_id in before] == [
        before[call.task_id] for call in calls if call.task_id in before
    ]
    assert await database.pool.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def finished(database: Database, replay_id: int) -> Replay | None:
    async with database.transaction() as connection:
        told = await get_replay(connection, replay_id)
    return told if told is not None and told.finished_at is not None else None


@asynccontextmanager
async def working(database: Database, engine: RunEngine) -> AsyncIterator[None]:
    """What a worker does with runs, with this engine."""
    queue = RunQueue(database)
    keeper, inbox = ReplaysKeeper(database, queue), Inbox(database, queue)

    async def keep() -> None:
        while True:
            await inbox.drain()
            await keeper.tick()
            await queue.sweep()
            await asyncio.sleep(0.02)

    keeping = asyncio.create_task(keep())
    work = asyncio.create_task(queue.work(engine.advance, concurrency=4))
    try:
        yield
        assert not keeping.done()
    finally:
        keeping.cancel()
        queue.stop()
        await work
