"""Closings that repeat another: told apart when they come, and once more when a late reopening shows otherwise."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from afterword.events.closings import LOOK_AROUND, Closing, sort_out
from afterword.events.models import FoundIn
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.outcomes import Reason
from afterword.store.database import PlainConnection
from afterword.translating import N_

SAME_CLOSING = Reason("same-closing", N_("the same closing of this conversation was told before"))

HISTORY_OF_CONVERSATIONS = """
SELECT event.id, event.origin, event.type, event.conversation_id, event.occurred_at, event.status, event.reason_code,
       event.found_in, event.latest, event.backfill_id
FROM event JOIN unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       AS asked (origin, conversation_id, since, until)
  ON event.origin = asked.origin AND event.conversation_id = asked.conversation_id
     AND event.occurred_at BETWEEN asked.since AND asked.until
WHERE event.status <> 'received' AND event.type = ANY($5::text[])
"""


class Arrived(msgspec.Struct, frozen=True):
    """What matching needs to know of an event; its body is not read here.

    ``backfill_id`` is that of the backfill that found it: its runs go behind those of live events.
    """

    id: int
    origin: str
    type: str
    conversation_id: str | None
    occurred_at: datetime | None
    found_in: FoundIn | None = None
    latest: datetime | None = None
    backfill_id: int | None = None


async def tell_closings_apart(
    connection: PlainConnection, events: Sequence[Arrived]
) -> tuple[list[Arrived], dict[int, int]]:
    """Find the closings that repeat another.

    Answers the events to match, among them closings that were taken for repeats until a late reopening showed that
    they were not, and for each repeat the closing that it repeats.
    """
    conversations: dict[tuple[str, str], list[Arrived]] = {}
    for event in events:
        if _is_closing_or_reopening(event):
            conversations.setdefault((event.origin, str(event.conversation_id)), []).append(event)
    if not conversations:
        return list(events), {}
    earlier: dict[tuple[str, str], list[asyncpg.Record]] = {}
    for row in await connection.fetch(
        HISTORY_OF_CONVERSATIONS,
        [origin for origin, _ in conversations],
        [conversation for _, conversation in conversations],
        [min(_times(arrived)) - 2 * LOOK_AROUND for arrived in conversations.values()],
        [max(_times(arrived)) + 2 * LOOK_AROUND for arrived in conversations.values()],
        [CONVERSATION_CLOSED, CONVERSATION_REOPENED],
    ):
        earlier.setdefault((row["origin"], row["conversation_id"]), []).append(row)
    revived: list[Arrived] = []
    repeats: dict[int, int] = {}
    for conversation, arrived in conversations.items():
        known = earlier.get(conversation, [])
        repeats_before = [row for row in known if _was_taken_for_repeat(row) and _is_near(row, arrived)]
        verdicts = _verdicts(known, repeats_before, arrived)
        repeats |= {event_id: original for event_id, original in verdicts.items() if original is not None}
        revived += [
            Arrived(**{name: row[name] for name in Arrived.__struct_fields__})
            for row in repeats_before
            if verdicts[row["id"]] is None
        ]
    return [*events, *revived], repeats


def _verdicts(
    known: Sequence[asyncpg.Record], repeats_before: Sequence[asyncpg.Record], arrived: Sequence[Arrived]
) -> dict[int, int | None]:
    return sort_out(
        [
            Closing(row["id"], row["occurred_at"], row["found_in"], row["latest"])
            for row in known
            if row["type"] == CONVERSATION_CLOSED and row["status"] != "redelivered"
        ],
        [
            *(
                Closing(row["id"], row["occurred_at"], row["found_in"], row["latest"])
                for row in repeats_before
            ),
            *(
                Closing(event.id, event.occurred_at, event.found_in, event.latest)
                for event in arrived
                if event.type == CONVERSATION_CLOSED and event.occurred_at is not None
            ),
        ],
        [
            *(row["occurred_at"] for row in known if row["type"] == CONVERSATION_REOPENED),
            *(
                event.occurred_at
                for event in arrived
                if event.type == CONVERSATION_REOPENED and event.occurred_at is not None
            ),
        ],
    )


def _is_closing_or_reopening(event: Arrived) -> bool:
    return (
        event.type in {CONVERSATION_CLOSED, CONVERSATION_REOPENED}
        and event.conversation_id is not None
        and event.occurred_at is not None
    )


def _was_taken_for_repeat(row: asyncpg.Record) -> bool:
    return bool(row["status"] == "redelivered" and row["reason_code"] == SAME_CLOSING.code)


def _is_near(row: asyncpg.Record, arrived: Sequence[Arrived]) -> bool:
    """Whether what arrived can change what a repeat is; of one farther off, what it repeats may not have been read."""
    times = _times(arrived)
    return bool(min(times) - LOOK_AROUND <= row["occurred_at"] <= max(times) + LOOK_AROUND)


def _times(arrived: Sequence[Arrived]) -> list[datetime]:
    return [event.occurred_at for event in arrived if event.occurred_at is not None]
