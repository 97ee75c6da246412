"""Rate budgets: what a vendor allows in a second, shared by every process through the database.

How it counts (GCRA): for each budget the database keeps the *theoretical arrival*, the moment at which
everything granted so far would have been spent at the even rate. A call is granted a slot of its own, at once
or a little later, and moves it on by one interval; one statement does both, on the database's clock, so that
no process's clock matters.

How much to ask for: with rate ``r`` and burst ``b`` at most ``b + r * w`` slots fall into any window of ``w``
seconds, however the vendor lays its windows (:func:`even_rate` makes use of that). Slots are when a call may
begin; the way to the vendor adds a jitter of its own, so that a rate somewhat below the limit is needed: at
96 % of ten a second slots are 104 ms apart, and calls may be 41 ms late or early before eleven meet in one
second.

Who gets them: each use has a share of the slots that is its own, whatever the others do, and takes what is
left over only as far ahead as :data:`SHARES` says. So the queue of slots that are spoken for stays short,
however long a backlog is: what waits, waits in its process, in the order in which it came.
"""

import asyncio
import functools
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import asyncpg
import msgspec
import structlog

from afterword.outcomes import Reason, Retry
from afterword.outgoing.budgets import Turn, Use
from afterword.store.batches import Batches
from afterword.store.leases import Leases
from afterword.translating import said

log = structlog.get_logger()

SHARE_OF_LIMIT = 0.96
"""What we use of a vendor's limit: enough below it for the jitter of the way there."""


class Share(msgspec.Struct, frozen=True):
    """What a use gets of a budget: ``of_all`` slots for certain, and others no more than ``reach`` seconds ahead."""

    of_all: float
    reach: float


SHARES: Mapping[Use, Share] = {
    "live": Share(0.6, reach=1.0),
    "interactive": Share(0.3, reach=1.0),
    "backfill": Share(0.1, reach=0.25),
}
"""Backfill reaches as far as it must to leave no slot unused, and is behind whoever reaches farther."""
MOST_TOGETHER = 200
LEAST_PAUSE = 0.05
"""Seconds before a process asks again for one and the same caller."""

ADD = """
INSERT INTO rate_budget (name, theoretical_arrival) VALUES ($1, 'epoch') ON CONFLICT (name) DO NOTHING
"""

TAKE = """
WITH RECURSIVE budget AS MATERIALIZED (
    SELECT * FROM rate_budget WHERE name = $1 FOR UPDATE
), paced AS MATERIALIZED (
    SELECT *, clock_timestamp() AS now, least(coalesce(rate_told, $2::float8), $4::float8) AS rate FROM budget
), spaced AS MATERIALIZED (
    SELECT *, make_interval(secs => 1 / rate) AS spacing,
           make_interval(secs => ($3::float8 - 1) / rate) AS tolerance
    FROM paced
), judged AS (
    SELECT 0 AS number, false AS granted, false AS is_own, theoretical_arrival AS arrival, now AS slot,
           busy_since AS busy_from, own_arrival AS own_before,
           theoretical_arrival AS next_arrival, busy_since AS next_busy, own_arrival AS next_own
    FROM spaced
    UNION ALL
    SELECT number + 1, granted, is_own, arrival, slot, busy_from, next_own,
           CASE WHEN granted THEN arrival + spacing ELSE next_arrival END,
           CASE WHEN granted THEN busy_from ELSE next_busy END,
           CASE WHEN granted AND is_own THEN greatest(next_own + spacing / $5::float8, arrival) ELSE next_own END
    FROM (
        SELECT number, arrival, slot, is_own, busy_from, spacing, next_arrival, next_busy, next_own,
               slot <= now + make_interval(
                   secs => (CASE WHEN is_own THEN $6::float8[] ELSE $7::float8[] END)[number + 1]) AS granted
        FROM (
            SELECT *, arrival - tolerance AS slot, (next_own <= arrival) IS NOT FALSE AS is_own,
                   CASE WHEN arrival > next_arrival THEN arrival - tolerance ELSE next_busy END AS busy_from
            FROM (
                SELECT judged.number, judged.next_arrival, judged.next_busy, judged.next_own, now, spacing, tolerance,
                       greatest(judged.next_arrival, now, held_until + tolerance) AS arrival
                FROM judged CROSS JOIN spaced WHERE judged.number < cardinality($6::float8[])
            ) AS found
        ) AS placed
    ) AS asked
), taken AS (
    UPDATE rate_budget
    SET theoretical_arrival = last.next_arrival, busy_since = last.next_busy, own_arrival = last.next_own
    FROM (SELECT * FROM judged ORDER BY number DESC LIMIT 1) AS last
    WHERE rate_budget.name = $1 AND (SELECT bool_or(granted) FROM judged)
)
SELECT granted, rate, is_own, (held_until >= slot) IS TRUE AS is_held,
       extract(epoch FROM slot - now)::float8 AS wait,
       extract(epoch FROM slot - busy_from)::float8 AS busy,
       coalesce(extract(epoch FROM own_before - arrival), 0)::float8 AS own_wait
FROM judged CROSS JOIN spaced WHERE number > 0 ORDER BY number
"""
"""Judges one after the other, as many as $6 has patiences. ``own_arrival`` stands for the column of whoever
asks: when everything of its share would have been spent.
"""

OWN_COLUMNS: Mapping[Use, str] = {
    "live": "live_arrival",
    "interactive": "interactive_arrival",
    "backfill": "backfill_arrival",
}
TAKE_FOR = {use: TAKE.replace("own_arrival", column) for use, column in OWN_COLUMNS.items()}

HOLD = """
INSERT INTO rate_budget AS budget (name, theoretical_arrival, held_until)
VALUES ($1, 'epoch', clock_timestamp() + make_interval(secs => $2::float8))
ON CONFLICT (name) DO UPDATE SET held_until = greatest(budget.held_until, excluded.held_until)
"""

HELD_FOR = """
SELECT extract(epoch FROM held_until - clock_timestamp())::float8 AS seconds FROM rate_budget WHERE name = $1
"""

ADOPT = """
INSERT INTO rate_budget (name, theoretical_arrival, rate_told) VALUES ($1, 'epoch', $2::float8)
ON CONFLICT (name) DO UPDATE SET rate_told = excluded.rate_told
"""


class Pool(Protocol):
    """What a budget needs of the database; asyncpg's pool has it."""

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement, committed at once, and answer its rows."""

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """The same, of which the first row is wanted."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked of a budget, as :meth:`RateBudget.wait_for_turn` tells it."""

    name: str
    rate: float
    burst: float
    most: float
    use: Use | None = None

    @property
    def share(self) -> Share:
        """What whoever asks may have; all of it where nobody shares."""
        return Share(1.0, reach=float("inf")) if self.use is None else SHARES[self.use]


class Answered(msgspec.Struct, frozen=True):
    """What a budget answered; times are in seconds.

    ``wait`` is how far the next slot is away, granted or not; ``own_wait`` how much farther the next one that would be
    of whoever asks alone.
    """

    granted: bool
    rate: float
    is_own: bool
    is_held: bool
    wait: float
    busy: float
    own_wait: float

    def again_in(self, share: Share) -> float:
        """When it makes sense to ask again, if it was not granted: when half of the reach is free, as then there are
        several to be had, or when there may be one of one's own.
        """
        if self.is_held or self.is_own:
            return max(LEAST_PAUSE, self.wait - share.reach)
        return max(LEAST_PAUSE, min(self.wait - share.reach / 2, self.own_wait))


def even_rate(limit: float, window: float = 1.0) -> float:
    """The rate per second that, with a burst of one, keeps ``limit`` calls in any ``window`` seconds, with a
    margin.
    """
    return SHARE_OF_LIMIT * limit / window


class RateBudget:
    """The budgets of one database. Any number of processes share it; each has but the order of who waits in it."""

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._lines: defaultdict[tuple[str, Use], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asking: dict[Asked, Batches[float, Answered]] = {}
        self._leases = Leases(pool)

    async def take(self, name: str, rate_per_second: float, burst: float, patience: float) -> float:
        """Reserve the next slot of a budget that nobody shares and answer the seconds to wait for it, mostly 0.

        ``burst`` (at least 1) is how many calls may be made at once after a pause. Who reserved a slot and
        does not use it wastes it, nothing more.

        Raises:
            Retry: the slot would be more than ``patience`` seconds away; nothing is reserved.
        """
        asked = Asked(name, rate_per_second, burst, rate_per_second)
        return max(0.0, (await self._reserve(asked, patience)).wait)

    async def ask(self, asked: Asked, patience: float) -> Answered:
        """Ask once for a slot that is at most ``patience`` seconds away, and, where it is shared, within reach.

        Those of this process who ask at the same moment are answered by one statement, in the order in which they came.
        """
        asking = self._asking.get(asked)
        if asking is None:
            ask = functools.partial(self._ask_together, asked)
            asking = self._asking[asked] = Batches(ask, largest=MOST_TOGETHER, in_flight=1)
        return await asking.add(patience)

    async def _ask_together(self, asked: Asked, patiences: Sequence[float]) -> list[Answered]:
        ask = (
            TAKE_FOR[asked.use or "live"],
            *(asked.name, asked.rate, asked.burst, asked.most, asked.share.of_all),
            *(patiences, [min(asked.share.reach, patience) for patience in patiences]),
        )
        rows = await self._pool.fetch(*ask)
        if not rows:
            await self._pool.fetchrow(ADD, asked.name)
            rows = await self._pool.fetch(*ask)
        if not rows:  # somebody emptied the table in between
            return [Answered(False, asked.rate, False, False, LEAST_PAUSE, 0.0, LEAST_PAUSE)] * len(patiences)
        return [Answered(*(row[field] for field in Answered.__struct_fields__)) for row in rows]

    async def wait_for_turn(
        self,
        name: str,
        rate_per_second: float,
        burst: float,
        patience: float,
        *,
        use: Use | None = None,
        most_per_second: float | None = None,
    ) -> Turn:
        """Reserve a slot and wait for it; return when the call may be made.

        See :class:`afterword.outgoing.budgets.Budget`. A hold that somebody is told meanwhile is waited for, too, where
        the wait was not as good as none.

        Raises:
            Retry: it would take more than ``patience`` seconds.
        """
        most = rate_per_second if most_per_second is None else most_per_second
        asked = Asked(name, rate_per_second, burst, most, use)
        deadline = self._monotonic() + patience
        while True:
            answer = await self._in_line(asked, deadline)
            if answer.wait <= 0:
                break
            await asyncio.sleep(answer.wait)
            if answer.wait < LEAST_PAUSE:
                break
            held = await self.held_for(name)
            if held <= 0:
                break
            if self._monotonic() + held > deadline:
                raise _not_now(name, held)
        return Turn(answer.rate, answer.busy)

    async def adopt(self, name: str, rate_per_second: float) -> None:
        """Keep another rate from now on, in all processes: the vendor tells it."""
        await self._pool.fetchrow(ADOPT, name, rate_per_second)
        log.info("rate_budget_adopted", budget=name, per_second=rate_per_second)

    async def penalise(self, name: str, seconds: float) -> None:
        """Grant nothing for so many seconds, to anybody: the vendor said so. A longer hold stands."""
        await self._pool.fetchrow(HOLD, name, seconds)
        log.warning("rate_budget_held", budget=name, seconds=seconds)

    async def pause(self, name: str, seconds: float) -> None:
        """Grant nothing for so many seconds, to anybody, as calls would be refused. A longer hold stands."""
        await self._pool.fetchrow(HOLD, name, seconds)
        log.debug("rate_budget_paused", budget=name, seconds=seconds)

    async def held_for(self, name: str) -> float:
        """Seconds for which nothing is granted, as :meth:`penalise` was told; 0 when it was not."""
        row = await self._pool.fetchrow(HELD_FOR, name)
        seconds = None if row is None else row["seconds"]
        return max(0.0, seconds) if isinstance(seconds, float) else 0.0

    def at_once(self, name: str, most: int, patience: float) -> AbstractAsyncContextManager[None]:
        """Be one of at most so many at once, in all processes together, within the block.

        Raises:
            Retry: none of them ended within ``patience`` seconds.
        """
        return self._leases.held(name, most, patience)

    async def _in_line(self, asked: Asked, deadline: float) -> Answered:
        """Reserve a slot, in the order in which this process's callers came."""
        if asked.use is None:
            return await self._reserve(asked, deadline - self._monotonic())
        line = self._lines[asked.name, asked.use]
        if not line.locked():  # nobody waits: those who come together need not ask one after the other
            answer = await self.ask(asked, max(0.0, deadline - self._monotonic()))
            if answer.granted:
                return answer
        async with line:
            while True:
                left = max(0.0, deadline - self._monotonic())
                answer = await self.ask(asked, left)
                if answer.granted:
                    return answer
                again = answer.again_in(asked.share)
                if again > left:
                    raise _not_now(asked.name, max(answer.wait, left))
                await asyncio.sleep(again)

    async def _reserve(self, asked: Asked, patience: float) -> Answered:
        answer = await self.ask(asked, patience)
        if not answer.granted:
            raise _not_now(asked.name, max(answer.wait, patience))
        return answer


def _not_now(name: str, seconds: float) -> Retry:
    reason = Reason(
        "rate-budget-used-up",
        said(
            "all calls that %(name)s allows in the next %(seconds)s seconds are spoken for; none was made",
            name=name,
            seconds=f"{seconds:.0f}",
        ),
        {"budget": name, "seconds": f"{seconds:.0f}"},
    )
    return Retry(reason, after=seconds, tried=False)
