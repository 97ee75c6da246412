"""Leases: how many may do something at once, counted in the database over all processes.

A lease is renewed for as long as its holder lives; of one who died it is free again a little later.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Protocol

import asyncpg
import structlog

from afterword.outcomes import Reason, Retry
from afterword.translating import said

log = structlog.get_logger()

LEASE_SECONDS = 30.0
RENEW_EVERY_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.5

TAKE = """
INSERT INTO call_lease AS lease (name, number, holder, expires_at)
SELECT $1, place.number, $3, clock_timestamp() + make_interval(secs => $4::float8)
FROM generate_series(1, $2::int) AS place (number)
WHERE NOT EXISTS (
    SELECT FROM call_lease AS taken
    WHERE taken.name = $1 AND taken.number = place.number AND taken.expires_at > clock_timestamp()
)
ORDER BY place.number
LIMIT 1
ON CONFLICT (name, number) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE lease.expires_at <= clock_timestamp()
RETURNING lease.number
"""

RENEW = """
UPDATE call_lease SET expires_at = clock_timestamp() + make_interval(secs => $2::float8) WHERE holder = $1
"""

GIVE_BACK = "DELETE FROM call_lease WHERE holder = $1"


class Pool(Protocol):
    """What leases need of the database; asyncpg's pool has it."""

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """Run one statement, committed at once, and answer its first row."""


class Leases:
    """The leases of one database. ``seconds`` is how long one outlives its holder."""

    def __init__(self, pool: Pool, *, seconds: float = LEASE_SECONDS) -> None:
        self._pool = pool
        self._seconds = seconds

    @contextlib.asynccontextmanager
    async def held(self, name: str, most: int, patience: float) -> AsyncIterator[None]:
        """Be one of at most ``most`` who hold a lease of this name within the block.

        Raises:
            Retry: none was free within ``patience`` seconds.
        """
        holder = secrets.token_hex(16)
        await self._take(name, most, holder, patience)
        renewing = asyncio.create_task(self._renew(holder))
        try:
            yield
        finally:
            renewing.cancel()
            await self._pool.fetchrow(GIVE_BACK, holder)

    async def _take(self, name: str, most: int, holder: str, patience: float) -> None:
        deadline = time.monotonic() + patience
        while await self._pool.fetchrow(TAKE, name, most, holder, self._seconds) is None:
            if time.monotonic() + LOOK_EVERY_SECONDS > deadline:
                raise _not_now(name, most)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _renew(self, holder: str) -> None:
        while True:
            await asyncio.sleep(self._seconds * RENEW_EVERY_SECONDS / LEASE_SECONDS)
            try:
                await self._pool.fetchrow(RENEW, holder, self._seconds)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("lease_not_renewed", cause=type(error).__name__)


def _not_now(name: str, most: int) -> Retry:
    reason = Reason(
        "rate-budget-used-up",
        said(
            "%(name)s allows %(most)s at once, and as many are under way; none was made", name=name, most=most
        ),
        {"budget": name, "at_once": str(most)},
    )
    return Retry(reason, after=LOOK_EVERY_SECONDS, tried=False)
