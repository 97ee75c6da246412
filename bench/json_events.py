"""How many runs of *Send JSON event* one worker, and two, take to their end in a second.

Each run asks for a customer's profile and posts the event, both to a local sink that answers at once; the vendors'
limits are set out of the way, the budgets that keep them are asked all the same. Closings lie in the inbox, the workers
empty it; database, workers and sink share the machine, so that a second worker has no core of its own on two.
"""

import asyncio
import sys
import time
from pathlib import Path

from afterword.accounts.connected import add_gladly, add_qualtrics
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow
from support.installation import connected, environment_of, workers
from support.results import Figure, NotMeasured, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers

RUNS = 3000
LOOK_EVERY_SECONDS = 0.05
PATIENCE_SECONDS = 120.0
SUPPORT = Path(__file__).parent / "support"
NO_LIMIT = {
    "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000000",
    "AFTERWORD_QUALTRICS_REQUESTS_PER_MINUTE": "60000000",
}

ADD_CLOSINGS = """
INSERT INTO event (origin, type, body, conversation_id, occurred_at)
SELECT $1, $2, format('{"id": "%s", "type": "%s", "timestamp": "%s", "initiator": {"id": "a"}, "content":
    {"customerId": "bench", "conversationId": "c-%s-%s", "context": {"assignee": {"inboxId": "i", "agentId": "a"}}}}',
    n, $2::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $4::text, n),
    'c-' || $4::text || '-' || n, now()
FROM generate_series(1, $3::int) n
"""


async def measure(runs: int) -> Result:
    """Measure so many runs with one worker, and as many with two.

    Raises:
        NotMeasured: they did not come to their end in time.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        port = free_port()
        async with (
            connected(settings) as database,
            python([str(SUPPORT / "sink.py"), str(port)]) as sink,
        ):
            await until_it_answers(f"http://{HOST}:{port}/health", sink)
            account = await _add_workflow(settings, database, f"http://{HOST}:{port}")
            rates = {}
            for count in (1, 2):
                async with workers(environment_of(settings, **NO_LIMIT), count):
                    await _runs_per_second(database, account, runs // 10, f"warm-{count}")
                    rates[count] = await _runs_per_second(database, account, runs, f"{count}")
    return Result(
        "runs of Send JSON event, each two calls",
        {
            "one worker": Figure(round(rates[1], 1), "runs/s"),
            "two workers": Figure(round(rates[2], 1), "runs/s"),
        },
        ratio=rates[2] / rates[1],
    )


async def _runs_per_second(database: Database, account: str, runs: int, label: str) -> float:
    wanted = runs + await _succeeded(database)
    began = time.perf_counter()
    await database.pool.execute(ADD_CLOSINGS, f"gladly/{account}", CONVERSATION_CLOSED, runs, label)
    while await _succeeded(database) < wanted:
        if time.perf_counter() > began + PATIENCE_SECONDS:
            raise NotMeasured(f"{runs} runs did not end within {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return runs / (time.perf_counter() - began)


async def _succeeded(database: Database) -> int:
    return int(await database.pool.fetchval("SELECT count(*) FROM run WHERE status = 'succeeded'"))


async def _add_workflow(settings: Settings, database: Database, sink: str) -> str:
    """The guide's first workflow, with both ends at the sink; answers the connected Gladly account's id."""
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        gladly = await add_gladly(
            connection,
            box,
            name="Bench",
            base_url=sink,
            username="bench@bench.example",
            api_token="bench",
        )
        qualtrics = await add_qualtrics(
            connection,
            box,
            name="Bench",
            api_token="bench",
            json_event_url=f"{sink}/inbound-event/v1/events/json/triggers?urlTokenId=bench",
        )
        task = Task(
            "T-1",
            "send-json-event",
            "Send JSON event",
            {"gladly_account": gladly.id, "qualtrics_account": qualtrics.id},
        )
        definition = Definition(ConversationClosed(gladly.id), (task,))
        await add_workflow(connection, name="Bench", definition=definition)
    return gladly.id


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.runs), runs=RUNS))
