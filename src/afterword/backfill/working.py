"""What is long in the doing, and may be gone on with by anybody: how a process says that it works on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from afterword.outcomes import Reason
from afterword.store.database import Database, PlainConnection
from afterword.translating import N_

WORKING_SECONDS = 60.0
"""For so long a process is taken to work on something after it last said so."""
SAY_SO_EVERY_SECONDS = WORKING_SECONDS / 3
PAUSES = (10.0, 30.0, 60.0, 300.0)
"""Seconds before a step that did not work is tried again; the last is kept to."""
FAULT = Reason("unexpected-error", N_("an error that nobody expected; the log has it"))


def pause_after(attempt: int) -> float:
    """Seconds to wait after the attempt of that number, the first being 0."""
    return PAUSES[min(attempt, len(PAUSES) - 1)]


@contextlib.asynccontextmanager
async def saying_so(
    database: Database, work_on: Callable[[PlainConnection], Awaitable[object]]
) -> AsyncIterator[None]:
    """Say again and again, by ``work_on``, that this process works on it: a step may take minutes."""

    async def say_so() -> None:
        while True:
            await asyncio.sleep(SAY_SO_EVERY_SECONDS)
            async with database.pool.acquire() as connection:
                await work_on(connection)

    saying = asyncio.create_task(say_so())
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
