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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from afterword.eligibility.facts import Asked, Closing
from afterword.events.models import gladly_origin
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.outcomes import Reason, Skip
from afterword.store.batches import Batches
from afterword.store.database import NOT_STORABLE, Database, PlainConnection

State = Literal["asking", "asked", "not asked"]

KEPT_DAYS = 400
"""Longer than any rule looks back that counts days."""
MOST_CLOSINGS = 500
FORGOTTEN_AT_ONCE = 1000
LARGEST_BATCH = 100

COUNTS = """
    asked.key <> closing.key
    AND (asked.state IN ('asking', 'asked')
         OR asked.state = 'not asked'
             AND (SELECT run.status FROM run WHERE run.id = asked.run_id) IN ('running', 'waiting'))
    AND NOT EXISTS (
        SELECT FROM invitation JOIN event ON event.origin = closing.origin AND event.type = $8
            AND event.conversation_id = asked.conversation_id AND event.occurred_at > asked.closed_at
        WHERE invitation.conversation_id = asked.conversation_id AND invitation.closed_at = asked.closed_at
          AND invitation.when_reopened <> 'keep'
          AND (invitation.sent_at IS NULL OR invitation.when_reopened = 'cancel-if-not-answered')
          AND NOT EXISTS (SELECT FROM response WHERE response.invitation_id = invitation.id))
"""

LOOK = f"""
SELECT (SELECT own.state FROM asked AS own WHERE own.key = closing.key) AS own_state,
       (SELECT max(asked.asked_at) FROM asked
        WHERE asked.account_id = closing.account_id AND asked.customer_id IN (closing.customer_id, closing.other_id)
          AND {COUNTS}) AS customer_at,
       ARRAY(SELECT asked.closed_at FROM asked
             WHERE asked.conversation_id = closing.conversation_id AND asked.account_id || '' = closing.account_id
               AND asked.closed_at IS NOT NULL AND {COUNTS}) AS in_conversation,
       ARRAY(SELECT occurred_at FROM event
             WHERE origin = closing.origin AND conversation_id = closing.conversation_id AND type = $7
               AND status <> 'redelivered' AND occurred_at IS NOT NULL
             ORDER BY occurred_at DESC LIMIT $9) AS closings
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
       AS closing (key, account_id, customer_id, other_id, conversation_id, origin, number)
ORDER BY closing.number
"""  # noqa: S608 - put together from constants
"""Each part by an index that leaves few rows, whatever the server knows of the tables: a ledger that is new it does not
know, and would go through the whole account's. The empty text keeps it from that.
"""

LOCK = """
SELECT pg_advisory_xact_lock(hash) FROM (
    SELECT DISTINCT hashtextextended(name, 0) AS hash FROM unnest($1::text[]) AS name ORDER BY hash OFFSET 0
) AS in_order
"""
"""In one order, lest two who lock several wait for each other."""

RESERVE = """
INSERT INTO asked (key, account_id, customer_id, conversation_id, workflow_id, run_id, closed_at, state)
SELECT key, account_id, customer_id, nullif(conversation_id, ''), nullif(workflow_id, ''), run_id, closed_at, 'asking'
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[])
       AS closing (key, account_id, customer_id, conversation_id, workflow_id, run_id, closed_at)
ON CONFLICT (key) DO UPDATE
SET customer_id = excluded.customer_id, run_id = excluded.run_id, workflow_id = excluded.workflow_id,
    state = CASE WHEN asked.state = 'asked' THEN 'asked' ELSE 'asking' END,
    asked_at = CASE WHEN asked.state IN ('asked', 'asking') THEN asked.asked_at ELSE now() END
"""

SETTLE = "UPDATE asked SET state = $2 WHERE key = ANY($1::text[]) AND state = 'asking'"

SETTLE_SOON = """
WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true) AS is_set)
UPDATE asked SET state = $2 FROM unhurried WHERE key = ANY($1::text[]) AND state = 'asking' AND is_set = 'off'
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


class Asker(msgspec.Struct, frozen=True):
    """A closing whose customer may be asked. ``customer_ids`` are all that the customer is known by, at most two: one
    who was merged has had another.

    ``judge`` says what speaks against it, by what the ledger tells.
    """

    closing: Closing
    customer_ids: tuple[str, ...]
    judge: Callable[[Asked], Reason | None] = lambda _: None

    @property
    def customer(self) -> tuple[str, str]:
        """Of all that decide about this customer at the same moment, one may ask."""
        return self.closing.account_id, self.customer_ids[-1]


class Ledger:
    """The ledger as one process uses it: what is looked up and written at one moment is one statement, or one
    transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks = Batches(self._look_all, largest=LARGEST_BATCH, in_flight=1, alone_on=NOT_STORABLE)
        self._reservations = Batches(
            self._reserve_all, largest=LARGEST_BATCH, in_flight=1, alone_on=NOT_STORABLE
        )
        self._settlements = Batches(self._settle_all, largest=LARGEST_BATCH, in_flight=1)

    async def look(self, asker: Asker) -> Asked:
        """Who was asked, or is kept, by other calls than the closing's own: about its conversation, and of its
        customer.
        """
        return await self._looks.add(asker)

    async def reserve(self, asker: Asker) -> Reservation:
        """Judge where nobody can come between, and write down that the customer is about to be asked.

        Raises:
            Skip: for what the judge says.
        """
        return await self._reservations.add(asker)

    async def note_asked(self, reservation: Reservation) -> None:
        """The customer was asked. Should this get lost, the row says *asking*, which counts the same."""
        await self._settlements.add(reservation.key)

    async def note_not_asked(self, reservation: Reservation) -> None:
        """The call certainly did not ask; nor did an earlier attempt, unless nobody knows how that ended."""
        if not reservation.may_have_been_asked:
            await self._database.pool.execute(SETTLE, [reservation.key], "not asked")

    async def _look_all(self, askers: Sequence[Asker]) -> list[Asked]:
        async with self._database.pool.acquire() as connection:
            return await _look(connection, askers)

    async def _reserve_all(self, askers: Sequence[Asker]) -> list[Reservation | Exception]:
        """Decide about all of them in one transaction; of one customer's, each sees what became of the one before."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            names = [f"asked/{account_id}/{customer_id}" for account_id, customer_id in _customers(askers)]
            await connection.execute(LOCK, names)
            results: dict[int, Reservation | Exception] = {}
            for turn in _in_turns(askers):
                results |= await _reserve(connection, turn)
        return [results[number] for number in range(len(askers))]

    async def _settle_all(self, keys: Sequence[str]) -> list[None]:
        await self._database.pool.execute(SETTLE_SOON, keys, "asked")
        return [None] * len(keys)


def _customers(askers: Iterable[Asker]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(asker.customer for asker in askers))


def _in_turns(askers: Sequence[Asker]) -> Iterator[dict[int, Asker]]:
    """Each customer once in a turn, in the order in which they came; nearly always it is one turn."""
    waiting = dict(enumerate(askers))
    while waiting:
        turn: dict[tuple[str, str], int] = {}
        for number, asker in waiting.items():
            turn.setdefault(asker.customer, number)
        yield {number: waiting.pop(number) for number in turn.values()}


async def _look(connection: PlainConnection, askers: Sequence[Asker]) -> list[Asked]:
    closings = [asker.closing for asker in askers]
    rows = await connection.fetch(
        LOOK,
        [closing.key for closing in closings],
        [closing.account_id for closing in closings],
        [asker.customer_ids[0] for asker in askers],
        [asker.customer_ids[-1] for asker in askers],
        [closing.conversation_id or None for closing in closings],
        [gladly_origin(closing.account_id) for closing in closings],
        CONVERSATION_CLOSED,
        CONVERSATION_REOPENED,
        MOST_CLOSINGS,
    )
    return [
        Asked(
            tuple(row["closings"]), tuple(row["in_conversation"]), row["customer_at"], row["own_state"] or ""
        )
        for row in rows
    ]


async def _reserve(
    connection: PlainConnection, turn: Mapping[int, Asker]
) -> dict[int, Reservation | Exception]:
    """Reserve for those whom nothing speaks against; no two of them are of one customer."""
    results: dict[int, Reservation | Exception] = {}
    for (number, asker), asked in zip(
        turn.items(), await _look(connection, list(turn.values())), strict=True
    ):
        reason = asker.judge(asked)
        may_have_been_asked = asked.own_state in {"asking", "asked"}
        results[number] = (
            Reservation(asker.closing.key, may_have_been_asked) if reason is None else Skip(reason)
        )
    kept = [asker for number, asker in turn.items() if isinstance(results[number], Reservation)]
    if not kept:
        return results
    await connection.execute(
        RESERVE,
        [asker.closing.key for asker in kept],
        [asker.closing.account_id for asker in kept],
        [asker.customer_ids[-1] for asker in kept],
        [asker.closing.conversation_id for asker in kept],
        [asker.closing.workflow_id for asker in kept],
        [asker.closing.run_id for asker in kept],
        [asker.closing.closed_at for asker in kept],
    )
    return results


async def forget_old(database: Database) -> None:
    """Delete what no rule looks at any more, a thousand rows at a time."""
    await database.pool.execute(FORGET, KEPT_DAYS, FORGOTTEN_AT_ONCE)
