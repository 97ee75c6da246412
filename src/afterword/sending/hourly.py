"""How many invitations a workflow has sent in an hour of the clock, and how many it may.

Each hour of a workflow has a row with its count; a permit remembers that a task of a run was counted, so that whoever
is tried again is counted once. One statement takes the next place of an hour, however many workers ask at once.

*Usual* is found when the first invitation of an hour is sent: of the workflow's last four weeks, the median of this
hour of the week, or the median of all hours with invitations, whichever is more. A workflow that had invitations in
fewer than 24 hours has no usual yet.
"""

import math
from datetime import timedelta

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
WITH counted AS (
    SELECT FROM sending_permit WHERE run_key = $2 AND task_id IN ($3, '')
), taken AS (
    UPDATE sending_hour SET sent = sent + 1
    WHERE workflow_id = $1 AND hour = date_trunc('hour', now(), 'UTC') AND NOT EXISTS (SELECT FROM counted)
      AND (is_let_go OR coalesce(sent < least(
          $4::bigint, CASE WHEN $5::float8 > 0 AND usual IS NOT NULL THEN greatest($6, ceil($5 * usual)) END), true))
    RETURNING sent
), permitted AS (
    INSERT INTO sending_permit (run_key, task_id) SELECT $2, $3 FROM taken ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM counted) OR EXISTS (SELECT FROM taken) AS is_granted, hour.sent, hour.usual
FROM (SELECT) AS one LEFT JOIN sending_hour AS hour
    ON hour.workflow_id = $1 AND hour.hour = date_trunc('hour', now(), 'UTC')
"""

BEGIN_HOUR = """
WITH this AS (
    SELECT date_trunc('hour', now(), 'UTC') AS hour
), lately AS (
    SELECT sending_hour.hour, sent FROM sending_hour, this
    WHERE workflow_id = $1
      AND sending_hour.hour BETWEEN this.hour - interval '28 days' AND this.hour - interval '1 hour'
), busy AS (
    SELECT count(*) AS hours, min(hour) AS first, percentile_cont(0.5) WITHIN GROUP (ORDER BY sent) AS usual
    FROM lately WHERE sent > 0
), of_the_week AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(lately.sent, 0)) AS usual
    FROM this CROSS JOIN busy CROSS JOIN generate_series(1, 4) AS week
    LEFT JOIN lately ON lately.hour = this.hour - week * interval '7 days'
    WHERE this.hour - week * interval '7 days' >= busy.first
)
INSERT INTO sending_hour (workflow_id, hour, sent, usual)
SELECT $1, this.hour, 0, CASE WHEN busy.hours >= $2 THEN greatest(busy.usual, of_the_week.usual) END
FROM this, busy, of_the_week
ON CONFLICT (workflow_id, hour) DO NOTHING
"""

HOLD = """
INSERT INTO sending_hold (workflow_id, most, usual) SELECT id, $2, $3 FROM workflow WHERE id = $1
ON CONFLICT (workflow_id) DO NOTHING
RETURNING (SELECT name FROM workflow WHERE id = $1) AS workflow
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


class Limits(msgspec.Struct, frozen=True):
    """How many invitations an hour a workflow may send: a fixed number, and so many times the usual; ``None`` and 0
    for no such limit.
    """

    most: int | None
    times_usual: float

    def of(self, usual: float | None) -> int | None:
        """The limit of an hour with this usual count."""
        limits = [] if self.most is None else [self.most]
        if usual is not None and self.times_usual > 0:
            limits.append(max(LEAST_UNUSUAL, math.ceil(self.times_usual * usual)))
        return min(limits, default=None)


async def take_place(
    database: Database, *, workflow_id: str, run_key: str, task_id: str, limits: Limits
) -> None:
    """Count an invitation in this hour; one that was counted before, or was let go, passes.

    Raises:
        Retry: the hour has as many as it may; the run is to be held, and somebody is told.
    """
    asked = (workflow_id, run_key, task_id, limits.most, limits.times_usual, LEAST_UNUSUAL)
    row = await database.pool.fetchrow(TAKE, *asked)
    if row is not None and not row["is_granted"] and row["sent"] is None:
        await database.pool.execute(BEGIN_HOUR, workflow_id, HOURS_UNTIL_USUAL)
        row = await database.pool.fetchrow(TAKE, *asked)
    if row is None or row["is_granted"]:
        return
    usual: float | None = row["usual"]
    most = limits.of(usual) or 0
    is_surge = most != limits.most
    await _hold(database, workflow_id, most, usual if is_surge else None)
    words = (
        said(
            "its workflow has sent as many invitations as it may in an hour, %(most)s, %(times)s times as many as "
            "usual; what is beyond is held until somebody lets it go or cancels it",
            most=most,
            times=f"{limits.times_usual:g}",
        )
        if is_surge
        else said(
            "its workflow has sent as many invitations as it may in an hour, %(most)s; what is beyond is held until "
            "somebody lets it go or cancels it",
            most=most,
        )
    )
    reason = Reason("invitations-held", words, {"most": str(most)})
    raise Retry(reason, tried=False, waiting_for=held_for(workflow_id))


def held_for(workflow_id: str) -> str:
    """What a run waits for whose invitation was one too many."""
    return f"sending/{workflow_id}"


async def _hold(database: Database, workflow_id: str, most: int, usual: float | None) -> None:
    """Put down that a workflow's invitations are held, and have somebody told, once."""
    async with database.pool.acquire() as connection, connection.transaction():
        name = await connection.fetchval(HOLD, workflow_id, most, usual)
        if name is None:
            return
        why = "" if usual is None else f", far more than the usual {usual:g}"
        words = (
            f"The workflow {name!r} has sent {most} invitations within an hour{why}: what is beyond is held. Let them "
            "go, or cancel them, on the page Sending or by `afterword sending`"
        )
        await record_alert(connection, Alert("invitations-held", held_for(workflow_id), words))


async def let_hour_go(connection: AsyncConnection, workflow_id: str) -> None:
    """Hold nothing of this workflow for the rest of the hour, and count no more what is held by now."""
    await connection.execute(text(LET_HOUR_GO), {"workflow_id": workflow_id})
    await connection.execute(text(PERMIT), {"held_for": held_for(workflow_id)})


async def forget_old_counts(database: Database) -> None:
    """Forget counts and permits that nothing asks for any more; to be called now and then."""
    await database.pool.execute(PRUNE_COUNTS, COUNTS_KEPT)
    await database.pool.execute(PRUNE_PERMITS, PERMITS_KEPT)
