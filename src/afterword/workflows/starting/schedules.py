"""Schedules in the database: each due moment is made one event, whichever worker comes first."""

import uuid
from datetime import UTC, datetime

import asyncpg
import msgspec
import structlog
from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import SCHEDULE, schedule_origin
from afterword.events.recording import INBOX_CHANNEL
from afterword.outcomes import Reason
from afterword.store import tables
from afterword.store.database import Database, PlainConnection
from afterword.translating import said
from afterword.workflows.cron import MOST_COUNTED, Due, due, next_moment
from afterword.workflows.definitions import Definition, Schedule

log = structlog.get_logger()

MOST_AT_ONCE = 100

TAKE_DUE = """
SELECT workflow_id, cron, time_zone, next_at, now() AS now FROM schedule
WHERE next_at <= now() ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""

RECORD = """
INSERT INTO event (origin, type, deduplication_key, occurred_at, body, status, reason_code, reason_words)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (origin, deduplication_key) DO NOTHING
"""

MOVE_ON = "UPDATE schedule SET next_at = $2 WHERE workflow_id = $1"
STOP = "DELETE FROM schedule WHERE workflow_id = $1"


class ScheduleTold(msgspec.Struct, frozen=True, rename="camel"):
    """The body of the event that a due moment makes; moments are ISO 8601 in UTC.

    ``missed`` is how many moments before it passed while nothing ran, as a text, for piped text.
    """

    scheduled_for: str
    workflow_id: str
    missed: str = "0"


async def keep_schedule(
    connection: AsyncConnection, workflow_id: str, definition: Definition, *, is_on: bool
) -> None:
    """Note when a workflow is due next, or that it is not: called with whatever changes it, in its transaction.

    One that was on with the same schedule keeps its next moment; moments that pass while it is off are not made up for.

    Raises:
        ValueError: the schedule cannot be read.
    """
    table, event = tables.schedule, definition.event
    if not (is_on and isinstance(event, Schedule)):
        await connection.execute(delete(table).where(table.c.workflow_id == workflow_id))
        return
    now = (await connection.execute(select(func.now()))).scalar_one()
    new = insert(table).values(
        workflow_id=workflow_id, cron=event.cron, time_zone=event.time_zone, next_at=next_moment(event, now)
    )
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=[table.c.workflow_id],
            set_={name: new.excluded[name] for name in ("cron", "time_zone", "next_at")},
            where=or_(table.c.cron != new.excluded.cron, table.c.time_zone != new.excluded.time_zone),
        )
    )


async def make_event_now(connection: AsyncConnection, workflow_id: str) -> int:
    """Make an event of this moment for a workflow that starts on a schedule, beside those that are due; answers its id.

    It starts nothing by itself: whoever makes it has it run (``feeding.py``).
    """
    now = (await connection.execute(select(func.now()))).scalar_one()
    made = insert(tables.event).values(
        origin=schedule_origin(workflow_id),
        type=SCHEDULE,
        deduplication_key=f"now/{uuid.uuid4()}".encode(),
        occurred_at=now,
        body=_body(workflow_id, now),
        status="matched",
    )
    return int((await connection.execute(made.returning(tables.event.c.id))).scalar_one())


async def event_of_now(connection: AsyncConnection, workflow_id: str) -> str:
    """The body of the event that :func:`make_event_now` would make, for a rehearsal."""
    return _body(workflow_id, (await connection.execute(select(func.now()))).scalar_one())


def _body(workflow_id: str, moment: datetime) -> str:
    return msgspec.json.encode(ScheduleTold(moment.astimezone(UTC).isoformat(), workflow_id)).decode()


class SchedulesKeeper:
    """Makes events of the moments that are due; every worker may have one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tick(self) -> int:
        """Make an event of every moment that is due; answers how many."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(TAKE_DUE, MOST_AT_ONCE)
            for row in rows:
                await _make_event(connection, row)
        if rows:
            await self._database.pool.execute("SELECT pg_notify($1, '')", INBOX_CHANNEL)
        return len(rows)


async def _make_event(connection: PlainConnection, row: asyncpg.Record) -> None:
    workflow_id = row["workflow_id"]
    try:
        found = due(Schedule(row["cron"], row["time_zone"]), row["next_at"], row["now"])
    except ValueError:  # a time zone may be gone from a newer list of them
        log.exception("schedule_unreadable", workflow=workflow_id, cron=row["cron"], zone=row["time_zone"])
        await connection.execute(STOP, workflow_id)
        return
    if found is None:
        return
    if found.missed:
        log.warning("schedule_moments_missed", workflow=workflow_id, missed=found.missed)
        await _record(connection, workflow_id, found.first_missed, missed_reason(found))
    await _record(connection, workflow_id, found.latest, None, found.missed)
    await connection.execute(MOVE_ON, workflow_id, found.following)


async def _record(
    connection: PlainConnection, workflow_id: str, moment: datetime, ignored: Reason | None, missed: int = 0
) -> None:
    told = ScheduleTold(moment.isoformat(), workflow_id, str(missed))
    await connection.execute(
        RECORD,
        schedule_origin(workflow_id),
        SCHEDULE,
        moment.isoformat().encode(),
        moment,
        msgspec.json.encode(told).decode(),
        "received" if ignored is None else "ignored",
        ignored and ignored.code,
        ignored and ignored.words,
    )


def missed_reason(found: Due) -> Reason:
    """Why moments that passed while nothing ran start nothing; one event tells of them all."""
    count = "one moment" if found.missed == 1 else f"{found.missed} moments"
    if found.missed == MOST_COUNTED:
        count = f"more than {MOST_COUNTED} moments"
    since = found.first_missed.isoformat(timespec="minutes")
    words = said(
        "%(count)s passed from %(since)s on while no worker ran; only the latest is made up for",
        count=count,
        since=since,
    )
    return Reason("schedule-missed", words, {"missed": str(found.missed), "since": since})
