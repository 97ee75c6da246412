"""One backfill, a step at a time: a part of Gladly's records read, or a batch of what was found recorded.

Each step is committed by itself, so that a backfill can be stopped between any two, and gone on with by anybody.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog

from afterword.backfill import found_rows, rows
from afterword.backfill.finding import Found, Told, new_among
from afterword.backfill.reading import Read
from afterword.backfill.rows import Backfill, Missing
from afterword.backfill.settling import settle
from afterword.backfill.slices import Slice, next_slice
from afterword.backfill.working import pause_after, saying_so
from afterword.events.recording import notify_inbox
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.outcomes import Outcome, Retry
from afterword.store.database import Database, PlainConnection

log = structlog.get_logger()

CONVERSATIONS_AT_ONCE = 1000

ReadRecords = Callable[[str, Slice], Awaitable[Read]]
"""Reads a part of the records of a connected account, by its id; raises Outcome."""


class Backfiller:
    """Does backfills; any number of processes may have one."""

    def __init__(self, database: Database, read: ReadRecords, *, time_scale: float = 1.0) -> None:
        """``time_scale`` is a factor on the pauses."""
        self._database = database
        self._read = read
        self._time_scale = time_scale

    async def work(
        self, backfill: Backfill, *, told: Callable[[Backfill], object] = lambda _: None
    ) -> Backfill:
        """Take a backfill that is this process's as far as it goes; ``told`` hears of each step.

        It then is at its end, or ready and to be confirmed, or put off (``due_at``).

        Raises:
            NotOurs: it was stopped, or another process took it over.
        """
        async with saying_so(self._database, partial(rows.work_on, backfill_id=backfill.id)):
            while backfill.state in {"reading", "recording"}:
                try:
                    backfill = await self._step(backfill)
                except Outcome as error:
                    return await self._put_off(backfill, error)
                told(backfill)
        return backfill

    async def _step(self, backfill: Backfill) -> Backfill:
        return await (self._read_next if backfill.state == "reading" else self._record_next)(backfill)

    async def _read_next(self, backfill: Backfill) -> Backfill:
        now: datetime = await self._database.pool.fetchval("SELECT now()")
        part = next_slice(backfill.read_until, backfill.until, now)
        read, until = Read(), backfill.until
        if part is not None:
            read, until = await self._read_part(backfill, part), part.span.until
        async with self._database.pool.acquire() as connection, connection.transaction():
            fresh = await fresh_among(connection, backfill.origin, read.found, backfill.id)
            return await rows.read_so_far(
                connection,
                backfill,
                until,
                closings=closings_in(read.found),
                fresh=fresh,
                missing=read.missing,
            )

    async def _read_part(self, backfill: Backfill, part: Slice) -> Read:
        """Read it; what will never be given is missing, and said to be."""
        try:
            return await self._read(backfill.account_id, part)
        except Retry:
            raise
        except Outcome as error:
            span, words = part.span, error.reason.words
            return Read(missing=(Missing(since=span.since, until=span.until, words=words),))

    async def _record_next(self, backfill: Backfill) -> Backfill:
        async with self._database.pool.acquire() as connection, connection.transaction():
            found = await found_rows.take_found(connection, backfill.id)
            if not found:
                return await self._finish(connection, backfill)
            fresh = await fresh_among(connection, backfill.origin, found, None)
            recorded = await found_rows.record(connection, backfill.origin, fresh, backfill.id)
            backfill = await rows.note_recorded(connection, backfill, recorded)
        await notify_inbox(self._database)
        return backfill

    async def _finish(self, connection: PlainConnection, backfill: Backfill) -> Backfill:
        finished = await rows.finish(connection, backfill.id, "finished")
        if finished is None:
            raise rows.NotOurs
        await settle(connection, finished)
        _log(finished)
        return finished

    async def _put_off(self, backfill: Backfill, error: Outcome) -> Backfill:
        pause = pause_after(backfill.attempt) * self._time_scale
        asked_for = error.after if isinstance(error, Retry) else None
        async with self._database.pool.acquire() as connection:
            put_off = await rows.put_off(connection, backfill.id, max(pause, asked_for or 0.0), error.reason)
        log.info("backfill_put_off", backfill=backfill.id, cause=error.reason.code)
        return put_off


async def fresh_among(
    connection: PlainConnection, origin: str, found: Sequence[Found], backfill_id: int | None
) -> list[Found]:
    """What is not known of what was found: not recorded, and not found by this backfill before."""
    fresh: list[Found] = []
    for conversations in _in_batches(found):
        together = [one for ones in conversations for one in ones]
        known = await found_rows.known_of(connection, origin, together, backfill_id)
        fresh += [
            new for ones in conversations for new in new_among(ones, known.get(ones[0].conversation_id, []))
        ]
    return fresh


def closings_in(found: Iterable[Told]) -> int:
    """How many of them are closings."""
    return sum(one.type == CONVERSATION_CLOSED for one in found)


def _in_batches(found: Sequence[Found]) -> list[list[list[Found]]]:
    """By conversation, so many conversations at a time that one question to the database stays small."""
    by_conversation: dict[str, list[Found]] = {}
    for one in found:
        by_conversation.setdefault(one.conversation_id, []).append(one)
    all_of_them = list(by_conversation.values())
    return [
        all_of_them[begin : begin + CONVERSATIONS_AT_ONCE]
        for begin in range(0, len(all_of_them), CONVERSATIONS_AT_ONCE)
    ]


def _log(backfill: Backfill) -> None:
    values = {
        "backfill": backfill.id,
        "account": backfill.account_id,
        "cause": backfill.cause,
        "closings": backfill.closings,
        "recorded": backfill.recorded,
    }
    if backfill.missing:
        log.warning("backfill_gap", parts=len(backfill.missing), **values)
    log.info("backfill_finished", **values)
