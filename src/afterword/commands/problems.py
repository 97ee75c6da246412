"""``afterword problems``: failed runs, counted by their cause."""

from typing import TYPE_CHECKING

import typer

from afterword.commands.common import DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.store.database import Database


def problems(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List what failed, by cause, the latest first; `afterword replays start --problem N` does those runs again."""
    with_database(data_dir, lambda database: _list(database, as_json=as_json))


async def _list(database: "Database", *, as_json: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.workflows.running.problems import list_problems  # noqa: PLC0415

    async with database.transaction() as connection:
        found = await list_problems(connection)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("No problem: no run stands as failed.")
    for problem in found:
        typer.echo(
            f"{problem.id:>6}  {problem.runs} runs, {problem.first_at:%Y-%m-%d %H:%M} to "
            f"{problem.last_at:%Y-%m-%d %H:%M}  {problem.workflow or 'Deleted Workflow'}, task {problem.task_id}: "
            f"{problem.reason} ({problem.reason_code})"
        )
