"""One preview, a step at a time: a part of Gladly's records read, or some customers looked at.

Each step is committed by itself, so that anybody can go on with it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog

from afterword.accounts.clients import ConnectedAccounts
from afterword.backfill.backfilling import ReadRecords
from afterword.backfill.reading import Read
from afterword.backfill.rows import Missing
from afterword.backfill.slices import Slice, next_slice
from afterword.backfill.working import pause_after, saying_so
from afterword.outcomes import Outcome, Reason, Retry
from afterword.previewing import moments, rows
from afterword.previewing.conversations import Conversation, by_customer, conversations_of, sample
from afterword.previewing.counting import Count, Weighed, count, words_of
from afterword.previewing.judging import KnownFacts, asked_before, excluded_by_records, weigh
from afterword.previewing.rows import Preview
from afterword.store.database import Database

log = structlog.get_logger()

MOST_MOMENTS = 100_000
"""Closings and reopenings that are kept; where there are more in a week, the newest."""
AT_ONCE = 8
"""Customers that are looked at together."""
BREATHES_EVERY = 200

Told = Callable[[Preview], object]


class Previewer:
    """Does previews; any number of processes may have one."""

    def __init__(
        self, database: Database, accounts: ConnectedAccounts, read: ReadRecords, *, time_scale: float = 1.0
    ) -> None:
        """``time_scale`` is a factor on the pauses."""
        self._database = database
        self._accounts = accounts
        self._read = read
        self._time_scale = time_scale

    async def work(self, preview: Preview, *, told: Told = lambda _: None) -> Preview:
        """Take a preview that is this process's as far as it goes; ``told`` hears of each step.

        It then is at its end, or put off (``due_at``).

        Raises:
            NotOurs: it was begun anew.
        """
        async with saying_so(self._database, partial(rows.work_on, preview=preview)):
            try:
                while preview.state == "reading":
                    preview = await self._read_next(preview)
                    told(preview)
                if preview.state == "looking":
                    preview = await self._finish(preview, await self._look(preview, told))
            except Retry as error:
                return await self._put_off(preview, error)
            except Outcome as error:
                return await self._finish(preview, error.reason)
        return preview

    async def _read_next(self, preview: Preview) -> Preview:
        now: datetime = await self._database.pool.fetchval("SELECT now()")
        part = next_slice(preview.read_until, preview.until, now)
        read, until = Read(), preview.until
        if part is not None:
            read, until = await self._read_part(preview.account_id, part), part.span.until
        async with self._database.pool.acquire() as connection, connection.transaction():
            if preview.read_until == preview.since:
                await moments.forget(connection, preview.account_id)
            await moments.store(connection, preview.account_id, read.found)
            since = await moments.cut(connection, preview.account_id, MOST_MOMENTS)
            return await rows.read_so_far(
                connection,
                preview,
                until,
                since=preview.since if since is None else max(since, preview.since),
                missing=read.missing,
            )

    async def _read_part(self, account_id: str, part: Slice) -> Read:
        """Read it; what will never be given is missing, and said to be."""
        try:
            return await self._read(account_id, part)
        except Retry:
            raise
        except Outcome as error:
            span, words = part.span, error.reason.words
            return Read(missing=(Missing(since=span.since, until=span.until, words=words),))

    async def _look(self, preview: Preview, told: Told) -> Count:
        """Judge all by the records, and some customers by what Gladly tells of them besides."""
        account_id = preview.account_id
        async with self._database.pool.acquire() as connection:
            read = await moments.read(connection, account_id)
            known = await moments.read_facts(connection, account_id)
        finder = KnownFacts(
            self._database,
            await self._accounts.gladly(account_id, use="backfill"),
            self._accounts.gladly_names,
            preview.wanted,
            known,
        )
        excluded, rest = await self._sorted_out(preview, read, finder)
        drawn = sample(by_customer(rest))
        weighed, reasons = await self._weigh(preview, drawn, finder, told)
        return count(
            Counter(reason.code for reason in excluded),
            weighed,
            len(rest),
            words_of([*excluded, *reasons]),
        )

    async def _sorted_out(
        self, preview: Preview, read: Iterable[moments.Moment], finder: KnownFacts
    ) -> tuple[list[Reason], list[Conversation]]:
        """Why the records alone exclude some conversations, and the others."""
        excluded: list[Reason] = []
        rest: list[Conversation] = []
        found = conversations_of(read, preview.account_id, preview.workflow_id)
        for number, one in enumerate(found, start=1):
            reason = await excluded_by_records(one, preview.wanted, preview.credit, finder)
            if reason is None:
                rest.append(one)
            else:
                excluded.append(reason)
            if number % BREATHES_EVERY == 0:
                await asyncio.sleep(0)
        return excluded, rest

    async def _weigh(
        self, preview: Preview, drawn: Sequence[list[Conversation]], finder: KnownFacts, told: Told
    ) -> tuple[list[Weighed], list[Reason]]:
        account_id, to_look_at = preview.account_id, sum(map(len, drawn))
        async with self._database.pool.acquire() as connection:
            before = await asked_before(connection, account_id, preview.since, drawn)
        weighed: list[Weighed] = []
        reasons: list[Reason] = []
        for begin in range(0, len(drawn), AT_ONCE):
            together = drawn[begin : begin + AT_ONCE]
            works = [weigh(one, preview.wanted, preview.credit, finder, before) for one in together]
            ends = await _all(works)
            async with self._database.pool.acquire() as connection, connection.transaction():
                await moments.store_facts(connection, account_id, finder.take_fresh())
                looked_at = sum(one.conversations for one in weighed) + sum(map(len, together))
                preview = await rows.note_looked_at(connection, preview, looked_at, to_look_at)
            told(preview)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
                weighed.append(end[0])
                reasons += end[1]
        return weighed, reasons

    async def _finish(self, preview: Preview, result: Count | Reason) -> Preview:
        async with self._database.pool.acquire() as connection:
            finished = await rows.finish(connection, preview, result)
        log.info("preview_finished", account=preview.account_id, state=finished.state)
        return finished

    async def _put_off(self, preview: Preview, error: Retry) -> Preview:
        pause = pause_after(preview.attempt) * self._time_scale
        async with self._database.pool.acquire() as connection:
            put_off = await rows.put_off(connection, preview, max(pause, error.after or 0.0), error.reason)
        log.info("preview_put_off", account=preview.account_id, cause=error.reason.code)
        return put_off


End = tuple[Weighed, list[Reason]]


async def _all(works: Iterable[Awaitable[End]]) -> list[End | BaseException]:
    """All of them, so that what some found out is kept though others fail."""
    return list(await asyncio.gather(*works, return_exceptions=True))
