"""Previews in the database: one for each Gladly account, how far it is, and what came of it.

Whoever asks anew begins it anew, with another ``version``: what works on the former one notices and leaves off. What
was read is read once for a while, however often rules are changed in it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.backfill.rows import Missing
from afterword.backfill.slices import Span
from afterword.backfill.working import WORKING_SECONDS
from afterword.eligibility.settings import Credit, Eligibility
from afterword.outcomes import Reason
from afterword.previewing.counting import Count
from afterword.store.database import PlainConnection

State = Literal["reading", "looking", "finished", "failed"]

A_WEEK = timedelta(days=7)
READ_AGAIN_AFTER = timedelta(hours=6)
KEPT = timedelta(hours=24)
"""For so long what was read is kept after the last use of it."""

BEGIN = """
INSERT INTO preview AS known
    (account_id, wanted_since, since, until, read_until, workflow_id, wanted, credit, asked_by, working_until)
VALUES ($1, $2, $2, $3, $2, $4, $5::jsonb, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT (account_id) DO UPDATE SET
    version = known.version + 1, workflow_id = $4, wanted = $5::jsonb, credit = $6, asked_by = $7,
    wanted_since = CASE WHEN $9 THEN known.wanted_since ELSE $2 END,
    since = CASE WHEN $9 THEN known.since ELSE $2 END,
    until = CASE WHEN $9 THEN known.until ELSE $3 END,
    read_until = CASE WHEN $9 THEN known.read_until ELSE $2 END,
    missing = CASE WHEN $9 THEN known.missing ELSE '[]'::jsonb END,
    state = CASE WHEN $9 THEN 'looking' ELSE 'reading' END,
    looked_at = 0, to_look_at = 0, attempt = 0, reason_code = NULL, reason_words = NULL, result = NULL,
    begun_at = now(), due_at = now(), finished_at = NULL, working_until = excluded.working_until
RETURNING *
"""

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('preview/' || $1, 0))"

FRESH = """
SELECT true FROM preview
WHERE account_id = $1 AND is_kept AND read_until = until AND read_at > now() - $2::interval
  AND wanted_since BETWEEN $3::timestamptz - $2::interval AND $3::timestamptz + $2::interval
  AND until BETWEEN $4::timestamptz - $2::interval AND $4::timestamptz + $2::interval
"""

TAKE_UP = """
UPDATE preview SET working_until = now() + make_interval(secs => $1) WHERE account_id = (
    SELECT account_id FROM preview
    WHERE finished_at IS NULL AND due_at <= now() AND working_until <= now()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING *
"""

WORK_ON = """
UPDATE preview SET working_until = now() + make_interval(secs => $3)
WHERE account_id = $1 AND version = $2 AND finished_at IS NULL RETURNING true
"""

READ_SO_FAR = """
UPDATE preview SET since = $3, read_until = $4, read_at = now(), missing = missing || $5::jsonb, is_kept = true,
    attempt = 0, working_until = now() + make_interval(secs => $6), reason_code = NULL, reason_words = NULL,
    state = CASE WHEN $4 < until THEN 'reading' ELSE 'looking' END
WHERE account_id = $1 AND version = $2 AND read_until = $7 AND finished_at IS NULL RETURNING *
"""

LOOKED_AT = """
UPDATE preview SET looked_at = $3, to_look_at = $4, attempt = 0, reason_code = NULL, reason_words = NULL,
    working_until = now() + make_interval(secs => $5)
WHERE account_id = $1 AND version = $2 AND finished_at IS NULL RETURNING *
"""

PUT_OFF = """
UPDATE preview SET attempt = attempt + 1, due_at = now() + make_interval(secs => $3), working_until = now(),
    reason_code = $4, reason_words = $5
WHERE account_id = $1 AND version = $2 AND finished_at IS NULL RETURNING *
"""

FINISH = """
UPDATE preview SET state = $3, finished_at = now(), reason_code = $4, reason_words = $5, result = $6::jsonb
WHERE account_id = $1 AND version = $2 AND finished_at IS NULL RETURNING *
"""

GET = "SELECT * FROM preview WHERE account_id = $1"

STATE = "SELECT coalesce(string_agg(xmin::text, ' ' ORDER BY account_id), '') FROM preview"

OLD = """
UPDATE preview SET is_kept = false
WHERE is_kept AND finished_at < now() - $1::interval RETURNING account_id
"""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A count of an account's closings between ``since`` and ``until``, by the rules ``wanted``.

    ``looked_at`` of ``to_look_at`` conversations were looked at so far. ``missing`` is what could not be read. A
    ``result`` is there when it is *finished*; ``reason_words`` say why it is put off, or failed.
    """

    account_id: str
    version: int
    since: datetime
    until: datetime
    read_until: datetime
    workflow_id: str
    wanted: Eligibility
    credit: Credit
    state: State
    looked_at: int
    to_look_at: int
    missing: tuple[Missing, ...]
    result: Count | None
    attempt: int
    reason_code: str | None
    reason_words: str | None
    asked_by: str | None
    begun_at: datetime
    due_at: datetime
    finished_at: datetime | None

    @property
    def span(self) -> Span:
        """The time that it is about."""
        return Span(self.since, self.until)

    @property
    def share_read(self) -> float:
        """How much of the time is read, from 0 to 1."""
        whole = (self.until - self.since).total_seconds()
        return (self.read_until - self.since).total_seconds() / whole if whole else 1.0

    @property
    def is_under_way(self) -> bool:
        """Whether it is still being counted."""
        return self.finished_at is None


class NotOurs(Exception):
    """It was begun anew, or is at its end."""


async def begin(
    connection: PlainConnection,
    account_id: str,
    span: Span,
    *,
    wanted: Eligibility,
    credit: Credit,
    workflow_id: str,
    asked_by: str | None = None,
    is_ours: bool = False,
) -> Preview:
    """Begin to count by these rules, anew if it was begun before; in a transaction.

    What was read lately of so much time is not read again. ``is_ours``: this process works on it, else a worker does.
    """
    await connection.execute(LOCK, account_id)
    is_read = bool(await connection.fetchval(FRESH, account_id, READ_AGAIN_AFTER, span.since, span.until))
    row = await connection.fetchrow(
        BEGIN,
        account_id,
        span.since,
        span.until,
        workflow_id,
        msgspec.json.encode(wanted).decode(),
        credit,
        asked_by,
        WORKING_SECONDS if is_ours else 0.0,
        is_read,
    )
    return _ours(row)


async def take_up(connection: PlainConnection) -> Preview | None:
    """One that is due and that nobody works on; this process does so now."""
    row = await connection.fetchrow(TAKE_UP, WORKING_SECONDS)
    return None if row is None else _preview(row)


async def work_on(connection: PlainConnection, preview: Preview) -> bool:
    """Say that this process works on it; false when it was begun anew."""
    return bool(await connection.fetchval(WORK_ON, preview.account_id, preview.version, WORKING_SECONDS))


async def read_so_far(
    connection: PlainConnection,
    preview: Preview,
    until: datetime,
    *,
    since: datetime,
    missing: Sequence[Missing],
) -> Preview:
    """Note up to when it was read, and from when on what was read is kept.

    Raises:
        NotOurs: it was begun anew, or another process read this part.
    """
    told = msgspec.json.encode(missing).decode()
    return _ours(
        await connection.fetchrow(
            READ_SO_FAR,
            preview.account_id,
            preview.version,
            since,
            until,
            told,
            WORKING_SECONDS,
            preview.read_until,
        )
    )


async def note_looked_at(
    connection: PlainConnection, preview: Preview, looked_at: int, to_look_at: int
) -> Preview:
    """Note how many conversations were looked at, of how many.

    Raises:
        NotOurs: it was begun anew.
    """
    return _ours(
        await connection.fetchrow(
            LOOKED_AT, preview.account_id, preview.version, looked_at, to_look_at, WORKING_SECONDS
        )
    )


async def put_off(connection: PlainConnection, preview: Preview, seconds: float, reason: Reason) -> Preview:
    """Go on later, whoever does.

    Raises:
        NotOurs: it was begun anew.
    """
    return _ours(
        await connection.fetchrow(
            PUT_OFF, preview.account_id, preview.version, seconds, reason.code, reason.words
        )
    )


async def finish(connection: PlainConnection, preview: Preview, result: Count | Reason) -> Preview:
    """End it, with what came of it or why nothing did.

    Raises:
        NotOurs: it was begun anew.
    """
    failed = isinstance(result, Reason)
    return _ours(
        await connection.fetchrow(
            FINISH,
            preview.account_id,
            preview.version,
            "failed" if failed else "finished",
            result.code if isinstance(result, Reason) else None,
            result.words if isinstance(result, Reason) else None,
            None if failed else msgspec.json.encode(result).decode(),
        )
    )


async def get_preview(connection: PlainConnection, account_id: str) -> Preview | None:
    """An account's preview; ``None`` when nobody asked for one."""
    row = await connection.fetchrow(GET, account_id)
    return None if row is None else _preview(row)


async def preview_state(connection: AsyncConnection) -> str:
    """How all previews are, told as one word: another one when any of them has come further."""
    return str(await connection.scalar(text(STATE)))


async def let_go_old(connection: PlainConnection) -> list[str]:
    """The accounts of which what was read is no longer to be kept; their counts stay."""
    return [row["account_id"] for row in await connection.fetch(OLD, KEPT)]


def _ours(row: asyncpg.Record | None) -> Preview:
    if row is None:
        raise NotOurs
    return _preview(row)


def _preview(row: asyncpg.Record) -> Preview:
    columns = {name: row[name] for name in Preview.__struct_fields__}
    result = row["result"]
    return Preview(
        **columns
        | {
            "wanted": msgspec.json.decode(row["wanted"], type=Eligibility),
            "missing": msgspec.json.decode(row["missing"], type=tuple[Missing, ...]),
            "result": None if result is None else msgspec.json.decode(result, type=Count),
        }
    )
