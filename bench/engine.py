"""How fast the engine takes runs from their events to their end.

A workflow of three tasks that do nothing: what is measured is the matching of events, the queue, and each task's
end on disk. One worker, in this process, with the connections that it has in production. The ratio compares the
tasks that were run in a second with the commits of a single row that PostgreSQL's own pgbench reaches over as many
connections: each task's end is one such commit at least.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from afterword.events.models import JSON_EVENT, json_event_origin
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.migrations import migrate
from afterword.store.postgres.binaries import binaries
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall
from afterword.worker import CONNECTIONS
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox
from support.results import Figure, NotMeasured, Result, run
from support.servers import postgres

ENDPOINT = "OC_bench"
TASKS = 3
SECONDS = 12.0
LEAST_RATIO = 0.4
RUNS_TO_WARM_UP = 300
CONCURRENCY = Settings().worker_concurrency
LOOK_EVERY_SECONDS = 0.05

ADD_EVENTS = """
INSERT INTO event (origin, type, body)
SELECT $1, $2, '{"customerId": "customer-' || n || '", "conversationId": "conversation-' || n || '"}'
FROM generate_series(1, $3) n
"""

ONE_ROW = "INSERT INTO bench_commit (words) VALUES ('one task has ended, and this is what it has to say');\n"


class Nothing(msgspec.Struct, frozen=True):
    """The configuration of a task that does nothing."""


class DoNothing:
    """A task type that is done at once."""

    name = "do-nothing"
    label = "Do nothing"
    repetition = Repetition.IDEMPOTENT
    configuration = Nothing
    repeats_when_unknown = True

    def outputs(self, _: Nothing) -> tuple[str, ...]:
        return ("customerId",)

    async def plan(self, _: TaskCall[Nothing]) -> Plan:
        return Plan({})

    async def run(self, call: TaskCall[Nothing]) -> Done:
        """Be done."""
        return Done({"customerId": call.fields["customerId"]})


async def measure(seconds: float) -> Result:
    """Measure for about so many seconds.

    Raises:
        NotMeasured: pgbench failed.
    """
    async with postgres() as server:
        await migrate(server.url)
        database = await Database.connect(server.url, name="afterword bench", pool_size=CONNECTIONS)
        try:
            await database.pool.execute("CREATE TABLE bench_commit (id bigserial PRIMARY KEY, words text)")
            await _add_workflow(database)
            runs_per_second = await _runs_per_second(database, seconds / 2)
        finally:
            await database.close()
        commits_per_second = await _commits_per_second(server.url, seconds / 2)
    return Result(
        "three-task runs of one worker",
        {
            "runs": Figure(round(runs_per_second, 1), "runs/s"),
            "task runs": Figure(round(runs_per_second * TASKS, 1), "task runs/s"),
            f"single-row commits, {CONNECTIONS} connections": Figure(commits_per_second, "commits/s"),
        },
        ratio=runs_per_second * TASKS / commits_per_second,
        floor=LEAST_RATIO,
    )


async def _runs_per_second(database: Database, seconds: float) -> float:
    async with _working(database) as inbox:
        warm_up = await _time_of(database, inbox, RUNS_TO_WARM_UP)
        runs = max(RUNS_TO_WARM_UP, int(RUNS_TO_WARM_UP / warm_up * seconds))
        return runs / await _time_of(database, inbox, runs)


@contextlib.asynccontextmanager
async def _working(database: Database) -> AsyncIterator[Inbox]:
    """One worker's queue and engine at work; answers its inbox."""
    queue = RunQueue(database)
    engine = RunEngine(database, {DoNothing.name: DoNothing()})
    working = asyncio.create_task(queue.work(engine.advance, concurrency=CONCURRENCY))
    try:
        yield Inbox(database, queue)
    finally:
        queue.stop()
        await working


async def _time_of(database: Database, inbox: Inbox, runs: int) -> float:
    """Seconds from when so many events lie in the inbox until their runs have succeeded."""
    await database.pool.execute(ADD_EVENTS, json_event_origin(ENDPOINT), JSON_EVENT, runs)
    wanted = runs + await _succeeded(database)
    began = time.perf_counter()
    await inbox.drain()
    while await _succeeded(database) < wanted:  # noqa: ASYNC110 - the database is what is waited for
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return time.perf_counter() - began


async def _succeeded(database: Database) -> int:
    return int(await database.pool.fetchval("SELECT count(*) FROM run WHERE status = 'succeeded'"))


async def _add_workflow(database: Database) -> None:
    fields = tuple(JsonField(name, f"$.{name}") for name in ("customerId", "conversationId"))
    tasks = tuple(Task(id=f"T-{number}", type=DoNothing.name, label="") for number in range(TASKS))
    async with database.transaction() as connection:
        await add_workflow(
            connection, name="Bench", definition=Definition(JsonEvent(ENDPOINT, fields), tasks)
        )


async def _commits_per_second(url: str, seconds: float) -> float:
    """What pgbench reaches, each transaction a row.

    Raises:
        NotMeasured: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one-row.sql"
        script.write_text(ONE_ROW, "ascii")
        process = await asyncio.create_subprocess_exec(
            str(binaries() / "pgbench"),
            *(
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={CONNECTIONS}",
                f"--time={max(1, seconds):.0f}",
            ),
            f"--file={script}",
            url,
            env={**os.environ, "LC_ALL": "C"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    for line in output.decode().splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise NotMeasured(f"pgbench: {errors.decode().strip()}")


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.seconds), seconds=SECONDS))
