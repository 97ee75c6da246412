"""What a backfill found and has not recorded yet; recording it; and what is known already."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from afterword.backfill.finding import Found, Told
from afterword.events.closings import LOOK_AROUND
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.store.database import PlainConnection

RECORDED_AT_ONCE = 500
"""Closings and reopenings."""

STAGE = """
INSERT INTO backfill_found
    (backfill_id, type, conversation_id, customer_id, occurred_at, latest, found_in, deduplication_key, body)
SELECT $1, * FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::bytea[], $9::text[])
ON CONFLICT (backfill_id, deduplication_key) DO NOTHING RETURNING type
"""

TAKE_FOUND = """
WITH conversations AS (
    SELECT DISTINCT conversation_id FROM (
        SELECT conversation_id FROM backfill_found WHERE backfill_id = $1 ORDER BY occurred_at, number LIMIT $2
    ) AS oldest
)
DELETE FROM backfill_found USING conversations
WHERE backfill_found.backfill_id = $1 AND backfill_found.conversation_id = conversations.conversation_id
RETURNING type, backfill_found.conversation_id, customer_id, occurred_at, latest, found_in, deduplication_key AS key,
    body
"""

RECORD = """
INSERT INTO event
    (origin, type, deduplication_key, conversation_id, occurred_at, latest, body, found_in, backfill_id)
SELECT $1, found.*, $9::bigint FROM unnest(
    $2::text[], $3::bytea[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::text[]) AS found
ON CONFLICT (origin, deduplication_key) DO NOTHING RETURNING type
"""

KNOWN = """
SELECT event.conversation_id, event.type, event.occurred_at, event.latest, event.found_in,
    event.deduplication_key AS key
FROM event JOIN unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) AS asked (conversation_id, since, until)
  ON event.conversation_id = asked.conversation_id AND event.occurred_at BETWEEN asked.since AND asked.until
WHERE event.origin = $1 AND event.type = ANY($5::text[])
  AND (event.status <> 'redelivered' OR event.reason_code IS DISTINCT FROM 'delivered-again')
"""

STAGED = """
SELECT conversation_id, type, occurred_at, latest, found_in, deduplication_key AS key FROM backfill_found
WHERE backfill_id = $1 AND conversation_id = ANY($2::text[])
"""

FORGET_FOUND = "DELETE FROM backfill_found WHERE backfill_id = $1"


async def stage(connection: PlainConnection, backfill_id: int, fresh: Sequence[Found]) -> int:
    """Keep what is new until it is recorded; answers how many closings there are among it."""
    staged = await connection.fetch(
        STAGE,
        backfill_id,
        [found.type for found in fresh],
        [found.conversation_id for found in fresh],
        [found.customer_id for found in fresh],
        [found.occurred_at for found in fresh],
        [found.latest for found in fresh],
        [found.found_in for found in fresh],
        [found.key for found in fresh],
        [found.body for found in fresh],
    )
    return sum(row["type"] == CONVERSATION_CLOSED for row in staged)


async def take_found(connection: PlainConnection, backfill_id: int) -> list[Found]:
    """The oldest of what was found and not recorded, with all of their conversations, taken out; in a transaction."""
    rows = await connection.fetch(TAKE_FOUND, backfill_id, RECORDED_AT_ONCE)
    found = [msgspec.convert(dict(row), Found) for row in rows]
    return sorted(found, key=lambda one: (one.occurred_at, one.conversation_id))


async def record(
    connection: PlainConnection, origin: str, fresh: Sequence[Found], backfill_id: int | None
) -> int:
    """Make events of what is new: in the inbox, as if delivered. Answers how many closings there are among them."""
    rows = await connection.fetch(
        RECORD,
        origin,
        [found.type for found in fresh],
        [found.key for found in fresh],
        [found.conversation_id for found in fresh],
        [found.occurred_at for found in fresh],
        [found.latest for found in fresh],
        [found.body for found in fresh],
        [found.found_in for found in fresh],
        backfill_id,
    )
    return sum(row["type"] == CONVERSATION_CLOSED for row in rows)


async def known_of(
    connection: PlainConnection, origin: str, found: Sequence[Found], backfill_id: int | None
) -> dict[str, list[Told]]:
    """What is known of the conversations around these moments, recorded or found by this backfill before."""
    moments: dict[str, list[datetime]] = {}
    for one in found:
        moments.setdefault(one.conversation_id, []).append(one.occurred_at)
    rows = await connection.fetch(
        KNOWN,
        origin,
        list(moments),
        [min(times) - LOOK_AROUND for times in moments.values()],
        [max(times) + LOOK_AROUND for times in moments.values()],
        [CONVERSATION_CLOSED, CONVERSATION_REOPENED],
    )
    if backfill_id is not None:
        rows += await connection.fetch(STAGED, backfill_id, list(moments))
    known: dict[str, list[Told]] = {}
    for row in rows:
        told = Told(**{name: row[name] for name in Told.__struct_fields__})
        known.setdefault(row["conversation_id"], []).append(told)
    return known


async def forget_found(connection: PlainConnection, backfill_id: int) -> None:
    """Let go what was found and not recorded."""
    await connection.execute(FORGET_FOUND, backfill_id)
