"""A conversation that is reopened: runs that wait to ask about it are woken, as they may have nothing to ask any more.

Whether an invitation is cancelled is for the task to say, by the events; a wake-up too many does no harm.
"""

from collections.abc import Sequence

from afterword.gladly.webhooks import CONVERSATION_REOPENED
from afterword.store.database import PlainConnection
from afterword.store.queue import RunQueue
from afterword.workflows.starting.repeated_closings import Arrived

WAKE = """
UPDATE run SET due_at = now(), waiting_for = NULL
WHERE status = 'waiting' AND conversation_id IN (
    SELECT conversation_id FROM invitation
    WHERE conversation_id = ANY($1::text[]) AND when_reopened <> 'keep' AND sent_at IS NULL)
RETURNING id
"""


async def wake_reopened(connection: PlainConnection, queue: RunQueue, events: Sequence[Arrived]) -> None:
    """Wake the runs that wait with an invitation that a reopening cancels, in the transaction that notes it."""
    reopened = {
        event.conversation_id
        for event in events
        if event.type == CONVERSATION_REOPENED and event.conversation_id is not None
    }
    if not reopened:
        return
    woken = [row["id"] for row in await connection.fetch(WAKE, list(reopened))]
    await queue.enqueue(connection, woken)
