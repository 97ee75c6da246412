"""How long an idle system takes from an event to the first task of its run.

Web and one worker, as processes of their own, with nothing else to do: a JSON event is sent, and the time is counted
from before the request to the moment at which the task was called, which run history keeps. Pauses between the events
are random, so that they fall on no beat of ours.
"""

import asyncio
import random
import statistics
import sys
import time

import aiohttp
import msgspec

from afterword.directory.contacts import add_mailing_list
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow
from support.installation import (
    Endpoint,
    add_json_event_endpoint,
    connected,
    environment_of,
    workers,
)
from support.results import Figure, NotMeasured, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers

TIMES = 200
WARM_UP = 20
LONGEST_PAUSE_SECONDS = 0.1
LOOK_EVERY_SECONDS = 0.005
PATIENCE_SECONDS = 10.0
MOST_MEDIAN_MS = 10.0


async def measure(times: int) -> Result:
    """Send so many events, one after the other.

    Raises:
        NotMeasured: an event started no run in time.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        async with connected(settings) as database:
            endpoint = await add_json_event_endpoint(settings, database)
            await _add_workflow(database, endpoint)
            async with (
                python(["-m", "afterword", "web"], environment_of(settings)) as web,
                workers(environment_of(settings), 1),
            ):
                address = f"http://{HOST}:{settings.web_port}"
                await until_it_answers(f"{address}/health", web)
                async with aiohttp.ClientSession() as session:
                    seen = [
                        await _once(session, address, endpoint, database, number)
                        for number in range(WARM_UP + times)
                    ]
    milliseconds = sorted(1000 * seconds for seconds in seen[WARM_UP:])
    median = statistics.median(milliseconds)
    return Result(
        "idle system, from event to first task",
        {
            "median": Figure(median, "ms"),
            "99th percentile": Figure(milliseconds[int(len(milliseconds) * 0.99)], "ms"),
            "longest": Figure(milliseconds[-1], "ms"),
        },
        ratio=median / MOST_MEDIAN_MS,
        ceiling=1.0,
    )


async def _once(
    session: aiohttp.ClientSession, address: str, endpoint: Endpoint, database: Database, number: int
) -> float:
    """Seconds from one event to its task."""
    await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - no secret hangs on it
    conversation = f"conversation-{number}"
    body = msgspec.json.encode({"conversationId": conversation, "email": f"{number}@bench.example"})
    began = time.time()
    async with session.post(address + endpoint.path, data=body, headers=endpoint.headers) as answer:
        answer.raise_for_status()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        called = await database.pool.fetchval(
            "SELECT extract(epoch FROM task_attempt.started_at)::float8 FROM task_attempt "
            "JOIN run ON run.id = run_id WHERE run.conversation_id = $1",
            conversation,
        )
        if called is not None:
            return float(called) - began
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise NotMeasured(f"event {number} started no run within {PATIENCE_SECONDS:.0f} s")


async def _add_workflow(database: Database, endpoint: Endpoint) -> None:
    fields = tuple(JsonField(name, f"$.{name}") for name in ("conversationId", "email"))
    async with database.transaction() as connection:
        mailing_list = await add_mailing_list(connection, name="Bench")
        task = Task(
            "T-1", "add-contact", "Add contact", {"mailing_list": mailing_list, "email": "~{aedj://email}"}
        )
        definition = Definition(JsonEvent(endpoint.id, fields), (task,))
        await add_workflow(connection, name="Bench", definition=definition)


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.times), times=TIMES))
