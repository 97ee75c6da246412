"""One event run now by a workflow, because somebody says so.

An event makes one run of a workflow at most: one that it ran already is replayed from its start, with the same ids, so
that what was done is not done twice.
"""

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.outcomes import ConfigurationError
from afterword.pages.wording import sentence
from afterword.store import tables
from afterword.store.queue import RunQueue
from afterword.translating import gettext as _
from afterword.workflows.running.replays import FROM_START, runs_by_id, start_replay
from afterword.workflows.starting.feeding import feed, workflow_that_runs


class NotRun(ConfigurationError):
    """The event cannot be run by the workflow; the message says why."""


class RunNow(msgspec.Struct, frozen=True):
    """What was started: a run, or the replay of the run that the event has already."""

    run_id: int | None = None
    replay_id: int | None = None


async def run_now(
    connection: AsyncConnection,
    queue: RunQueue,
    workflow_id: str,
    event_id: int,
    *,
    person_id: str | None = None,
) -> RunNow:
    """Have a workflow run an event that came before.

    Raises:
        NoSuchWorkflow, NotOn, NoTask: the workflow cannot run anything.
        NotRun: there is no such event, or the workflow does not start with it, or it is being run at this moment.
    """
    await workflow_that_runs(connection, workflow_id)
    before = await run_of(connection, workflow_id, event_id)
    if before is not None:
        run_id, status = before
        if status == "running":
            raise NotRun(_("Run %(number)s of this event is under way.", number=run_id))
        what = f"run {run_id}"
        replay_id = await start_replay(
            connection, runs_by_id([run_id]), what=what, from_task=FROM_START, person_id=person_id
        )
        return RunNow(replay_id=replay_id)
    fed = await feed(connection, queue, workflow_id, [event_id])
    if fed.refused:
        raise NotRun(f"{sentence(fed.refused[0].words)}.")
    if not fed.runs:
        raise NotRun(_("Somebody had this event run a moment ago."))
    return RunNow(run_id=fed.runs[0])


async def run_of(connection: AsyncConnection, workflow_id: str, event_id: int) -> tuple[int, str] | None:
    """The run that a workflow has of an event, or of the one that it repeats: its number and status."""
    run, event = tables.run, tables.event
    original = (
        select(func.coalesce(event.c.redelivery_of, event.c.id))
        .where(event.c.id == event_id)
        .scalar_subquery()
    )
    found = await connection.execute(
        select(run.c.id, run.c.status).where(run.c.workflow_id == workflow_id, run.c.event_id == original)
    )
    row = found.one_or_none()
    return None if row is None else (row.id, row.status)
