"""The ledger of those asked: who was asked about what, and who is about to be.

A row is written in the transaction that decides, under a lock for the customer, so that of two workers with two
closings of one customer one asks and the other sees it. What becomes of it:

- *asking*: the call that asks is being made, or nobody knows how it ended;
- *asked*: it was made;
- *not asked*: it certainly was not, at least not yet. While its run goes on it keeps the customer; when the run has
  ended, it no longer counts for anything.

So a reservation is given back by the end of its run, whatever ends it, and nobody has to see to it. Nor does a row
count whose invitation was cancelled because the conversation was reopened, which is found where the invitation itself
finds it, in the events.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from afterword.eligibility.facts import Asked, Closing
from afterword.events.models import gladly_origin
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.store.database import Database, PlainConnection

State = Literal["asking", "asked", "not asked"]

KEPT_DAYS = 400
"""Longer than any rule looks back that counts days."""
MOST_CLOSINGS = 500
FORGOTTEN_AT_ONCE = 1000

LOOK = """
WITH counted AS (
    SELECT asked.* FROM asked LEFT JOIN run ON run.id = asked.run_id
    WHERE asked.account_id = $1 AND asked.key <> $2
      AND (asked.customer_id = ANY($3::text[]) OR asked.conversation_id = nullif($4, ''))
      AND (asked.state IN ('asking', 'asked')
           OR asked.state = 'not asked' AND run.status IN ('running', 'waiting'))
      AND NOT EXISTS (
          SELECT FROM invitation JOIN event ON event.origin = $5 AND event.type = $8
              AND event.conversation_id = asked.conversation_id AND event.occurred_at > asked.closed_at
          WHERE invitation.conversation_id = asked.conversation_id AND invitation.closed_at = asked.closed_at
            AND invitation.when_reopened <> 'keep'
            AND (invitation.sent_at IS NULL OR invitation.when_reopened = 'cancel-if-not-answered')
            AND NOT EXISTS (SELECT FROM response WHERE response.invitation_id = invitation.id))
)
SELECT (SELECT state FROM asked WHERE key = $2) AS own_state,
       (SELECT max(asked_at) FROM counted WHERE customer_id = ANY($3::text[])) AS customer_at,
       ARRAY(SELECT closed_at FROM counted WHERE conversation_id = nullif($4, '') AND closed_at IS NOT NULL)
           AS in_conversation,
       ARRAY(SELECT occurred_at FROM event
             WHERE origin = $5 AND conversation_id = nullif($4, '') AND type = $6 AND status <> 'redelivered'
               AND occurred_at IS NOT NULL
             ORDER BY occurred_at DESC LIMIT $7) AS closings
"""

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

RESERVE = """
INSERT INTO asked (key, account_id, customer_id, conversation_id, workflow_id, run_id, closed_at, state)
VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7, 'asking')
ON CONFLICT (key) DO UPDATE
SET customer_id = excluded.customer_id, run_id = excluded.run_id, workflow_id = excluded.workflow_id,
    state = CASE WHEN asked.state = 'asked' THEN 'asked' ELSE 'asking' END,
    asked_at = CASE WHEN asked.state IN ('asked', 'asking') THEN asked.asked_at ELSE now() END
"""

SETTLE = "UPDATE asked SET state = $2 WHERE key = $1 AND state = 'asking'"

SETTLE_SOON = """
WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true) AS is_set)
UPDATE asked SET state = $2 FROM unhurried WHERE key = $1 AND state = 'asking' AND is_set = 'off'
"""
"""Its commit does not wait for the disk."""

FORGET = """
DELETE FROM asked WHERE key IN (
    SELECT key FROM asked WHERE asked_at < now() - make_interval(days => $1) ORDER BY asked_at LIMIT $2
)
"""


class Reservation(msgspec.Struct, frozen=True):
    """A customer kept for one call; ``may_have_been_asked`` tells that an earlier attempt may have asked."""

    key: str
    may_have_been_asked: bool


async def look(connection: PlainConnection, closing: Closing, customer_ids: Sequence[str]) -> Asked:
    """Who was asked, or is kept, by other calls than the closing's own: about its conversation, and of its customer.

    ``customer_ids`` are all that the customer is known by: one who was merged has had another.
    """
    row = await connection.fetchrow(
        LOOK,
        closing.account_id,
        closing.key,
        customer_ids,
        closing.conversation_id,
        gladly_origin(closing.account_id),
        CONVERSATION_CLOSED,
        MOST_CLOSINGS,
        CONVERSATION_REOPENED,
    )
    if row is None:
        return Asked()
    return Asked(
        tuple(row["closings"]), tuple(row["in_conversation"]), row["customer_at"], row["own_state"] or ""
    )


async def lock_customer(connection: PlainConnection, account_id: str, customer_id: str) -> None:
    """Let nobody else decide about this customer until the transaction is over."""
    await connection.execute(LOCK, f"asked/{account_id}/{customer_id}")


async def reserve(
    connection: PlainConnection, closing: Closing, customer_id: str, asked: Asked
) -> Reservation:
    """Write down that the customer is about to be asked; the lock has to be held since before ``asked`` was read."""
    await connection.execute(
        RESERVE,
        closing.key,
        closing.account_id,
        customer_id,
        closing.conversation_id,
        closing.workflow_id,
        closing.run_id,
        closing.closed_at,
    )
    return Reservation(closing.key, may_have_been_asked=asked.own_state in {"asking", "asked"})


async def note_asked(database: Database, reservation: Reservation) -> None:
    """The customer was asked. Should this get lost, the row says *asking*, which counts the same."""
    await database.pool.execute(SETTLE_SOON, reservation.key, "asked")


async def note_not_asked(database: Database, reservation: Reservation) -> None:
    """The call certainly did not ask; nor did an earlier attempt, unless nobody knows how that ended."""
    if not reservation.may_have_been_asked:
        await database.pool.execute(SETTLE, reservation.key, "not asked")


async def forget_old(database: Database) -> None:
    """Delete what no rule looks at any more, a thousand rows at a time."""
    await database.pool.execute(FORGET, KEPT_DAYS, FORGOTTEN_AT_ONCE)
