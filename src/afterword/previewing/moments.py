"""What was read for a preview: when conversations were closed and opened again, and facts that Gladly was asked for.

Ids, times and marks alone: no name, no address, nothing of what was said.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from afterword.backfill.finding import Found
from afterword.events.models import FoundIn
from afterword.gladly.webhooks import CONVERSATION_CLOSED, parse
from afterword.store.database import PlainConnection

FactKind = Literal["profile", "conversation", "messages"]

STORE = """
INSERT INTO preview_moment (account_id, conversation_id, occurred_at, is_closing, customer_id, latest, found_in,
                            agent_id, inbox_id, initiator_type, initiator_id)
SELECT $1, * FROM unnest($2::text[], $3::timestamptz[], $4::boolean[], $5::text[], $6::timestamptz[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::text[])
ON CONFLICT DO NOTHING
"""

NEWEST = """
SELECT occurred_at FROM preview_moment WHERE account_id = $1 ORDER BY occurred_at DESC OFFSET $2 LIMIT 1
"""
FORGET_BEFORE = "DELETE FROM preview_moment WHERE account_id = $1 AND occurred_at <= $2"
READ = """
SELECT conversation_id, occurred_at, is_closing, customer_id, latest, found_in, agent_id, inbox_id, initiator_type,
    initiator_id
FROM preview_moment WHERE account_id = $1 ORDER BY conversation_id, occurred_at
"""
FORGET = "DELETE FROM preview_moment WHERE account_id = $1"

STORE_FACTS = """
INSERT INTO preview_fact (account_id, kind, subject_id, value)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::jsonb[])
ON CONFLICT (account_id, kind, subject_id) DO UPDATE SET value = excluded.value
"""
READ_FACTS = "SELECT kind, subject_id, value FROM preview_fact WHERE account_id = $1"
FORGET_FACTS = "DELETE FROM preview_fact WHERE account_id = $1"


class Moment(msgspec.Struct, frozen=True):
    """A conversation was closed (``is_closing``) or opened again."""

    conversation_id: str
    occurred_at: datetime
    is_closing: bool
    customer_id: str
    latest: datetime | None
    found_in: FoundIn
    agent_id: str
    inbox_id: str
    initiator_type: str
    initiator_id: str


class Fact(msgspec.Struct, frozen=True):
    """What Gladly was asked for: of a customer or a conversation, as JSON; ``null`` for what Gladly does not have."""

    kind: FactKind
    subject_id: str
    value: str


async def store(connection: PlainConnection, account_id: str, found: Sequence[Found]) -> None:
    """Keep what a part of the records told; what is there already is left as it is."""
    told = [(one, parse(one.body.encode())) for one in found]
    await connection.execute(
        STORE,
        account_id,
        [one.conversation_id for one, _ in told],
        [one.occurred_at for one, _ in told],
        [one.type == CONVERSATION_CLOSED for one, _ in told],
        [one.customer_id for one, _ in told],
        [one.latest for one, _ in told],
        [one.found_in for one, _ in told],
        [event.agent_id or "" for _, event in told],
        [event.inbox_id or "" for _, event in told],
        [event.initiator_type or "" for _, event in told],
        [event.initiator_id or "" for _, event in told],
    )


async def cut(connection: PlainConnection, account_id: str, most: int) -> datetime | None:
    """Keep the newest alone, where there are too many; answers from when on they are kept, ``None`` for all."""
    since: datetime | None = await connection.fetchval(NEWEST, account_id, most)
    if since is not None:
        await connection.execute(FORGET_BEFORE, account_id, since)
    return since


async def read(connection: PlainConnection, account_id: str) -> list[Moment]:
    """All, by conversation and time."""
    names = Moment.__struct_fields__
    return [Moment(*(row[name] for name in names)) for row in await connection.fetch(READ, account_id)]


async def store_facts(connection: PlainConnection, account_id: str, facts: Sequence[Fact]) -> None:
    """Keep facts, so that they are not asked for again when a rule is changed."""
    await connection.execute(
        STORE_FACTS,
        account_id,
        [fact.kind for fact in facts],
        [fact.subject_id for fact in facts],
        [fact.value for fact in facts],
    )


async def read_facts(connection: PlainConnection, account_id: str) -> Mapping[tuple[str, str], str]:
    """What is known already, by kind and id."""
    rows = await connection.fetch(READ_FACTS, account_id)
    return {(row["kind"], row["subject_id"]): row["value"] for row in rows}


async def forget(connection: PlainConnection, account_id: str) -> None:
    """Forget all that was read of an account."""
    await connection.execute(FORGET, account_id)
    await connection.execute(FORGET_FACTS, account_id)
