"""One budget for work of three kinds: the statement itself, on a clock that the test moves.

Each process asks for one caller at a time, as soon as the one before has a slot, and again when it was told to; how
many wait in it behind that one makes no difference here.
"""

import asyncio
import heapq
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterword.outgoing.budgets import Use
from afterword.store import budgets
from afterword.store.budgets import SHARES, Asked, RateBudget, even_rate

LIMIT = 10
RATE = even_rate(LIMIT)
SECONDS = 10.0
ALWAYS = [0.0] * int(3 * LIMIT * SECONDS)
"""More callers than there can be turns, from the beginning."""
CLOCK = "(SELECT timestamptz '2026-01-01 00:00Z' + make_interval(secs => seconds) FROM test_clock)"


@pytest.fixture
async def pool(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncpg.Pool]:
    """A database whose budgets go by a clock of ours."""
    statements = {use: text.replace("clock_timestamp()", CLOCK) for use, text in budgets.TAKE_FOR.items()}
    monkeypatch.setattr(budgets, "TAKE_FOR", statements)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await pool.execute("CREATE TABLE test_clock (seconds float8); INSERT INTO test_clock VALUES (0)")
        yield pool


class Slot(msgspec.Struct, frozen=True):
    """A turn: whose, when its caller came, and when it may call."""

    use: Use
    came: float
    at: float


Process = tuple[Use, Sequence[float]]
"""What it works on, and when its callers come."""


def several(count: int, use: Use) -> list[Process]:
    """So many processes that always have callers waiting."""
    return [(use, ALWAYS) for _ in range(count)]


async def simulate(pool: asyncpg.Pool, processes: Iterable[Process], seconds: float = SECONDS) -> list[Slot]:
    """The turns of so many seconds, in the order in which they come."""
    await pool.execute("TRUNCATE rate_budget")
    budget, slots = RateBudget(pool), []
    waiting = [(sorted(callers, reverse=True), use) for use, callers in processes]
    asking = [(callers[-1], number) for number, (callers, _) in enumerate(waiting) if callers]
    heapq.heapify(asking)
    while asking and asking[0][0] < seconds:
        now, number = heapq.heappop(asking)
        callers, use = waiting[number]
        await pool.execute("UPDATE test_clock SET seconds = $1", now)
        asked = Asked("b", RATE, 1, RATE, use)
        answer = await budget.ask(asked, 30)
        if answer.granted:
            slots.append(Slot(use, callers.pop(), now + max(0.0, answer.wait)))
            if callers:
                heapq.heappush(asking, (max(now, callers[-1]), number))
        else:
            heapq.heappush(asking, (now + answer.again_in(asked.share), number))
    return sorted((slot for slot in slots if slot.at < seconds), key=lambda slot: slot.at)


def per_second(slots: list[Slot], use: Use | None = None, since: float = 1.0) -> float:
    """The rate of a use, or of all, once the beginning is over."""
    counted = [slot for slot in slots if slot.at >= since and use in (None, slot.use)]
    return len(counted) / (SECONDS - since)


def most_in_a_second(slots: list[Slot]) -> int:
    moments = [slot.at for slot in slots]
    return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)


def longest_wait(slots: list[Slot], use: Use) -> float:
    return max(slot.at - slot.came for slot in slots if slot.use == use)


@pytest.mark.parametrize("use", ["live", "interactive", "backfill"])
async def test_who_is_alone_has_all_of_it(pool: asyncpg.Pool, use: Use) -> None:
    slots = await simulate(pool, several(3, use))
    assert most_in_a_second(slots) <= LIMIT
    assert per_second(slots) >= 0.95 * LIMIT


async def test_when_all_want_more_than_there_is_each_has_its_share(pool: asyncpg.Pool) -> None:
    """Whoever has more processes has no more for it."""
    slots = await simulate(pool, [("live", ALWAYS), ("interactive", ALWAYS), *several(3, "backfill")])
    assert most_in_a_second(slots) <= LIMIT
    assert per_second(slots) >= 0.95 * LIMIT
    for use, share in SHARES.items():
        assert per_second(slots, use) >= 0.9 * share.of_all * RATE, use


async def test_a_person_does_not_wait_behind_a_long_backlog(pool: asyncpg.Pool) -> None:
    clicks = [2.0 + number * 1.3 for number in range(5)]
    slots = await simulate(pool, [*several(3, "live"), ("backfill", ALWAYS), ("interactive", clicks)])
    assert len([slot for slot in slots if slot.use == "interactive"]) == len(clicks)
    assert longest_wait(slots, "interactive") < 1.5
    assert per_second(slots) >= 0.95 * LIMIT


async def test_backfill_goes_on_under_a_backlog_of_what_is_live_with_no_more_than_its_share(
    pool: asyncpg.Pool,
) -> None:
    slots = await simulate(pool, [*several(3, "live"), ("backfill", ALWAYS)])
    share = SHARES["backfill"].of_all * RATE
    assert 0.9 * share <= per_second(slots, "backfill") <= 1.2 * share
    assert per_second(slots) >= 0.95 * LIMIT


async def test_backfill_has_all_that_is_left_and_is_not_in_the_way_of_what_is_live(
    pool: asyncpg.Pool,
) -> None:
    chance = random.Random(5)
    closings = sorted(chance.uniform(1, SECONDS - 2) for _ in range(25))
    slots = await simulate(pool, [("live", closings), *several(2, "backfill")])
    assert len([slot for slot in slots if slot.use == "live"]) == len(closings)
    assert longest_wait(slots, "live") < 0.8
    assert per_second(slots) >= 0.95 * LIMIT


CALLERS = st.lists(st.floats(min_value=0, max_value=6), max_size=60)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    processes=st.lists(st.tuples(st.sampled_from(["live", "interactive", "backfill"]), CALLERS), max_size=5)
)
async def test_however_callers_come_the_limit_holds_and_nobody_starves(
    pool: asyncpg.Pool, processes: list[Process]
) -> None:
    slots = await simulate(pool, processes, seconds=1000)
    assert len(slots) == sum(len(callers) for _, callers in processes), "each had its turn"
    assert not slots or most_in_a_second(slots) <= LIMIT
    waiting: dict[Use, list[float]] = defaultdict(list)
    for use, callers in processes:
        waiting[use] += callers
    for use, callers in waiting.items():
        at_its_share = len(callers) / (SHARES[use].of_all * RATE)
        if callers:
            assert longest_wait(slots, use) <= at_its_share + 2.5


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    heaps=st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=2),
            st.sampled_from(["live", "interactive", "backfill"]),
            st.lists(st.sampled_from([0.0, 0.15, 0.5, 30.0]), min_size=1, max_size=12),
        ),
        max_size=6,
    ),
    burst=st.sampled_from([1, 3]),
)
async def test_who_asks_together_is_answered_as_one_after_the_other(
    pool: asyncpg.Pool, heaps: list[tuple[float, Use, list[float]]], burst: float
) -> None:
    await pool.execute("TRUNCATE rate_budget")
    together, alone = RateBudget(pool), RateBudget(pool)
    now = 0.0
    for pause, use, patiences in heaps:
        now += pause
        await pool.execute("UPDATE test_clock SET seconds = $1", now)
        asked = Asked("together", RATE, burst, RATE, use)
        answers = await asyncio.gather(*(together.ask(asked, patience) for patience in patiences))
        asked = msgspec.structs.replace(asked, name="alone")
        assert answers == [await alone.ask(asked, patience) for patience in patiences]
