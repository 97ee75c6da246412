"""The inbox made into runs: each event is held against the active workflows, once.

One worker at a time does this (a lock that lasts as long as its transaction), in batches, and in one transaction a
batch: the runs, their jobs and the events' marks stand or fall together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec
import structlog

from afterword.events.closings import ONE_CLOSING_WITHIN, Closing, sort_out
from afterword.events.models import gladly_origin, json_event_origin, schedule_origin, survey_origin
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED, PING
from afterword.outcomes import Reason
from afterword.store.database import Database, PlainConnection
from afterword.store.queue import RunQueue
from afterword.workflows.definitions import ConversationClosed, Event, JsonEvent, Schedule, SurveyResponse
from afterword.workflows.workflows import ActiveWorkflow, active_workflows

log = structlog.get_logger()

INBOX_LOCK = 0x696E626F78
BATCH_SIZE = 500

NO_WORKFLOW = Reason("no-workflow", "no workflow that is on starts with it")
NOT_AN_EVENT_OF_OURS = Reason("not-a-starting-event", "no workflow can start with an event of this type")
REOPENED = Reason("reopening-noted", "noted, so that the next closing is one of its own")
PINGED = Reason("ping", "Gladly tried whether it can reach this address")
SAME_CLOSING = Reason("same-closing", "the same closing of this conversation was told before")

TAKE = """
SELECT id, origin, type, conversation_id, occurred_at FROM event WHERE status = 'received' ORDER BY id LIMIT $1
"""

HISTORY_OF_CONVERSATIONS = """
SELECT event.id, event.origin, event.type, event.conversation_id, event.occurred_at, event.status, event.reason_code
FROM event JOIN unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       AS asked (origin, conversation_id, since, until)
  ON event.origin = asked.origin AND event.conversation_id = asked.conversation_id
     AND event.occurred_at BETWEEN asked.since AND asked.until
WHERE event.status <> 'received' AND event.type = ANY($5::text[])
"""

START_RUNS = """
INSERT INTO run (workflow_id, revision, event_id)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (event_id, workflow_id) DO NOTHING
RETURNING id
"""

MARK = """
UPDATE event SET status = marked.status, reason_code = marked.code, reason_words = marked.words,
                 redelivery_of = marked.redelivery_of
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
       AS marked (id, status, code, words, redelivery_of)
WHERE event.id = marked.id
"""


class Verdict(msgspec.Struct, frozen=True):
    """What became of an event."""

    status: str
    reason: Reason | None = None
    redelivery_of: int | None = None


class Arrived(msgspec.Struct, frozen=True):
    """What matching needs to know of an event; its body is not read here."""

    id: int
    origin: str
    type: str
    conversation_id: str | None
    occurred_at: datetime | None


class Inbox:
    """Takes events out of the inbox and starts the runs that they ask for."""

    def __init__(self, database: Database, queue: RunQueue) -> None:
        self._database = database
        self._queue = queue

    async def drain(self) -> int:
        """Empty the inbox; answers how many runs were started. Does nothing when another worker is at it."""
        started = 0
        while True:
            taken, runs = await self._drain_batch()
            started += runs
            if taken < BATCH_SIZE:
                return started

    async def _drain_batch(self) -> tuple[int, int]:
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10s'")
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", INBOX_LOCK):
                return 0, 0
            events = [Arrived(**row) for row in await connection.fetch(TAKE, BATCH_SIZE)]
            if not events:
                return 0, 0
            workflows = by_origin(await active_workflows(connection))
            events, repeats = await _tell_closings_apart(connection, events)
            matches = [
                (workflow, event)
                for event in events
                if event.id not in repeats
                for workflow in workflows.get(event.origin, ())
                if starts(workflow, event)
            ]
            runs = await connection.fetch(
                START_RUNS,
                [workflow.id for workflow, _ in matches],
                [workflow.revision for workflow, _ in matches],
                [event.id for _, event in matches],
            )
            await self._queue.enqueue(connection, [row["id"] for row in runs])
            await _mark(connection, events, repeats, {event.id for _, event in matches})
        return len(events), len(runs)


def by_origin(workflows: Sequence[ActiveWorkflow]) -> Mapping[str, Sequence[ActiveWorkflow]]:
    """The workflows by the origin of the events that may start them."""
    sorted_: dict[str, list[ActiveWorkflow]] = {}
    for workflow in workflows:
        sorted_.setdefault(origin_of(workflow.id, workflow.definition.event), []).append(workflow)
    return sorted_


def origin_of(workflow_id: str, event: Event) -> str:
    """The origin of the events that a workflow starts with."""
    match event:
        case ConversationClosed(account=account):
            return gladly_origin(account)
        case JsonEvent(endpoint=endpoint):
            return json_event_origin(endpoint)
        case SurveyResponse(survey=survey, account=account):
            return survey_origin(survey, account)
        case Schedule():
            return schedule_origin(workflow_id)


def starts(workflow: ActiveWorkflow, event: Arrived) -> bool:
    """Tell whether an event of the workflow's origin is of the kind that starts it."""
    return not isinstance(workflow.definition.event, ConversationClosed) or event.type == CONVERSATION_CLOSED


async def _tell_closings_apart(
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
        [min(_times(arrived)) - ONE_CLOSING_WITHIN for arrived in conversations.values()],
        [max(_times(arrived)) + ONE_CLOSING_WITHIN for arrived in conversations.values()],
        [CONVERSATION_CLOSED, CONVERSATION_REOPENED],
    ):
        earlier.setdefault((row["origin"], row["conversation_id"]), []).append(row)
    revived: list[Arrived] = []
    repeats: dict[int, int] = {}
    for conversation, arrived in conversations.items():
        known = earlier.get(conversation, [])
        verdicts = _verdicts(known, arrived)
        repeats |= {event_id: original for event_id, original in verdicts.items() if original is not None}
        revived += [
            Arrived(row["id"], row["origin"], row["type"], row["conversation_id"], row["occurred_at"])
            for row in known
            if _was_taken_for_repeat(row) and verdicts[row["id"]] is None
        ]
    return [*events, *revived], repeats


def _verdicts(known: Sequence[asyncpg.Record], arrived: Sequence[Arrived]) -> dict[int, int | None]:
    return sort_out(
        [
            Closing(row["id"], row["occurred_at"])
            for row in known
            if row["type"] == CONVERSATION_CLOSED and row["status"] != "redelivered"
        ],
        [
            *(Closing(row["id"], row["occurred_at"]) for row in known if _was_taken_for_repeat(row)),
            *(
                Closing(event.id, event.occurred_at)
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


def _times(arrived: Sequence[Arrived]) -> list[datetime]:
    return [event.occurred_at for event in arrived if event.occurred_at is not None]


async def _mark(
    connection: PlainConnection, events: Sequence[Arrived], repeats: Mapping[int, int], matched: set[int]
) -> None:
    verdicts = [_verdict(event, repeats.get(event.id), event.id in matched) for event in events]
    await connection.execute(
        MARK,
        [event.id for event in events],
        [verdict.status for verdict in verdicts],
        [verdict.reason and verdict.reason.code for verdict in verdicts],
        [verdict.reason and verdict.reason.words for verdict in verdicts],
        [verdict.redelivery_of for verdict in verdicts],
    )


def _verdict(event: Arrived, repeats: int | None, matched: bool) -> Verdict:
    if repeats is not None:
        return Verdict("redelivered", SAME_CLOSING, repeats)
    if matched:
        return Verdict("matched")
    if not event.origin.startswith("gladly/") or event.type == CONVERSATION_CLOSED:
        return Verdict("ignored", NO_WORKFLOW)
    if event.type == CONVERSATION_REOPENED:
        return Verdict("ignored", REOPENED)
    return Verdict("ignored", PINGED if event.type == PING else NOT_AN_EVENT_OF_OURS)
