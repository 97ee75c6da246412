"""Alerts handed to their channels: a few attempts each, and whoever dies with one in hand leaves it to the next."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from afterword.alerts.channels import Channel, NotDelivered, SendsMail, ToldAlert, channels_of
from afterword.alerts.deciding import Deciding
from afterword.alerts.recording import Alert
from afterword.settings import Settings
from afterword.store.database import Database

log = structlog.get_logger()

SCHEDULE = (60.0, 600.0, 3600.0)
"""Seconds before the second, third and fourth attempt; that is the last."""
TAKEN_FOR_SECONDS = 120.0
AT_ONCE = 10

TAKE = """
WITH taken AS (
    SELECT alert_id, channel FROM alert_delivery
    WHERE status = 'due' AND channel = ANY($1::text[]) AND CASE WHEN $4::bigint IS NULL THEN due_at <= now()
        ELSE alert_id = $4 END
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE alert_delivery AS delivery SET attempt = attempt + 1, due_at = now() + make_interval(secs => $3)
FROM taken JOIN alert ON alert.id = taken.alert_id
WHERE delivery.alert_id = taken.alert_id AND delivery.channel = taken.channel
RETURNING delivery.alert_id, delivery.channel, delivery.attempt, alert.key, alert.kind, alert.subject, alert.words,
          alert.count, alert.first_at, alert.last_at, alert.decided_at
"""

END = """
UPDATE alert_delivery SET status = $3, failure = $4, due_at = now() + make_interval(secs => $5)
WHERE alert_id = $1 AND channel = $2
"""


class AlertKeeper:
    """Tells alerts, for one process; any number of them share the work.

    Raises:
        ConfigurationError: a channel is set that cannot be.
    """

    def __init__(self, database: Database, settings: Settings, mail: SendsMail) -> None:
        self._database = database
        self._channels = {channel.name: channel for channel in channels_of(settings, mail)}
        self._deciding = Deciding(database, channels=list(self._channels), per_day=settings.alerts_per_day)

    @property
    def channels(self) -> Sequence[str]:
        """The names of the channels that are set."""
        return list(self._channels)

    async def keep(self) -> None:
        """Decide on what is due and deliver it; to be called every few seconds."""
        await self._deciding.decide()
        while await self._deliver_batch() == AT_ONCE:
            pass

    async def prune(self) -> None:
        """Forget what is old; to be called now and then."""
        await self._deciding.prune()

    async def send_now(self, alert: Alert) -> int:
        """Tell an alert now, past every limit, one attempt on each channel; answers its id."""
        alert_id = await self._deciding.tell_now(alert, taken_for=TAKEN_FOR_SECONDS)
        await self._deliver_batch(alert_id)
        return alert_id

    async def close(self) -> None:
        """Close what the channels hold open."""
        for channel in self._channels.values():
            await channel.close()

    async def _deliver_batch(self, alert_id: int | None = None) -> int:
        taken = await self._database.pool.fetch(
            TAKE, list(self._channels), AT_ONCE, TAKEN_FOR_SECONDS, alert_id
        )
        await asyncio.gather(*(self._deliver(row) for row in taken))
        return len(taken)

    async def _deliver(self, row: asyncpg.Record) -> None:
        alert = ToldAlert(**{field: row[field] for field in ToldAlert.__struct_fields__})
        channel: Channel = self._channels[row["channel"]]
        failure: str | None = "no attempt ended: whoever made it died"
        if row["attempt"] <= len(SCHEDULE) + 1:
            failure = await _attempt(channel, alert)
        is_test = alert.kind == "test"
        status, wait = _after(row["attempt"], failure, is_last=is_test)
        await self._database.pool.execute(END, row["alert_id"], channel.name, status, failure, wait)
        if failure is not None and not is_test:  # who tests is told by the command
            log.warning(
                "alert_not_delivered",
                alert=row["alert_id"],
                kind=alert.kind,
                channel=channel.name,
                cause=failure,
                given_up=status == "failed",
            )


async def _attempt(channel: Channel, alert: ToldAlert) -> str | None:
    """Send it once; answers why it was not taken, ``None`` when it was."""
    try:
        await channel.send(alert)
    except NotDelivered as error:
        return str(error)
    return None


def _after(attempt: int, failure: str | None, *, is_last: bool) -> tuple[str, float]:
    """The delivery's status after an attempt, and the seconds until the next."""
    if failure is None:
        return "sent", 0.0
    if is_last or attempt > len(SCHEDULE):
        return "failed", 0.0
    return "due", SCHEDULE[attempt - 1]
