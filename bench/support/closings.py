"""Closings that lie in the inbox, and the guide's first workflow that they start."""

import asyncio
import time
from pathlib import Path

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow
from support.results import NotMeasured

SINK = Path(__file__).parent / "sink.py"
LOOK_EVERY_SECONDS = 0.05

ADD_CLOSINGS = """
INSERT INTO event (origin, type, body, conversation_id, occurred_at)
SELECT $1, $2, format('{"id": "%s", "type": "%s", "timestamp": "%s", "initiator": {"id": "a"}, "content":
    {"customerId": "%s", "conversationId": "c-%s-%s", "context": {"assignee": {"inboxId": "i", "agentId": "a"}}}}',
    n, $2::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(nullif($5::text, ''), format('p-%s-%s', $4::text, n)), $4::text, n),
    'c-' || $4::text || '-' || n, now()
FROM generate_series(1, $3::int) n
"""


async def add_closings(database: Database, account: str, count: int, label: str, customer: str = "") -> None:
    """Put so many closings into the inbox; ``label`` tells them from others.

    They are all of this customer, or else each of another.
    """
    await database.pool.execute(
        ADD_CLOSINGS, f"gladly/{account}", CONVERSATION_CLOSED, count, label, customer
    )


async def succeeded(database: Database) -> int:
    """How many runs have come to a good end."""
    return int(await database.pool.fetchval("SELECT count(*) FROM run WHERE status = 'succeeded'"))


async def until_succeeded(database: Database, wanted: int, patience: float) -> float:
    """Wait until so many runs have come to a good end; answers the seconds that it took.

    Raises:
        NotMeasured: it takes longer than ``patience`` seconds.
    """
    began = time.perf_counter()
    while await succeeded(database) < wanted:
        if time.perf_counter() > began + patience:
            raise NotMeasured(f"{wanted} runs did not end within {patience:.0f} s")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return time.perf_counter() - began


async def add_send_json_event(
    settings: Settings, database: Database, *, gladly_url: str, sink_url: str, login: tuple[str, str]
) -> str:
    """The workflow, which asks that Gladly and sends to the sink; answers the connected Gladly account's id."""
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        gladly = await add_gladly(
            connection, box, name="Bench", base_url=gladly_url, username=login[0], api_token=login[1]
        )
        qualtrics = await add_qualtrics(
            connection,
            box,
            name="Bench",
            api_token="bench",
            json_event_url=f"{sink_url}/inbound-event/v1/events/json/triggers?urlTokenId=bench",
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
