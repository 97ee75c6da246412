import asyncio
import bisect
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outcomes import Retry
from afterword.store.budgets import RateBudget, even_rate

Eventually = Callable[..., Awaitable[Any]]

TEN_A_SECOND = even_rate(10)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
def budget(pool: asyncpg.Pool) -> RateBudget:
    return RateBudget(pool)


RECORD_SLOTS = """
CREATE TABLE slot (moment timestamptz);
CREATE FUNCTION record_slot() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO slot VALUES (NEW.theoretical_arrival); RETURN NEW; END $$;
CREATE TRIGGER record_slot AFTER UPDATE ON rate_budget FOR EACH ROW EXECUTE FUNCTION record_slot();
"""


async def recorded_slots(pool: asyncpg.Pool) -> list[float]:
    """When each call might begin, give or take the same constant, as the database itself saw it."""
    rows = await pool.fetch("SELECT extract(epoch FROM moment)::float8 AS moment FROM slot ORDER BY moment")
    return [row["moment"] for row in rows]


def most_in_a_window(slots: list[float], window: float = 1.0) -> int:
    slots = sorted(slots)
    return max(bisect.bisect_left(slots, start + window) - first for first, start in enumerate(slots))


async def test_the_first_call_need_not_wait(budget: RateBudget) -> None:
    assert await budget.take("b", TEN_A_SECOND, 1, 0) == 0


async def test_calls_in_a_row_are_an_interval_apart(budget: RateBudget) -> None:
    waits = [await budget.take("b", 0.01, 1, 1000) for _ in range(4)]
    assert waits == pytest.approx([0, 100, 200, 300], abs=5)


async def test_budgets_do_not_know_each_other(budget: RateBudget) -> None:
    await budget.take("b", 0.01, 1, 0)
    assert await budget.take("other", 0.01, 1, 0) == 0


async def test_a_burst_is_granted_at_once_and_then_the_even_rate_holds(budget: RateBudget) -> None:
    waits = [await budget.take("b", 0.01, 3, 1000) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 100, 200], abs=5)


async def test_who_would_have_to_wait_too_long_reserves_nothing(budget: RateBudget) -> None:
    await budget.take("b", 0.01, 1, 0)
    for _ in range(3):
        with pytest.raises(Retry) as refused:
            await budget.take("b", 0.01, 1, 50)
        assert refused.value.after == pytest.approx(100, abs=5)
        assert refused.value.reason.code == "rate-budget-used-up"
        assert not refused.value.outcome_unknown
    assert await budget.take("b", 0.01, 1, 1000) == pytest.approx(100, abs=5)


async def test_no_second_ever_has_more_than_ten_whoever_takes(
    database_url: str, budget: RateBudget, pool: asyncpg.Pool
) -> None:
    """Several processes' worth of pools, in heaps and with pauses."""
    pools = [await asyncpg.create_pool(database_url, min_size=1, max_size=2) for _ in range(3)]
    chance = random.Random(7)

    async def taker(own: asyncpg.Pool) -> None:
        for _ in range(40):
            await RateBudget(own).take("b", TEN_A_SECOND, 1, 1000)
            if chance.random() < 0.1:
                await asyncio.sleep(chance.random() * 0.05)

    await pool.execute(RECORD_SLOTS)
    try:
        await asyncio.gather(*map(taker, pools))
    finally:
        await asyncio.gather(*(own.close() for own in pools))
    slots = await recorded_slots(pool)
    assert len(slots) == 120
    assert most_in_a_window(slots) <= 10
    assert (len(slots) - 1) / (slots[-1] - slots[0]) >= 9.5, "a backlog is to use the allowance"


async def test_a_hold_stops_everybody_and_ends(budget: RateBudget, database_url: str) -> None:
    await budget.take("b", 1000, 5, 0)
    await budget.penalise("b", 100)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as elsewhere:
        with pytest.raises(Retry) as refused:
            await RateBudget(elsewhere).take("b", 1000, 5, 50)
        assert refused.value.after == pytest.approx(100, abs=5)
        assert await RateBudget(elsewhere).take("b", 1000, 5, 1000) == pytest.approx(100, abs=5)
        assert await RateBudget(elsewhere).take("other", 1000, 5, 0) == 0


async def test_a_hold_comes_before_the_first_call_too(budget: RateBudget) -> None:
    await budget.penalise("b", 100)
    with pytest.raises(Retry) as refused:
        await budget.take("b", 1000, 1, 50)
    assert refused.value.after == pytest.approx(100, abs=5)


async def test_after_a_hold_there_is_no_burst(budget: RateBudget) -> None:
    await budget.penalise("b", 50)
    waits = [await budget.take("b", 0.1, 3, 1000) for _ in range(3)]
    assert waits == pytest.approx([50, 60, 70], abs=3)


async def test_a_shorter_hold_does_not_end_a_longer_one(budget: RateBudget) -> None:
    await budget.penalise("b", 100)
    await budget.penalise("b", 1)
    assert await budget.held_for("b") == pytest.approx(100, abs=5)


async def test_a_hold_reaches_those_who_wait_already(
    budget: RateBudget, pool: asyncpg.Pool, eventually: Eventually
) -> None:
    await budget.take("b", 2, 1, 10)
    await pool.execute(RECORD_SLOTS)
    waiting = asyncio.create_task(budget.wait_for_turn("b", 2, 1, 10))
    await eventually(lambda: recorded_slots(pool))
    await budget.penalise("b", 100)
    with pytest.raises(Retry) as refused:
        await waiting
    assert refused.value.after == pytest.approx(100, abs=5)


async def test_a_short_hold_is_waited_for_by_those_who_wait_already(
    budget: RateBudget, pool: asyncpg.Pool, eventually: Eventually
) -> None:
    await budget.take("b", 5, 1, 10)
    await pool.execute(RECORD_SLOTS)
    waiting = asyncio.create_task(budget.wait_for_turn("b", 5, 1, 10))
    await eventually(lambda: recorded_slots(pool))
    await budget.pause("b", 0.5)
    until = await pool.fetchval("SELECT held_until FROM rate_budget")
    await waiting
    assert await pool.fetchval("SELECT clock_timestamp()") >= until


class Stingy:
    """In the place of the database: nobody has a turn when asked for the first time, then everybody, at once."""

    def __init__(self) -> None:
        self.asked = list[int]()

    async def fetch(self, _query: str, *given: Any) -> Any:
        patiences: list[float] = given[5]
        self.asked.append(len(patiences))
        granted = len(self.asked) > 1
        answer = {"granted": granted, "rate": 10.0, "is_own": False, "is_held": False} | dict.fromkeys(
            ("wait", "busy", "own_wait"), 0.0
        )
        return [answer] * len(patiences)

    fetchrow = fetch


async def test_in_a_process_who_comes_first_is_first_and_only_that_one_asks() -> None:
    pool, order = Stingy(), list[int]()
    budget = RateBudget(pool)

    async def call(number: int) -> None:
        await budget.wait_for_turn("b", 10, 1, 60, use="live")
        order.append(number)

    await asyncio.gather(*map(call, range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert pool.asked == [5, 1, 1, 1, 1, 1], "once together, and then one after the other"


async def test_who_shares_and_would_have_to_wait_too_long_is_told(budget: RateBudget) -> None:
    await budget.wait_for_turn("b", 0.1, 1, 0, use="live")
    with pytest.raises(Retry) as refused:
        await budget.wait_for_turn("b", 0.1, 1, 0.01, use="live")
    assert not refused.value.tried
    assert refused.value.after == pytest.approx(10, abs=2)
    assert refused.value.reason.code == "rate-budget-used-up"


async def test_what_the_vendor_tells_is_kept_by_everybody_up_to_what_is_allowed(
    budget: RateBudget, database_url: str
) -> None:
    await budget.adopt("b", 50.0)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as elsewhere:
        other = RateBudget(elsewhere)
        assert (await other.wait_for_turn("b", 10, 1, 1, most_per_second=float("inf"))).per_second == 50
        assert (await other.wait_for_turn("b", 10, 1, 1, most_per_second=20)).per_second == 20
        assert (await other.wait_for_turn("b", 10, 1, 1)).per_second == 10
        await budget.adopt("b", 5.0)
        assert (await other.wait_for_turn("b", 10, 1, 1)).per_second == 5


async def test_a_turn_tells_for_how_long_they_were_taken_without_a_gap(budget: RateBudget) -> None:
    turns = [await budget.wait_for_turn("b", 20, 1, 1) for _ in range(3)]
    assert turns[0].busy_seconds == 0
    assert turns[2].busy_seconds <= 0.1001


async def test_waiting_for_a_turn_lets_the_interval_pass(budget: RateBudget, pool: asyncpg.Pool) -> None:
    await budget.wait_for_turn("b", 10, 1, 1)
    reserved = await pool.fetchval("SELECT theoretical_arrival FROM rate_budget WHERE name = 'b'")
    await budget.wait_for_turn("b", 10, 1, 1)
    assert await pool.fetchval("SELECT clock_timestamp()") >= reserved


async def test_a_slot_that_passed_unused_is_not_saved_up(budget: RateBudget, pool: asyncpg.Pool) -> None:
    await budget.take("b", 0.01, 1, 0)
    await pool.execute("UPDATE rate_budget SET theoretical_arrival = clock_timestamp() - interval '1 hour'")
    waits = [await budget.take("b", 0.01, 1, 1000) for _ in range(3)]
    assert waits == pytest.approx([0, 100, 200], abs=5)


@given(
    limit=st.integers(min_value=1, max_value=100),
    arrivals=st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=200),
)
def test_the_even_rate_keeps_every_window_of_a_second(limit: int, arrivals: list[float]) -> None:
    """The rule of the statement, on a clock of its own: the limit holds however callers come."""
    interval, theoretical_arrival, slots = 1 / even_rate(limit), 0.0, []
    for now in sorted(arrivals):
        slots.append(max(now, theoretical_arrival))
        theoretical_arrival = slots[-1] + interval
    assert most_in_a_window(slots) <= limit


@pytest.mark.parametrize("per_minute", [10, 60, 120, 3000])
def test_qualtrics_burst_and_rate_stay_within_the_minute(per_minute: int) -> None:
    from afterword.qualtrics.client import BURST_SHARE, SHARE_OF_LIMIT  # noqa: PLC0415

    burst, interval = max(1.0, BURST_SHARE * per_minute), 60 / (SHARE_OF_LIMIT * per_minute)
    now, theoretical_arrival, slots = 0.0, 0.0, []
    for _ in range(2 * per_minute):
        now = max(now, theoretical_arrival - (burst - 1) * interval)
        slots.append(now)
        theoretical_arrival = max(theoretical_arrival, now) + interval
    assert most_in_a_window(slots, 60) <= per_minute
