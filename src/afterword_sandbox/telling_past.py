"""Tells a new company's past while the sandbox runs already, with room between the pieces for whoever calls."""

import asyncio
import sqlite3

import structlog

from afterword_sandbox import seed_past
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.store import Store

PAUSE_SECONDS = 0.01

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def tell_past(store: Store) -> None:
    """Tell what is not told yet, to its end."""
    try:
        for _ in seed_past.go_on(store):
            await asyncio.sleep(PAUSE_SECONDS)
    except (sqlite3.Error, GladlyError) as error:
        log.error("past_not_told", error=str(error))  # noqa: TRY400
