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
"""

import asyncio
from typing import Protocol

import asyncpg
import structlog

from afterword.outcomes import Reason, Retry

log = structlog.get_logger()

SHARE_OF_LIMIT = 0.96
"""What we use of a vendor's limit: enough below it for the jitter of the way there."""

TAKE = """
WITH asked AS (
    SELECT $1::text AS name,
           make_interval(secs => 1 / $2::float8) AS interval,
           make_interval(secs => ($3::float8 - 1) / $2::float8) AS tolerance,
           make_interval(secs => $4::float8) AS patience
), held AS (
    SELECT coalesce(max(theoretical_arrival), 'epoch') AS until FROM rate_budget WHERE name = $1 || '/held'
), taken AS (
    INSERT INTO rate_budget AS budget (name, theoretical_arrival)
    SELECT name, greatest(clock_timestamp(), until + tolerance) + interval FROM asked, held
    WHERE until <= clock_timestamp() + patience
    ON CONFLICT (name) DO UPDATE
    SET theoretical_arrival =
        greatest(budget.theoretical_arrival, clock_timestamp(), (SELECT until + tolerance FROM asked, held))
        + (SELECT interval FROM asked)
    WHERE budget.theoretical_arrival <= clock_timestamp() + (SELECT patience + tolerance FROM asked)
    RETURNING theoretical_arrival - (SELECT interval + tolerance FROM asked) AS slot
), refused AS (
    SELECT greatest(budget.theoretical_arrival - tolerance, until) AS slot
    FROM asked CROSS JOIN held LEFT JOIN rate_budget AS budget USING (name)
    WHERE NOT EXISTS (SELECT FROM taken)
)
SELECT true AS granted, extract(epoch FROM slot - clock_timestamp())::float8 AS seconds FROM taken
UNION ALL
SELECT false, extract(epoch FROM slot - clock_timestamp())::float8 FROM refused
"""

HOLD = """
INSERT INTO rate_budget AS budget (name, theoretical_arrival)
VALUES ($1 || '/held', clock_timestamp() + make_interval(secs => $2::float8))
ON CONFLICT (name) DO UPDATE
SET theoretical_arrival = greatest(budget.theoretical_arrival, excluded.theoretical_arrival)
"""

HELD_FOR = """
SELECT extract(epoch FROM theoretical_arrival - clock_timestamp())::float8 AS seconds
FROM rate_budget WHERE name = $1 || '/held'
"""


class Pool(Protocol):
    """What a budget needs of the database; asyncpg's pool has it."""

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """Run one statement, committed at once, and answer its first row."""


def even_rate(limit: float, window: float = 1.0) -> float:
    """The rate per second that, with a burst of one, keeps ``limit`` calls in any ``window`` seconds, with a
    margin.
    """
    return SHARE_OF_LIMIT * limit / window


class RateBudget:
    """The budgets of one database. Holds no state: any number of processes share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, name: str, rate_per_second: float, burst: float, patience: float) -> float:
        """Reserve the next slot of a budget and answer the seconds to wait for it, mostly 0.

        ``burst`` (at least 1) is how many calls may be made at once after a pause. Who reserved a slot and
        does not use it wastes it, nothing more.

        Raises:
            Retry: the slot would be more than ``patience`` seconds away; nothing is reserved.
        """
        row = await self._pool.fetchrow(TAKE, name, rate_per_second, burst, patience)
        granted, seconds = (False, None) if row is None else (row["granted"], row["seconds"])
        wait = max(0.0, seconds) if isinstance(seconds, float) else 0.0
        if granted:
            return wait
        raise _not_now(name, max(wait, patience))

    async def wait_for_turn(self, name: str, rate_per_second: float, burst: float, patience: float) -> None:
        """Reserve the next slot and wait for it; return when the call may be made.

        Raises:
            Retry: as :meth:`take`, or the vendor told somebody meanwhile to hold.
        """
        wait = await self.take(name, rate_per_second, burst, patience)
        if wait <= 0:
            return
        await asyncio.sleep(wait)
        held = await self.held_for(name)
        if held > 0:
            raise _not_now(name, held)

    async def penalise(self, name: str, seconds: float) -> None:
        """Grant nothing for so many seconds, to anybody: the vendor said so. A longer hold stands."""
        await self._pool.fetchrow(HOLD, name, seconds)
        log.warning("rate_budget_held", budget=name, seconds=seconds)

    async def held_for(self, name: str) -> float:
        """Seconds for which nothing is granted, as :meth:`penalise` was told; 0 when it was not."""
        row = await self._pool.fetchrow(HELD_FOR, name)
        seconds = None if row is None else row["seconds"]
        return max(0.0, seconds) if isinstance(seconds, float) else 0.0


def _not_now(name: str, seconds: float) -> Retry:
    reason = Reason(
        "rate-budget-used-up",
        f"all calls that {name} allows in the next {seconds:.0f} seconds are spoken for; none was made",
        {"budget": name, "seconds": f"{seconds:.0f}"},
    )
    return Retry(reason, after=seconds, tried=False)
