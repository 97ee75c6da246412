"""Waiting for what gives no sign."""

import asyncio
import time
from collections.abc import AsyncIterator

FIRST_SECONDS = 0.005
LONGEST_SECONDS = 0.1


async def pauses() -> AsyncIterator[float]:
    """Come back again and again, at growing intervals, with the seconds that have passed."""
    began = time.monotonic()
    pause = FIRST_SECONDS
    while True:
        yield time.monotonic() - began
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, LONGEST_SECONDS)
