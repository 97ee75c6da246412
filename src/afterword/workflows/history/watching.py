"""Whether run history changed: one short text that is another when what is shown is another."""

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables

WATCHED = 100
"""Runs, from the newest on; what is older is read by those who look for it, not watched."""


async def newest_state(connection: AsyncConnection) -> str:
    """The state of the newest runs and events, and of what can be searched."""
    run, event = tables.run, tables.event
    newest = select(run.c.id, run.c.version).order_by(run.c.id.desc()).limit(WATCHED).subquery()
    runs = select(
        func.md5(func.string_agg(func.concat(newest.c.id, ":", newest.c.version), " "))
    ).scalar_subquery()
    waiting = select(func.count()).where(event.c.status == "received").scalar_subquery()
    newest_event = select(func.max(event.c.id)).scalar_subquery()
    found_by_words = select(tables.run_search_progress.c.changes).scalar_subquery()
    state = func.concat(runs, " ", newest_event, " ", waiting, " ", found_by_words)
    return str(await connection.scalar(select(state)))


async def run_state(connection: AsyncConnection, run_id: int) -> str:
    """The state of one run; empty when there is none."""
    return str(
        await connection.scalar(select(cast(tables.run.c.version, Text)).where(tables.run.c.id == run_id))
        or ""
    )
