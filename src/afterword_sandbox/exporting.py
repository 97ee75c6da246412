"""Makes export jobs when their schedule says so, as long as the sandbox runs."""

import asyncio
import sqlite3
from contextlib import suppress

import structlog

from afterword_sandbox.company import exports
from afterword_sandbox.store import Store

PAUSE_SECONDS = 60.0

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def make_export_jobs(store: Store) -> None:
    """Make what is due, look again a minute later, for ever; jobs that are too old vanish."""
    while True:
        try:
            with store.transaction():
                exports.forget_old(store)
                exports.make_due(store)
        except sqlite3.Error as error:
            log.error("export_job_not_made", error=str(error))  # noqa: TRY400
        await asyncio.sleep(PAUSE_SECONDS)


async def stop(task: asyncio.Task[None]) -> None:
    """End it at once."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
