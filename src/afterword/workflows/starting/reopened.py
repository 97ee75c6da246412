"""A conversation that is reopened: what it cancels does not count as asked, and runs that wait to ask are woken.

Whether an invitation is cancelled is for the task to say, by the events; a wake-up too many does no harm.
"""

from collections.abc import Sequence
from datetime import datetime

from afterword.eligibility.ledger import take_back
from afterword.gladly.webhooks import CONVERSATION_REOPENED
from afterword.store.database import PlainConnection
from afterword.store.queue import RunQueue
from afterword.workflows.starting.repeated_closings import Arrived

CANCELLED = """
SELECT DISTINCT conversation_id
FROM invitation
JOIN unnest($1::text[], $2::timestamptz[]) AS told (conversation_id, reopened_at) USING (conversation_id)
WHERE when_reopened <> 'keep' AND reopened_at > coalesce(closed_at, created_at)
  AND (sent_at IS NULL OR when_reopened = 'cancel-if-not-answered'
       AND NOT EXISTS (SELECT FROM response WHERE invitation_id = invitation.id))
"""

WAKE = """
UPDATE run SET due_at = now(), waiting_for = NULL
WHERE status = 'waiting' AND conversation_id = ANY($1::text[]) RETURNING id
"""


async def note_reopenings(connection: PlainConnection, queue: RunQueue, events: Sequence[Arrived]) -> None:
    """Take back what reopenings cancel, and wake the runs that wait for it, in the transaction that notes them."""
    reopened: dict[str, datetime] = {}
    for event in events:
        if event.type == CONVERSATION_REOPENED and event.conversation_id and event.occurred_at:
            known = reopened.get(event.conversation_id, event.occurred_at)
            reopened[event.conversation_id] = max(known, event.occurred_at)
    if not reopened:
        return
    rows = await connection.fetch(CANCELLED, list(reopened), list(reopened.values()))
    cancelled = [row["conversation_id"] for row in rows]
    if not cancelled:
        return
    await take_back(connection, cancelled)
    woken = [row["id"] for row in await connection.fetch(WAKE, cancelled)]
    await queue.enqueue(connection, woken)
