"""Alerts put down, in the transaction that makes the fact; and those that were, for people to read.

What is put down about one subject before it was told becomes one alert with a count; after it was told, the next of
that kind about it is told an hour later at the earliest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from afterword.outgoing.masking import masked
from afterword.store.database import PlainConnection

Kind = Literal[
    "run-failed",
    "account-down",
    "token-refused",
    "account-back",
    "held-too-long",
    "invitations-held",
    "webhook-off",
    "webhook-back",
    "more-held-back",
    "held-back",
    "test",
]
Status = Literal["waiting", "told", "held back"]

QUIET_SECONDS = 3600.0
"""About one subject an alert of a kind is told at most once in so long."""

RECORD = """
INSERT INTO alert (kind, subject, words, count, due_at)
SELECT kind, subject, words, count, greatest(now(), (
    SELECT max(decided_at) FROM alert
    WHERE alert.kind = asked.kind AND alert.subject = asked.subject) + make_interval(secs => $5))
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS asked (kind, subject, words, count)
ON CONFLICT (kind, subject) WHERE status = 'waiting' DO UPDATE
SET count = alert.count + excluded.count, words = excluded.words, last_at = now()
"""

WITHDRAW = "DELETE FROM alert WHERE kind = $1 AND subject = $2 AND status = 'waiting' RETURNING id"

LIST = """
SELECT alert.id, alert.kind, alert.subject, alert.words, alert.count, alert.status, alert.first_at, alert.last_at,
       alert.decided_at,
       (SELECT coalesce(jsonb_object_agg(channel, coalesce(failure, status)), '{}')
        FROM alert_delivery WHERE alert_id = alert.id)::text AS channels
FROM alert WHERE $1::bigint IS NULL OR alert.id < $1 ORDER BY alert.id DESC LIMIT $2
"""


class Alert(msgspec.Struct, frozen=True):
    """A fact that somebody should be told of.

    ``subject`` names in a stable form what it is about, such as ``problem/12`` or ``account/GA_…``; ``words`` is one
    or more sentences without personal data (the last full stop may be left out); ``count`` is how many facts this
    stands for, such as runs that failed.
    """

    kind: Kind
    subject: str
    words: str
    count: int = 1


class RecordedAlert(msgspec.Struct, frozen=True):
    """An alert as it is told of. ``channels`` says by each how it went: due, sent, or why it could not be sent."""

    id: int
    kind: Kind
    subject: str
    words: str
    count: int
    status: Status
    first_at: datetime
    last_at: datetime
    decided_at: datetime | None
    channels: dict[str, str]


async def record_alert(connection: PlainConnection, alert: Alert) -> None:
    """Put an alert down, in the transaction of ``connection``: it is told when, and only if, that is committed."""
    await record_alerts(connection, [alert])


async def record_alerts(connection: PlainConnection, alerts: Sequence[Alert]) -> None:
    """Put alerts down in one statement; those of one kind about one subject become one."""
    together: dict[tuple[Kind, str], Alert] = {}
    for alert in alerts:
        known = together.get((alert.kind, alert.subject))
        count = alert.count + (known.count if known else 0)
        together[alert.kind, alert.subject] = msgspec.structs.replace(alert, count=count)
    if not together:
        return
    in_order = [
        together[key] for key in sorted(together)
    ]  # so that two who record do not wait for each other
    await connection.execute(
        RECORD,
        [alert.kind for alert in in_order],
        [alert.subject for alert in in_order],
        [masked(alert.words).rstrip(".") for alert in in_order],
        [alert.count for alert in in_order],
        QUIET_SECONDS,
    )


async def withdraw_alert(connection: PlainConnection, kind: Kind, subject: str) -> bool:
    """Take back what is no longer so; false when it was told already."""
    return bool(await connection.fetch(WITHDRAW, kind, subject))


async def list_alerts(
    connection: PlainConnection, *, before: int | None = None, limit: int = 100
) -> list[RecordedAlert]:
    """The alerts there are, newest first; ``before`` is the id that a page before this one ended with."""
    rows = await connection.fetch(LIST, before, limit)
    return [
        msgspec.convert({**row, "channels": msgspec.json.decode(row["channels"])}, RecordedAlert)
        for row in rows
    ]
