"""Backfills in the database: how far each is, what it found, and who works on it.

What is found and not known waits in ``backfill_found`` until it is recorded; a backfill that is stopped, or whose
process dies, is gone on with from there. One backfill of an account is open at a time, and one process works on it, for
as long as it says so every now and then.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from afterword.backfill.finding import Found
from afterword.backfill.found_rows import forget_found, stage
from afterword.backfill.slices import Span
from afterword.backfill.working import WORKING_SECONDS
from afterword.events.models import gladly_origin
from afterword.outcomes import Reason
from afterword.store.database import PlainConnection
from afterword.translating import N_

Cause = Literal["asked", "regular", "gap"]
"""Somebody asked for it; a worker looked by itself; events were known to be missing."""
State = Literal["reading", "ready", "recording", "finished", "stopped"]
"""*ready*: all is read, and somebody is asked whether to go on."""


BEGIN = """
INSERT INTO backfill (account_id, cause, since, until, read_until, is_confirmed, asked_by, gap_id, working_until)
VALUES ($1, $2, $3, $4, $3, $5, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT (account_id) WHERE finished_at IS NULL DO NOTHING RETURNING *
"""

TAKE_UP = """
UPDATE backfill SET working_until = now() + make_interval(secs => $1) WHERE id = (
    SELECT id FROM backfill
    WHERE finished_at IS NULL AND is_confirmed AND due_at <= now() AND working_until <= now()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING *
"""

TAKE = """
UPDATE backfill SET working_until = now() + make_interval(secs => $2)
WHERE id = $1 AND finished_at IS NULL AND due_at <= now() AND (working_until <= now() OR NOT is_confirmed)
RETURNING *
"""

GO_ON = """
UPDATE backfill SET is_confirmed = true, due_at = now(), working_until = now() + make_interval(secs => $2),
    state = CASE state WHEN 'ready' THEN 'recording' ELSE state END
WHERE id = $1 AND finished_at IS NULL RETURNING *
"""

WORK_ON = """
UPDATE backfill SET working_until = now() + make_interval(secs => $2)
WHERE id = $1 AND finished_at IS NULL RETURNING true
"""

LET_GO_UNANSWERED = """
UPDATE backfill SET state = 'stopped', finished_at = now(), reason_code = $1, reason_words = $2
WHERE finished_at IS NULL AND NOT is_confirmed AND working_until <= now() RETURNING id
"""

READ_SO_FAR = """
UPDATE backfill SET read_until = $3, closings = closings + $4, fresh = fresh + $5, missing = missing || $6::jsonb,
    attempt = 0, working_until = now() + make_interval(secs => $7), reason_code = NULL, reason_words = NULL,
    state = CASE WHEN $3 < until THEN 'reading' WHEN is_confirmed THEN 'recording' ELSE 'ready' END
WHERE id = $1 AND read_until = $2 AND finished_at IS NULL RETURNING *
"""

RECORDED = """
UPDATE backfill SET recorded = recorded + $2, working_until = now() + make_interval(secs => $3)
WHERE id = $1 AND finished_at IS NULL RETURNING *
"""

PUT_OFF = """
UPDATE backfill SET attempt = attempt + 1, due_at = now() + make_interval(secs => $2),
    working_until = CASE WHEN is_confirmed THEN now() ELSE now() + make_interval(secs => $2 + $5) END,
    reason_code = $3, reason_words = $4
WHERE id = $1 AND finished_at IS NULL RETURNING *
"""

FINISH = """
UPDATE backfill SET state = $2, finished_at = now(), reason_code = $3, reason_words = $4
WHERE id = $1 AND finished_at IS NULL RETURNING *
"""

FORGET = "DELETE FROM backfill WHERE id = $1"
GET = "SELECT * FROM backfill WHERE id = $1"
OPEN = "SELECT * FROM backfill WHERE account_id = $1 AND finished_at IS NULL"
LIST = "SELECT * FROM backfill WHERE $1::text IS NULL OR account_id = $1 ORDER BY id DESC LIMIT $2"

NOT_ANSWERED = Reason(
    "backfill-not-answered", N_("nobody answered whether to go on, and nothing was recorded")
)


class Missing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of what was to be read that could not be, and why; without inbox and channel it is all of it."""

    since: datetime
    until: datetime
    words: str
    inbox: str | None = None
    channel: str | None = None

    @property
    def span(self) -> Span:
        """The time that it is about."""
        return Span(self.since, self.until)


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """A look for closings that were missed, from ``since`` until ``until``.

    ``closings`` is how many Gladly's records have, ``fresh`` how many of them were not known when they were read, and
    ``recorded`` how many have become events so far. ``missing`` is what could not be read. ``asked_by`` is who gave the
    command; a worker that looks by itself has nobody.
    """

    id: int
    account_id: str
    cause: Cause
    since: datetime
    until: datetime
    read_until: datetime
    state: State
    is_confirmed: bool
    asked_by: str | None
    gap_id: int | None
    closings: int
    fresh: int
    recorded: int
    missing: tuple[Missing, ...]
    attempt: int
    reason_code: str | None
    reason_words: str | None
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None

    @property
    def origin(self) -> str:
        """The origin of the events that it looks for."""
        return gladly_origin(self.account_id)

    @property
    def known(self) -> int:
        """Closings that were known already."""
        return self.closings - self.fresh


class NotOurs(Exception):
    """The backfill was stopped, or another process works on it."""


async def begin(
    connection: PlainConnection,
    account_id: str,
    span: Span,
    *,
    cause: Cause,
    is_confirmed: bool,
    asked_by: str | None = None,
    gap_id: int | None = None,
) -> Backfill | None:
    """Begin a backfill, which this process works on; ``None`` while another of the account is open."""
    return _one(
        await connection.fetchrow(
            BEGIN, account_id, cause, span.since, span.until, is_confirmed, asked_by, gap_id, WORKING_SECONDS
        )
    )


async def take_up(connection: PlainConnection) -> Backfill | None:
    """A confirmed backfill that is due and that nobody works on; this process does so now."""
    return _one(await connection.fetchrow(TAKE_UP, WORKING_SECONDS))


async def take(connection: PlainConnection, backfill_id: int) -> Backfill | None:
    """Take up this one, if it is due and nobody works on it; one that is not confirmed is its command's."""
    return _one(await connection.fetchrow(TAKE, backfill_id, WORKING_SECONDS))


async def go_on(connection: PlainConnection, backfill_id: int) -> Backfill | None:
    """Go on with a backfill, confirmed; ``None`` when it is at its end."""
    return _one(await connection.fetchrow(GO_ON, backfill_id, WORKING_SECONDS))


async def let_go(connection: PlainConnection, backfill_id: int) -> None:
    """Leave it to whoever takes it up next."""
    await connection.execute(WORK_ON, backfill_id, 0.0)


async def work_on(connection: PlainConnection, backfill_id: int, seconds: float = WORKING_SECONDS) -> bool:
    """Say that this process works on it; false when it was stopped."""
    return bool(await connection.fetchval(WORK_ON, backfill_id, seconds))


async def let_go_unanswered(connection: PlainConnection) -> list[int]:
    """Stop the backfills whose command is gone and that nobody confirmed; answers their numbers."""
    stopped = [
        row["id"] for row in await connection.fetch(LET_GO_UNANSWERED, NOT_ANSWERED.code, NOT_ANSWERED.words)
    ]
    for backfill_id in stopped:
        await forget_found(connection, backfill_id)
    return stopped


async def read_so_far(
    connection: PlainConnection,
    backfill: Backfill,
    until: datetime,
    *,
    closings: int,
    fresh: Sequence[Found],
    missing: Sequence[Missing],
) -> Backfill:
    """Keep what was found up to ``until``, and that it was read; in a transaction.

    Raises:
        NotOurs: it was stopped, or another process read this part.
    """
    new_closings = await stage(connection, backfill.id, fresh)
    return _ours(
        await connection.fetchrow(
            READ_SO_FAR,
            backfill.id,
            backfill.read_until,
            until,
            closings,
            new_closings,
            msgspec.json.encode(missing).decode(),
            WORKING_SECONDS,
        )
    )


async def note_recorded(connection: PlainConnection, backfill: Backfill, closings: int) -> Backfill:
    """Count what was recorded.

    Raises:
        NotOurs: it was stopped.
    """
    return _ours(await connection.fetchrow(RECORDED, backfill.id, closings, WORKING_SECONDS))


async def put_off(connection: PlainConnection, backfill_id: int, seconds: float, reason: Reason) -> Backfill:
    """Go on later, whoever does; one that is not confirmed is left to its command. ``reason`` is why not now.

    Raises:
        NotOurs: it was stopped.
    """
    row = await connection.fetchrow(PUT_OFF, backfill_id, seconds, reason.code, reason.words, WORKING_SECONDS)
    return _ours(row)


async def finish(
    connection: PlainConnection,
    backfill_id: int,
    state: Literal["finished", "stopped"],
    reason: Reason | None = None,
) -> Backfill | None:
    """End it, and let go what was not recorded; ``None`` when it was at its end."""
    ended = await connection.fetchrow(
        FINISH, backfill_id, state, reason and reason.code, reason and reason.words
    )
    if ended is not None:
        await forget_found(connection, backfill_id)
    return _one(ended)


async def forget(connection: PlainConnection, backfill_id: int) -> None:
    """Leave no trace of a backfill that found nothing."""
    await connection.execute(FORGET, backfill_id)


async def get_backfill(connection: PlainConnection, backfill_id: int) -> Backfill | None:
    """A backfill; ``None`` when there is none."""
    return _one(await connection.fetchrow(GET, backfill_id))


async def open_backfill(connection: PlainConnection, account_id: str) -> Backfill | None:
    """The backfill of an account that is not at its end."""
    return _one(await connection.fetchrow(OPEN, account_id))


async def list_backfills(
    connection: PlainConnection, *, account_id: str | None = None, limit: int = 50
) -> list[Backfill]:
    """The newest backfills, of one account or of all."""
    return [_backfill(row) for row in await connection.fetch(LIST, account_id, limit)]


def _one(row: asyncpg.Record | None) -> Backfill | None:
    return None if row is None else _backfill(row)


def _ours(row: asyncpg.Record | None) -> Backfill:
    if row is None:
        raise NotOurs
    return _backfill(row)


def _backfill(row: asyncpg.Record) -> Backfill:
    columns = {name: row[name] for name in Backfill.__struct_fields__}
    missing = msgspec.json.decode(row["missing"], type=tuple[Missing, ...])
    return Backfill(**columns | {"missing": missing})
