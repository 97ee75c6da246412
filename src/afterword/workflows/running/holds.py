"""Held runs: what waits for something to change, and is let go when it has.

The engine holds a run by the name of what stands in its way: ``account/GA_…`` for a connected account that is down or
whose token is refused, ``account/GA_…/CALL`` for one call that it does not permit, ``workflow/OC_…`` for a workflow
that is off, ``sending`` while all sending is paused, ``sending/OC_…`` for invitations that are more than a workflow may
send (``held_back.py``). Nobody polls a held run. The keeper looks again and again at what stands in the way of whom, so
that a run that is held at the very moment at which its way is clear is let go a moment later.
"""

import time
from collections import Counter
from collections.abc import Callable

import asyncpg
import structlog

from afterword.accounts.availability import Availability
from afterword.alerts.recording import Alert, record_alerts
from afterword.outcomes import Reason
from afterword.store.database import Database
from afterword.translating import N_
from afterword.workflows.running.problems import NO_TASK, Failure, record_failures

log = structlog.get_logger()

BATCH = 1000
MOST_BATCHES = 5
"""Of one thing that runs waited for, in one look: the others are not to wait for it."""
PROBE_PATIENCE_SECONDS = 15.0
"""A run that was let go to probe and does not (it may be held by something else then) is followed by another."""
SELDOM_SECONDS = 60.0

HELD_TOO_LONG = Reason(
    "held-too-long",
    N_("what it waited for did not change in the time that is set for that; replay it when it has"),
)

LOOK = """
WITH RECURSIVE held AS (
    (SELECT waiting_for FROM run WHERE waiting_for IS NOT NULL ORDER BY waiting_for LIMIT 1)
    UNION ALL
    SELECT (SELECT run.waiting_for FROM run WHERE run.waiting_for > held.waiting_for ORDER BY run.waiting_for LIMIT 1)
    FROM held WHERE held.waiting_for IS NOT NULL
), in_the_way AS (
    SELECT 'account/' || account_id || CASE WHEN call = '' THEN '' ELSE '/' || call END AS name,
           next_probe_at <= clock_timestamp() AND (run_let_go_at IS NULL
               OR run_let_go_at < clock_timestamp() - make_interval(secs => $1)) AS probe_is_due
    FROM account_availability WHERE state IN ('open', 'refused')
    UNION ALL
    SELECT 'workflow/' || id, false FROM workflow WHERE NOT is_on AND deleted_at IS NULL
    UNION ALL
    SELECT 'sending', false FROM sending_pause
    UNION ALL
    SELECT 'sending/' || workflow_id, false FROM sending_hold
)
SELECT held.waiting_for AS name, in_the_way.name IS NULL AS is_free
FROM held LEFT JOIN in_the_way ON in_the_way.name = held.waiting_for
WHERE held.waiting_for ~ '^(account/|workflow/|sending/|sending$)'
    AND (in_the_way.name IS NULL OR in_the_way.probe_is_due)
"""

LET_GO = """
UPDATE run SET waiting_for = NULL, due_at = now()
FROM (
    SELECT id FROM run WHERE waiting_for = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
) AS chosen
WHERE run.id = chosen.id
"""

MAY_PROBE = """
UPDATE account_availability SET run_let_go_at = clock_timestamp()
WHERE account_id = $1 AND call = $2 AND state IN ('open', 'refused') AND next_probe_at <= clock_timestamp()
  AND (run_let_go_at IS NULL OR run_let_go_at < clock_timestamp() - make_interval(secs => $3))
RETURNING account_id
"""

LET_ONE_GO = """
UPDATE run SET waiting_for = NULL, due_at = now()
FROM (
    SELECT id FROM run WHERE waiting_for = $1 AND id >= (
        SELECT min(id) + floor(random() * (max(id) - min(id) + 1))::bigint FROM run WHERE waiting_for = $1)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) AS chosen
WHERE run.id = chosen.id
RETURNING run.id
"""

LET_GO_OF_DELETED = """
UPDATE run SET waiting_for = NULL, due_at = now()
FROM (
    SELECT run.id FROM run LEFT JOIN workflow ON workflow.id = run.workflow_id
    WHERE run.waiting_for IS NOT NULL AND (workflow.id IS NULL OR workflow.deleted_at IS NOT NULL)
    ORDER BY run.id LIMIT $1 FOR UPDATE OF run SKIP LOCKED
) AS chosen
WHERE run.id = chosen.id
"""

FORGET_HOLDS_OF_NOTHING = """
DELETE FROM sending_hold WHERE since < now() - interval '1 minute'
    AND NOT EXISTS (SELECT FROM run WHERE run.waiting_for = 'sending/' || sending_hold.workflow_id)
"""

END = """
WITH chosen AS (
    SELECT run.id, run.version, run.waiting_for, run.held_since,
           definition #>> ARRAY['tasks', run.position::text, 'id'] AS task_id
    FROM run LEFT JOIN workflow_revision AS revision
        ON revision.workflow_id = run.workflow_id AND revision.number = run.revision
    WHERE run.waiting_for IS NOT NULL AND run.held_since < now() - make_interval(secs => $1)
    ORDER BY run.id LIMIT $2 FOR UPDATE OF run SKIP LOCKED
)
UPDATE run SET status = 'failed', version = run.version + 1, waiting_for = NULL, held_since = NULL, due_at = NULL,
    in_flight = false, finished_at = now(), reason_code = $3, reason_words = $4,
    reason_values = jsonb_build_object('waiting_for', chosen.waiting_for),
    ends = run.ends || CASE WHEN chosen.task_id IS NULL THEN '{}' ELSE jsonb_build_object(
        chosen.task_id, jsonb_build_object('status', 'failed', 'code', $3::text, 'words', $4::text)) END
FROM chosen WHERE run.id = chosen.id AND run.version = chosen.version
RETURNING run.id, run.workflow_id, chosen.task_id, chosen.waiting_for
"""


class Holds:
    """Lets held runs go, and ends those that were held for too long; any number of workers do so at once."""

    def __init__(
        self,
        database: Database,
        availability: Availability,
        *,
        longest_days: float,
        down_alert_minutes: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = database.pool
        self._availability = availability
        self._longest_seconds = 86_400 * longest_days
        self._down_alert_seconds = 60 * down_alert_minutes
        self._monotonic = monotonic
        self._looked_seldom_at: float | None = None

    async def keep(self) -> None:
        """Look once at what stands in the way of whom; to be called every second or two."""
        await self._availability.keep(down_alert_seconds=self._down_alert_seconds)
        for row in await self._pool.fetch(LOOK, PROBE_PATIENCE_SECONDS):
            if row["is_free"]:
                await self._let_go(row["name"])
            else:
                await self._let_one_probe(row["name"])
        now = self._monotonic()
        if self._looked_seldom_at is None or now - self._looked_seldom_at >= SELDOM_SECONDS:
            self._looked_seldom_at = now
            await self._let_go_of_deleted()
            await self._end_what_was_held_too_long()
            await self._pool.execute(FORGET_HOLDS_OF_NOTHING)

    async def _let_go(self, name: str) -> None:
        """Let go all that waits for this, some thousands in one look."""
        let_go = 0
        for _ in range(MOST_BATCHES):
            batch = _count(await self._pool.execute(LET_GO, name, BATCH))
            let_go += batch
            if batch < BATCH:
                break
        if let_go:
            log.info("runs_let_go", waited_for=name, runs=let_go)

    async def _let_one_probe(self, name: str) -> None:
        """Let one run go, which finds out whether it goes again: any of them, as some may not come to call at all."""
        _, account_id, *call = name.split("/", 2)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchrow(MAY_PROBE, account_id, "".join(call), PROBE_PATIENCE_SECONDS):
                run_id = await connection.fetchval(LET_ONE_GO, name)
                log.info("run_let_go_to_probe", waited_for=name, run_id=run_id)

    async def _let_go_of_deleted(self) -> None:
        """Runs of deleted workflows wait for nothing: the engine cancels them when they are due."""
        while _count(await self._pool.execute(LET_GO_OF_DELETED, BATCH)) == BATCH:
            pass

    async def _end_what_was_held_too_long(self) -> None:
        while await self._end_batch() == BATCH:
            pass

    async def _end_batch(self) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                END, self._longest_seconds, BATCH, HELD_TOO_LONG.code, HELD_TOO_LONG.words
            )
            await record_failures(connection, [_failure(row) for row in rows], alert=False)
            waited_for = Counter(row["waiting_for"] for row in rows)
            await record_alerts(connection, [_alert(name, runs) for name, runs in waited_for.items()])
        for name, runs in waited_for.items():
            log.warning("runs_held_too_long", waited_for=name, runs=runs)
        return len(rows)


def _count(status: str) -> int:
    """How many rows a statement changed, by what the server says of it: ``UPDATE 12``."""
    return int(status.rpartition(" ")[2])


def _failure(row: asyncpg.Record) -> Failure:
    return Failure(row["id"], row["workflow_id"], row["task_id"] or NO_TASK, HELD_TOO_LONG)


def _alert(name: str, runs: int) -> Alert:
    words = (
        f"Runs were held for too long and failed: they waited for {name}. Replay them when that has changed"
    )
    return Alert("held-too-long", name, words, runs)
