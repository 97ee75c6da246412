"""Run history as lines of text."""

from typing import get_args

import msgspec
import typer

from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.workflows.moves import RunStatus
from afterword.workflows.history import RunFilters, RunHistory, RunSummary, get_run
from afterword.workflows.history import list_runs as read_runs

COLOURS = {
    "succeeded": typer.colors.GREEN,
    "failed": typer.colors.RED,
    "waiting": typer.colors.YELLOW,
    "running": typer.colors.BLUE,
}


async def list_runs(
    database: Database, status: str | None, conversation: str | None, limit: int, *, as_json: bool
) -> None:
    """Print the newest runs.

    Raises:
        ConfigurationError: there is no such status.
    """
    if status is not None and status not in get_args(RunStatus):
        raise ConfigurationError(f"--status takes one of {', '.join(get_args(RunStatus))}, not {status!r}.")
    filters = RunFilters(
        status=None if status is None else msgspec.convert(status, RunStatus), conversation_id=conversation
    )
    async with database.transaction() as connection:
        runs = await read_runs(connection, filters, limit=limit)
    if as_json:
        print_json(runs)
        return
    if not runs:
        typer.echo("No run yet: a run begins when an event comes that a workflow waits for.")
    for run in runs:
        typer.echo(_line(run))


async def show_run(database: Database, run_id: int, *, as_json: bool) -> None:
    """Print one run with its tasks and attempts.

    Raises:
        ConfigurationError: there is no such run.
    """
    async with database.transaction() as connection:
        history = await get_run(connection, run_id)
    if history is None:
        raise ConfigurationError(f"There is no run {run_id}; `afterword runs list` shows those there are.")
    if as_json:
        print_json(history)
    else:
        _tell(history)


def _tell(history: RunHistory) -> None:
    typer.echo(_line(history.run))
    if history.event is not None:
        typer.echo(f"  event {history.event.id}: {history.event.type}")
        typer.echo(f"    {history.event.body}")
    for task in history.tasks:
        typer.echo(f"  task {task.position + 1}: {task.label or task.type or 'unknown'}: {task.status}")
        for attempt in task.attempts:
            reason = f": {attempt.reason}" if attempt.reason else ""
            typer.echo(
                f"    attempt {attempt.attempt}, {attempt.duration_seconds * 1000:.0f} ms: {attempt.status}{reason}"
            )
            for title, values in (("input", attempt.input), ("output", attempt.output)):
                for name, value in values.items():
                    typer.echo(f"      {title} {name}: {value}")


def _line(run: RunSummary) -> str:
    status = typer.style(f"{run.status:<9}", fg=COLOURS.get(run.status))
    reason = f": {run.reason}" if run.reason else ""
    return f"{run.id:>8}  {run.started_at:%Y-%m-%d %H:%M:%S}  {status}  {run.workflow or 'Deleted Workflow'}{reason}"
