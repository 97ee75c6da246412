"""What ``afterword backfill --responses`` does and prints."""

from datetime import datetime

import typer

from afterword.commands.common import print_json
from afterword.commands.workflow_event_work import count, refuse_questions_in_json
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.saving.listing import find_workflow
from afterword.workflows.starting.backfill import Backfill, feed_next, plan_backfill, tell_untold


async def backfill_responses(
    database: Database,
    survey_id: str,
    since: datetime,
    *,
    workflow_id: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Feed responses to their workflows, after telling how many and asking.

    Raises:
        ConfigurationError: no workflow can run them, or JSON is wanted and nobody may be asked.
    """
    refuse_questions_in_json(yes, as_json)
    async with database.transaction() as connection:
        if workflow_id is not None:
            workflow_id = (await find_workflow(connection, workflow_id)).id
        planned = await plan_backfill(connection, survey_id, since, workflow_id=workflow_id)
    if not as_json:
        for one in planned:
            typer.echo(f"{one.workflow}: {count(one.responses, 'response')} to feed.")
    if any(one.responses for one in planned) and not yes:
        typer.confirm("Feed them?", abort=True)
    started = {one.workflow_id: await _feed_all(database, one, survey_id, since) for one in planned}
    if as_json:
        print_json([{"workflowId": id_, "runs": runs} for id_, runs in started.items()])
    else:
        typer.echo(f"{count(sum(started.values()), 'run')} started, behind live ones.")


async def _feed_all(database: Database, planned: Backfill, survey_id: str, since: datetime) -> int:
    """Feed in steps, each committed: one that is interrupted is gone on with by giving the command again."""
    started = 0
    async with database.transaction() as connection:
        await tell_untold(connection, survey_id, since)
    while True:
        async with database.transaction() as connection:
            fed = await feed_next(connection, RunQueue(database), planned.workflow_id, since)
        if fed is None:
            return started
        started += len(fed.runs)
