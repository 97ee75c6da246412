"""Which alerts are told and which are held back: so many a day, then one that says so, and a summary the next day."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
import structlog

from afterword.alerts.recording import QUIET_SECONDS, Alert, Kind, Status
from afterword.store.database import Database, PlainConnection

log = structlog.get_logger()

LOCK = 0x616C65727473
MOST_AT_ONCE = 100
KEPT_DAYS = 90

TOLD_TODAY = """
SELECT count(*) FILTER (WHERE kind <> ALL($1::text[])) AS alerts,
       coalesce(bool_or(kind = 'more-held-back'), false) AS more_is_told
FROM alert
WHERE status = 'told' AND decided_at >= date_trunc('day', now(), 'UTC')
"""

DUE = """
SELECT id FROM alert
WHERE status = 'waiting' AND due_at <= now() AND NOT EXISTS (
    SELECT FROM alert AS earlier
    WHERE earlier.kind = alert.kind AND earlier.subject = alert.subject
      AND earlier.decided_at > now() - make_interval(secs => $2))
ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
"""

DECIDE = """
UPDATE alert SET status = $2, decided_at = now() WHERE id = ANY($1::bigint[]) RETURNING kind, subject, count
"""

HAND_OVER = """
INSERT INTO alert_delivery (alert_id, channel, due_at)
SELECT id, channel, now() + make_interval(secs => $3) FROM unnest($1::bigint[]) AS id, unnest($2::text[]) AS channel
"""

TELL_AT_ONCE = """
INSERT INTO alert (kind, subject, words, count, status, decided_at)
VALUES ($1, $2, $3, $4, 'told', now()) RETURNING id
"""

HELD_BACK_BEFORE_TODAY = """
SELECT date_trunc('day', decided_at, 'UTC') AS day, kind, count(*) AS alerts, sum(count)::bigint AS facts,
       array_agg(id) AS ids
FROM alert
WHERE status = 'held back' AND summary_id IS NULL AND decided_at < date_trunc('day', now(), 'UTC')
GROUP BY 1, 2 ORDER BY 1, 2
"""

SUMMED_UP = "UPDATE alert SET summary_id = $2 WHERE id = ANY($1::bigint[])"

PRUNE = """
DELETE FROM alert WHERE status <> 'waiting' AND decided_at < now() - make_interval(days => $1)
"""

NOT_COUNTED: tuple[Kind, ...] = ("more-held-back", "held-back", "test")

LABELS: dict[Kind, str] = {
    "run-failed": "failed runs",
    "account-down": "accounts down",
    "token-refused": "refused tokens",
    "account-back": "accounts back",
    "held-too-long": "runs held for too long",
    "invitations-held": "invitations held",
    "webhook-off": "webhooks that do not work",
    "webhook-back": "webhooks that work again",
}


class Deciding:
    """Decides for one process; one at a time does so, under a lock that ends with its transaction."""

    def __init__(self, database: Database, *, channels: Sequence[str], per_day: int) -> None:
        self._database = database
        self._channels = list(channels)
        self._per_day = per_day

    async def decide(self) -> None:
        """Decide on every alert that is due."""
        while await self._decide_batch() == MOST_AT_ONCE:
            pass

    async def prune(self) -> None:
        """Forget what is older than 90 days."""
        await self._database.pool.execute(PRUNE, KEPT_DAYS)

    async def tell_now(self, alert: Alert, *, taken_for: float) -> int:
        """Hand an alert over to the channels, past every limit, to be delivered by the caller; answers its id.

        Others leave it alone for ``taken_for`` seconds.
        """
        async with self._database.pool.acquire() as connection, connection.transaction():
            return await self._tell(connection, alert, taken_for=taken_for)

    async def _decide_batch(self) -> int:
        async with self._database.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return 0
            await self._sum_up(connection)
            due = [row["id"] for row in await connection.fetch(DUE, MOST_AT_ONCE, QUIET_SECONDS)]
            if not due:
                return 0
            (today,) = await connection.fetch(TOLD_TODAY, NOT_COUNTED)
            left = max(0, self._per_day - today["alerts"])
            told, held_back = due[:left], due[left:]
            await self._mark(connection, told, "told")
            await connection.execute(HAND_OVER, told, self._channels, 0.0)
            await self._mark(connection, held_back, "held back")
            if held_back and not today["more_is_told"]:
                await self._tell(connection, _more(self._per_day))
        return len(due)

    async def _mark(self, connection: PlainConnection, alert_ids: Sequence[int], status: Status) -> None:
        for row in await connection.fetch(DECIDE, alert_ids, status):
            log.warning("alert", status=status, kind=row["kind"], subject=row["subject"], count=row["count"])

    async def _tell(self, connection: PlainConnection, alert: Alert, *, taken_for: float = 0.0) -> int:
        alert_id: int = await connection.fetchval(
            TELL_AT_ONCE, alert.kind, alert.subject, alert.words, alert.count
        )
        await connection.execute(HAND_OVER, [alert_id], self._channels, taken_for)
        return alert_id

    async def _sum_up(self, connection: PlainConnection) -> None:
        rows = await connection.fetch(HELD_BACK_BEFORE_TODAY)
        for day in dict.fromkeys(row["day"] for row in rows):
            of_day = [row for row in rows if row["day"] == day]
            summary_id = await self._tell(connection, _summary(day, of_day))
            await connection.execute(SUMMED_UP, [id_ for row in of_day for id_ in row["ids"]], summary_id)


def _more(per_day: int) -> Alert:
    words = (
        f"{per_day} alerts were sent today, which is the limit: more are held back. They stand in the list "
        "(`afterword alerts list`), and a summary follows tomorrow (days are UTC)"
    )
    return Alert("more-held-back", "alerts", words)


def _summary(day: datetime, rows: Sequence[asyncpg.Record]) -> Alert:
    kinds = ", ".join(
        f"{LABELS.get(msgspec.convert(row['kind'], Kind), row['kind'])}: {row['alerts']}" for row in rows
    )
    alerts = sum(row["alerts"] for row in rows)
    words = f"Alerts that were held back on {day.day} {day:%B}: {alerts} ({kinds}). `afterword alerts list` has them"
    return Alert("held-back", "alerts", words, alerts)
