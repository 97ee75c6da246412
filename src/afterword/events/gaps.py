"""Gaps: spans of time in which an origin's events may not have reached us.

Whoever finds one out notes it here; closing it (looking in the vendor's own records for what happened meanwhile) is
another's work. A span may be wider than what was really missed: looking for what is known costs little, and by the
definition of *one closing* nothing is done twice.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from afterword.events.models import gladly_origin
from afterword.outcomes import Reason
from afterword.store.database import PlainConnection

State = Literal["open", "closed", "left"]
"""``left``: it was looked at, and what is missing cannot be found any more."""

WIDEN = """
UPDATE event_gap SET since = least(since, $2), until = greatest(until, $3), reason_code = $4, reason_words = $5
WHERE id = (
    SELECT id FROM event_gap WHERE origin = $1 AND state = 'open' AND since <= $3 AND until >= $2
    ORDER BY since LIMIT 1 FOR UPDATE
) RETURNING id
"""

NOTE = """
INSERT INTO event_gap (origin, since, until, reason_code, reason_words) VALUES ($1, $2, $3, $4, $5) RETURNING id
"""

LIST = """
SELECT id, origin, since, until, reason_code, reason_words, state, noted_at, closed_at FROM event_gap
WHERE ($1::text IS NULL OR origin = $1) ORDER BY until DESC, id DESC LIMIT $2
"""

SETTLED = """
SELECT id, origin, since, until, reason_code, reason_words, state, noted_at, closed_at FROM event_gap
WHERE state = 'open' AND until <= now() - $1::interval ORDER BY since, id LIMIT $2
"""

END = "UPDATE event_gap SET state = $3, closed_at = now() WHERE id = $1 AND until <= $2 AND state = 'open'"


class Gap(msgspec.Struct, frozen=True):
    """A span of time in which events of an origin may be missing, both ends included; moments are in UTC."""

    id: int
    origin: str
    since: datetime
    until: datetime
    reason_code: str
    reason_words: str
    state: State
    noted_at: datetime
    closed_at: datetime | None


async def note_gap(
    connection: PlainConnection, account_id: str, since: datetime, until: datetime, reason: Reason
) -> int:
    """Note that events of a connected Gladly account may be missing, in the transaction of ``connection``.

    An open gap of the account that it touches is widened in place of noting another; answers the id of either.

    Raises:
        ValueError: ``until`` is before ``since``.
    """
    if until < since:
        raise ValueError("a gap ends after it begins")
    values = (gladly_origin(account_id), since, until, reason.code, reason.words)
    widened: int | None = await connection.fetchval(WIDEN, *values)
    if widened is not None:
        return widened
    noted: int = await connection.fetchval(NOTE, *values)
    return noted


async def list_gaps(connection: PlainConnection, *, origin: str | None = None, limit: int = 100) -> list[Gap]:
    """The gaps there were, of one origin or of all, the latest first."""
    return [msgspec.convert(dict(row), Gap) for row in await connection.fetch(LIST, origin, limit)]


async def settled_gaps(connection: PlainConnection, since: timedelta, limit: int = 100) -> list[Gap]:
    """The open gaps that ended at least so long ago, the oldest first."""
    return [msgspec.convert(dict(row), Gap) for row in await connection.fetch(SETTLED, since, limit)]


async def end_gap(
    connection: PlainConnection, gap_id: int, until: datetime, state: Literal["closed", "left"]
) -> None:
    """Note that a gap was looked through up to ``until``; one that was widened meanwhile stays open."""
    await connection.execute(END, gap_id, until, state)
