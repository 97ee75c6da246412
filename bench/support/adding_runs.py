"""Adds runs and finishes them, so many a second, and keeps them searchable, as web and workers do.

Run as a program with the database's address and the rate; it goes on until it is told to end.
"""

import asyncio
import contextlib
import signal
import sys
import time

import uvloop

from afterword.store.database import Database
from afterword.workflows.history.search_keeper import SearchKeeper
from support.many_runs import REVISIONS

BATCHES_A_SECOND = 20

ADD = f"""
WITH told AS (
    INSERT INTO event (origin, type, body, status)
    SELECT 'json-event/OC_bench', 'JSON Event', json_build_object(
        'customerId', left(md5(random()::text), 22), 'conversationId', left(md5(random()::text), 22),
        'customerFirstName', 'first' || (random() * 500)::int, 'customerLastNames', 'last' || (random() * 20000)::int,
        'customerEmailAddress', 'new' || (random() * 1000000)::int || '@mail7.example')::text, 'matched'
    FROM generate_series(1, $1::int) RETURNING id
)
INSERT INTO run (workflow_id, revision, event_id) SELECT 'OC_wf' || id % 20, {REVISIONS}, id FROM told RETURNING id
"""

FINISH = """
WITH finished AS (
    UPDATE run SET status = CASE WHEN workflow_id = 'OC_wf7' THEN 'failed'
                                 WHEN id % 50 = 0 AND workflow_id <> 'OC_wf3' THEN 'skipped' ELSE 'succeeded' END,
        reason_code = CASE WHEN workflow_id = 'OC_wf7' THEN 'gladly-unavailable'
                           WHEN id % 50 = 0 AND workflow_id <> 'OC_wf3' THEN 'customer-has-no-email' END,
        position = 1, version = version + 1, finished_at = now(), due_at = NULL,
        conversation_id = left(md5('n' || id), 22), customer_id = left(md5('m' || id), 22),
        outputs = '{"T-1": {"distributionId": "EMD_abcdefghijklmno"}}'
    WHERE id = ANY($1::bigint[]) RETURNING id
)
INSERT INTO task_attempt (run_id, position, attempt, status, input, output, started_at, finished_at)
SELECT id, 0, 1, 'succeeded', '{"email": "new@mail7.example"}', '{"distributionId": "EMD_abcdefghijklmno"}', now(),
       now()
FROM finished
"""


async def add(database: Database, rate: int, stop: asyncio.Event) -> None:
    """Add and finish runs at an even pace; what was missed is made up for."""
    began, added = time.monotonic(), 0
    under_way: list[int] = []
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate) - added
        if due > 0:
            rows = await database.pool.fetch(ADD, due)
            await database.pool.execute(FINISH, under_way)
            under_way = [row["id"] for row in rows]
            added += due
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1 / BATCHES_A_SECOND)
    print(f"added {added / (time.monotonic() - began):.0f} runs/s", file=sys.stderr)


async def main(url: str, rate: int) -> None:
    """Add, and look once a second at what was added."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = await Database.connect(url, name="afterword bench", pool_size=3)
    keeper = SearchKeeper(database)
    adding = asyncio.create_task(add(database, rate, stop))
    try:
        while not stop.is_set():
            began = time.monotonic()
            looked_at = await keeper.tick()
            print(f"{looked_at} runs made searchable in {time.monotonic() - began:.2f} s", file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
    finally:
        await adding
        await database.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
