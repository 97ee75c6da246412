"""How many may do something at once, in all processes together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from afterword.outcomes import Retry
from afterword.store.leases import Leases

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield pool


async def test_no_more_than_so_many_hold_one_and_the_next_takes_what_is_given_back(
    pool: asyncpg.Pool, eventually: Eventually
) -> None:
    first, second, third = Leases(pool), Leases(pool), Leases(pool)
    holding, most = 0, 0

    async def work(leases: Leases) -> None:
        nonlocal holding, most
        async with leases.held("reports", 2, 60):
            holding += 1
            most = max(most, holding)
            await asyncio.sleep(0)
            holding -= 1

    await asyncio.gather(*(work(leases) for leases in (first, second, third) * 2))
    assert 1 <= most <= 2
    assert await pool.fetchval("SELECT count(*) FROM call_lease") == 0


async def test_who_would_have_to_wait_too_long_is_told(pool: asyncpg.Pool) -> None:
    leases = Leases(pool)
    async with leases.held("reports", 1, 0), leases.held("other", 1, 0):
        with pytest.raises(Retry, match="allows 1 at once") as refused:
            async with leases.held("reports", 1, 0):
                pass
    assert not refused.value.tried
    assert refused.value.reason.code == "rate-budget-used-up"
    async with leases.held("reports", 1, 0):
        pass


async def test_the_lease_of_a_process_that_died_is_free_again(
    pool: asyncpg.Pool, eventually: Eventually
) -> None:
    """It never gave it back, and nobody renews it."""
    await pool.execute("INSERT INTO call_lease VALUES ('reports', 1, 'dead', now() + interval '0.3 seconds')")
    with pytest.raises(Retry):
        async with Leases(pool).held("reports", 1, 0):
            pass
    async with Leases(pool).held("reports", 1, 30):
        assert await pool.fetchval("SELECT holder FROM call_lease") != "dead"


async def test_a_lease_is_renewed_for_as_long_as_it_is_held(
    pool: asyncpg.Pool, eventually: Eventually
) -> None:
    async with Leases(pool, seconds=0.9).held("reports", 1, 0):
        ends = await pool.fetchval("SELECT expires_at FROM call_lease")
        await eventually(lambda: pool.fetchval("SELECT clock_timestamp() > $1", ends))
        with pytest.raises(Retry):
            async with Leases(pool).held("reports", 1, 0):
                pass


async def test_whatever_ends_the_work_gives_the_lease_back(pool: asyncpg.Pool) -> None:
    async def fail() -> None:
        async with Leases(pool).held("reports", 1, 0):
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is
        await fail()
    held = asyncio.Event()

    async def hang() -> None:
        async with Leases(pool).held("reports", 1, 0):
            held.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await held.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert await pool.fetchval("SELECT count(*) FROM call_lease") == 0
