"""Cancelling runs that are not at their end."""

from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import audit
from afterword.outcomes import Reason
from afterword.store import tables
from afterword.translating import N_

CANCELLED = Reason("cancelled-by-person", N_("somebody cancelled it"))


async def cancel_runs(connection: AsyncConnection, chosen: Select[Any], reason: Reason = CANCELLED) -> int:
    """Cancel those of the chosen runs that run or wait; answers how many.

    A task that is under way at that moment is finished, but nothing comes after it, and its result is not noted.
    """
    run = tables.run
    cancelled = await connection.execute(
        update(run)
        .where(run.c.id.in_(chosen), run.c.status.in_(("running", "waiting")))
        .values(
            status="cancelled",
            version=run.c.version + 1,
            reason_code=reason.code,
            reason_words=reason.words,
            reason_values=None,
            waiting_for=None,
            held_since=None,
            due_at=None,
            finished_at=func.now(),
        )
    )
    return cancelled.rowcount


async def cancel_run(connection: AsyncConnection, run_id: int) -> bool:
    """Cancel one run, as somebody asked for; tells whether it ran or waited."""
    run = tables.run
    if not await cancel_runs(connection, select(run.c.id).where(run.c.id == run_id)):
        return False
    await audit(connection, "run", "cancelled", (str(run_id), f"Run {run_id}"))
    return True
