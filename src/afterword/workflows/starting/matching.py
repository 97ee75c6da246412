"""The inbox made into runs: each event is held against the active workflows, once.

One worker at a time does this (a lock that lasts as long as its transaction), in batches, and in one transaction a
batch: the runs, their jobs and the events' marks stand or fall together.
"""

from collections.abc import Sequence

import msgspec
import structlog

from afterword.events.models import response_kind
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED, PING
from afterword.outcomes import Reason
from afterword.store.database import Database, PlainConnection
from afterword.store.queue import RunQueue
from afterword.translating import N_, said
from afterword.workflows.definitions import ConversationClosed, Event, SurveyResponse
from afterword.workflows.starting.reopened import wake_reopened
from afterword.workflows.starting.repeated_closings import SAME_CLOSING, Arrived, tell_closings_apart
from afterword.workflows.starting.starters import Starter, Starters

log = structlog.get_logger()

INBOX_LOCK = 0x696E626F78
BATCH_SIZE = 500
LIVE, BEHIND_LIVE_EVENTS = 0, 1
"""Priorities of runs: what was found later goes behind what comes now."""

KIND_NOT_TICKED = "response-kind-not-ticked"
TOLD_LATER = frozenset({"partial", "imported", "preview", "test"})
"""Kinds of which a real Qualtrics' response may turn out to be when it is read, though its event does not say so."""
NO_WORKFLOW = Reason("no-workflow", N_("no workflow starts with it"))
WORKFLOW_WAS_OFF = Reason(
    "workflow-was-off", N_("the workflow is off; the event is kept and can be run later")
)
WORKFLOW_HAD_NO_TASK = Reason(
    "workflow-had-no-task", N_("the workflow has no task yet; the event is kept and can be run later")
)
NOT_AN_EVENT_OF_OURS = Reason("not-a-starting-event", N_("no workflow can start with an event of this type"))
REOPENED = Reason("reopening-noted", N_("noted, so that the next closing is one of its own"))
PINGED = Reason("ping", N_("Gladly tried whether it can reach this address"))

TAKE = """
SELECT id, origin, type, conversation_id, occurred_at, found_in, latest, backfill_id
FROM event WHERE status = 'received' ORDER BY id LIMIT $1
"""

START_RUNS = """
INSERT INTO run (workflow_id, revision, event_id, priority)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::smallint[])
ON CONFLICT (event_id, workflow_id) DO NOTHING
RETURNING id, priority
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


class Inbox:
    """Takes events out of the inbox and starts the runs that they ask for."""

    def __init__(self, database: Database, queue: RunQueue) -> None:
        self._database = database
        self._queue = queue
        self._starters = Starters()

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
            workflows = await self._starters.read(connection)
            await wake_reopened(connection, self._queue, events)
            events, repeats = await tell_closings_apart(connection, events)
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
                [LIVE if event.backfill_id is None else BEHIND_LIVE_EVENTS for _, event in matches],
            )
            for behind in (False, True):
                run_ids = [row["id"] for row in runs if (row["priority"] > LIVE) is behind]
                await self._queue.enqueue(connection, run_ids, behind=behind)
            matched = {event.id for _, event in matches}
            await _mark(
                connection,
                events,
                [
                    _verdict(
                        event, repeats.get(event.id), event.id in matched, workflows.get(event.origin, ())
                    )
                    for event in events
                ],
            )
        return len(events), len(runs)


def starts(workflow: Starter, event: Arrived) -> bool:
    """Tell whether an event of the workflow's origin starts it."""
    return workflow.is_on and workflow.has_tasks and is_of_its_kind(workflow.event, event.type)


def is_of_its_kind(wanted: Event, event_type: str) -> bool:
    """Tell whether an event of the right origin is of the type that the workflow starts with."""
    match wanted:
        case ConversationClosed():
            return event_type == CONVERSATION_CLOSED
        case SurveyResponse(kinds=kinds, account=account):
            kind = response_kind(event_type)
            return kind in kinds or (
                kind == "created" and account is not None and bool(TOLD_LATER & {*kinds})
            )
        case _:
            return True


async def _mark(connection: PlainConnection, events: Sequence[Arrived], verdicts: Sequence[Verdict]) -> None:
    await connection.execute(
        MARK,
        [event.id for event in events],
        [verdict.status for verdict in verdicts],
        [verdict.reason and verdict.reason.code for verdict in verdicts],
        [verdict.reason and verdict.reason.words for verdict in verdicts],
        [verdict.redelivery_of for verdict in verdicts],
    )


def _verdict(event: Arrived, repeats: int | None, matched: bool, workflows: Sequence[Starter]) -> Verdict:
    if repeats is not None:
        return Verdict("redelivered", SAME_CLOSING, repeats)
    return (
        Verdict("matched")
        if matched
        else Verdict("ignored", why_ignored(event.origin, event.type, workflows))
    )


def why_ignored(origin: str, event_type: str, workflows: Sequence[Starter]) -> Reason:
    """Why an event starts nothing, of whose origin these workflows are."""
    if origin.startswith("gladly/") and event_type != CONVERSATION_CLOSED:
        if event_type == CONVERSATION_REOPENED:
            return REOPENED
        return PINGED if event_type == PING else NOT_AN_EVENT_OF_OURS
    if not workflows:
        return NO_WORKFLOW
    wanted = [workflow for workflow in workflows if is_of_its_kind(workflow.event, event_type)]
    if not wanted:
        return kind_not_ticked(response_kind(event_type))
    return WORKFLOW_WAS_OFF if any(workflow.has_tasks for workflow in wanted) else WORKFLOW_HAD_NO_TASK


def kind_not_ticked(kind: str) -> Reason:
    """Why a Response starts nothing whose box is not ticked in any workflow."""
    words = said(
        "the response was %(kind)s, and the box “%(kind)s” is not ticked in a workflow "
        "that starts with this survey",
        kind=kind,
    )
    return Reason(KIND_NOT_TICKED, words, {"kind": kind})
