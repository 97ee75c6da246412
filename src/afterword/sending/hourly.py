"""How many invitations a workflow has sent in an hour of the clock, and how many it may.

Each hour of a workflow has a row with its count; a permit remembers that a task of a run was counted, so that whoever
is tried again is counted once. One statement takes the next place of an hour, however many workers ask at once.

*Usual* is found when the first invitation of an hour is sent: of the workflow's last four weeks, the median of this
hour of the week, or the median of all hours with invitations, whichever is more. A workflow that had invitations in
fewer than 24 hours has no usual yet.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.alerts.recording import Alert, record_alert
from afterword.outcomes import Reason, Retry
from afterword.store.database import Database
from afterword.translating import said

LEAST_UNUSUAL = 100
"""Up to so many invitations in an hour are never unusual."""
HOURS_UNTIL_USUAL = 24
COUNTS_KEPT = timedelta(days=35)
PERMITS_KEPT = timedelta(days=30)

TAKE = """
WITH asked AS MATERIALIZED (
    SELECT asked.*, EXISTS (
        SELECT FROM sending_permit AS permit
        WHERE permit.run_key = asked.run_key AND permit.task_id IN (asked.task_id, '')
    ) AS is_counted
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY
           AS asked (workflow_id, run_key, task_id, most, number)
), hour AS MATERIALIZED (
    SELECT workflow_id, sent, usual, is_let_go FROM sending_hour
    WHERE workflow_id = ANY($1::text[]) AND hour = date_trunc('hour', now(), 'UTC')
    ORDER BY workflow_id FOR UPDATE
), taken AS MATERIALIZED (
    SELECT fresh.* FROM (
        SELECT asked.*, row_number() OVER (PARTITION BY workflow_id ORDER BY number) AS place FROM asked
        WHERE NOT is_counted
    ) AS fresh JOIN hour USING (workflow_id)
    WHERE hour.is_let_go OR coalesce(hour.sent + fresh.place <= least(
        fresh.most, CASE WHEN $5::float8 > 0 AND usual IS NOT NULL THEN greatest($6, ceil($5 * usual)) END), true)
), counted AS (
    UPDATE sending_hour SET sent = sending_hour.sent + added.places
    FROM (SELECT workflow_id, count(*) AS places FROM taken GROUP BY workflow_id) AS added
    WHERE sending_hour.workflow_id = added.workflow_id AND sending_hour.hour = date_trunc('hour', now(), 'UTC')
), permitted AS (
    INSERT INTO sending_permit (run_key, task_id) SELECT run_key, task_id FROM taken ON CONFLICT DO NOTHING
)
SELECT asked.is_counted OR taken.number IS NOT NULL AS is_granted,
       hour.workflow_id IS NULL AND NOT asked.is_counted AS begins_hour, hour.usual
FROM asked LEFT JOIN taken USING (number) LEFT JOIN hour ON hour.workflow_id = asked.workflow_id
ORDER BY asked.number
"""
"""The hours' rows are locked in one order, lest two who take places of several wait for each other."""

BEGIN_HOURS = """
WITH this AS (
    SELECT workflow_id, date_trunc('hour', now(), 'UTC') AS hour FROM unnest($1::text[]) AS workflow_id
), lately AS (
    SELECT workflow_id, sending_hour.hour, sent FROM sending_hour JOIN this USING (workflow_id)
    WHERE sending_hour.hour BETWEEN this.hour - interval '28 days' AND this.hour - interval '1 hour'
), busy AS (
    SELECT workflow_id, count(*) AS hours, min(hour) AS first,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY sent) AS usual
    FROM lately WHERE sent > 0 GROUP BY workflow_id
), of_the_week AS (
    SELECT this.workflow_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(lately.sent, 0)) AS usual
    FROM this JOIN busy USING (workflow_id) CROSS JOIN generate_series(1, 4) AS week
    LEFT JOIN lately
        ON lately.workflow_id = this.workflow_id AND lately.hour = this.hour - week * interval '7 days'
    WHERE this.hour - week * interval '7 days' >= busy.first
    GROUP BY this.workflow_id
)
INSERT INTO sending_hour (workflow_id, hour, sent, usual)
SELECT workflow_id, this.hour, 0, CASE WHEN busy.hours >= $2 THEN greatest(busy.usual, of_the_week.usual) END
FROM this LEFT JOIN busy USING (workflow_id) LEFT JOIN of_the_week USING (workflow_id)
ORDER BY workflow_id
ON CONFLICT (workflow_id, hour) DO NOTHING
"""

HOLD = """
INSERT INTO sending_hold AS hold (workflow_id, most, usual)
SELECT workflow.id, over.most, over.usual
FROM unnest($1::text[], $2::bigint[], $3::float8[]) AS over (workflow_id, most, usual)
JOIN workflow ON workflow.id = over.workflow_id
ON CONFLICT (workflow_id) DO NOTHING
RETURNING workflow_id, most, usual, (SELECT name FROM workflow WHERE id = hold.workflow_id) AS workflow
"""

LET_HOUR_GO = """
UPDATE sending_hour SET is_let_go = true WHERE workflow_id = :workflow_id AND hour = date_trunc('hour', now(), 'UTC')
"""

PERMIT = """
INSERT INTO sending_permit (run_key, task_id)
SELECT CAST(run.key AS text), '' FROM run WHERE run.waiting_for = :held_for
ON CONFLICT DO NOTHING
"""

PRUNE_COUNTS = "DELETE FROM sending_hour WHERE hour < now() - $1::interval"
PRUNE_PERMITS = "DELETE FROM sending_permit WHERE granted_at < now() - $1::interval"


class Place(msgspec.Struct, frozen=True):
    """A place among an hour's invitations that a task of a run asks for; ``most`` is the fixed number of an hour,
    ``None`` for no such limit.
    """

    workflow_id: str
    run_key: str
    task_id: str
    most: int | None


class Over(msgspec.Struct, frozen=True):
    """The hour has as many as it may: ``most``, which are so many times its ``usual``, where that is the measure."""

    most: int
    usual: float | None

    @classmethod
    def of(cls, most: int | None, usual: float | None, times_usual: float) -> Self:
        """The limit that is reached first."""
        limits = [] if most is None else [most]
        if usual is not None and times_usual > 0:
            limits.append(max(LEAST_UNUSUAL, math.ceil(times_usual * usual)))
        reached = min(limits, default=0)
        return cls(reached, None if reached == most else usual)


async def take_places(database: Database, places: Sequence[Place], times_usual: float) -> list[Retry | None]:
    """Count invitations in this hour, in the order given; those that were counted before, or were let go, pass.

    An hour may have ``times_usual`` as many as usual, 0 for no such limit. Answers what holds each: a Retry, of which
    somebody is told, where the hour has as many as it may.
    """
    rows = await _take(database, places, times_usual)
    new = {place.workflow_id for place, row in zip(places, rows, strict=True) if row["begins_hour"]}
    if new:
        await database.pool.execute(BEGIN_HOURS, sorted(new), HOURS_UNTIL_USUAL)
        rows = await _take(database, places, times_usual)
    held = {
        place: Over.of(place.most, row["usual"], times_usual)
        for place, row in zip(places, rows, strict=True)
        if not row["is_granted"]
    }
    if held:
        await _hold(database, {place.workflow_id: over for place, over in held.items()})
    return [
        _retry(place.workflow_id, held[place], times_usual) if place in held else None for place in places
    ]


async def _take(database: Database, places: Sequence[Place], times_usual: float) -> list[asyncpg.Record]:
    return await database.pool.fetch(
        TAKE,
        [place.workflow_id for place in places],
        [place.run_key for place in places],
        [place.task_id for place in places],
        [place.most for place in places],
        times_usual,
        LEAST_UNUSUAL,
    )


def _retry(workflow_id: str, over: Over, times_usual: float) -> Retry:
    words = (
        said(
            "its workflow has sent as many invitations as it may in an hour, %(most)s; what is beyond is held until "
            "somebody lets it go or cancels it",
            most=over.most,
        )
        if over.usual is None
        else said(
            "its workflow has sent as many invitations as it may in an hour, %(most)s, %(times)s times as many as "
            "usual; what is beyond is held until somebody lets it go or cancels it",
            most=over.most,
            times=f"{times_usual:g}",
        )
    )
    reason = Reason("invitations-held", words, {"most": str(over.most)})
    return Retry(reason, tried=False, waiting_for=held_for(workflow_id))


def held_for(workflow_id: str) -> str:
    """What a run waits for whose invitation was one too many."""
    return f"sending/{workflow_id}"


async def _hold(database: Database, over: Mapping[str, Over]) -> None:
    """Put down that workflows' invitations are held, and have somebody told of each, once."""
    async with database.pool.acquire() as connection, connection.transaction():
        held = await connection.fetch(
            HOLD, list(over), [one.most for one in over.values()], [one.usual for one in over.values()]
        )
        for row in held:
            usual = "" if row["usual"] is None else f", far more than the usual {row['usual']:g}"
            words = (
                f"The workflow {row['workflow']!r} has sent {row['most']} invitations within an hour{usual}: what is "
                "beyond is held. Let them go, or cancel them, on the page Sending or by `afterword sending`"
            )
            await record_alert(connection, Alert("invitations-held", held_for(row["workflow_id"]), words))


async def let_hour_go(connection: AsyncConnection, workflow_id: str) -> None:
    """Hold nothing of this workflow for the rest of the hour, and count no more what is held by now."""
    await connection.execute(text(LET_HOUR_GO), {"workflow_id": workflow_id})
    await connection.execute(text(PERMIT), {"held_for": held_for(workflow_id)})


async def forget_old_counts(database: Database) -> None:
    """Forget counts and permits that nothing asks for any more; to be called now and then."""
    await database.pool.execute(PRUNE_COUNTS, COUNTS_KEPT)
    await database.pool.execute(PRUNE_PERMITS, PERMITS_KEPT)
