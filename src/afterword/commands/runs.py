"""``afterword runs``: what workflows did."""

from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

app = typer.Typer(help="See what workflows did: every run, its tasks and each attempt.", no_args_is_help=True)


@app.command("list")
def list_runs(
    data_dir: DataDir = None,
    status: Annotated[str | None, typer.Option(help="Only runs of this status.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Only runs of this conversation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from afterword.commands.run_history import list_runs  # noqa: PLC0415

    with_database(
        data_dir, lambda database: list_runs(database, status, conversation, limit, as_json=as_json)
    )


@app.command("show")
def show_run(
    run_id: Annotated[int, typer.Argument(help="The run's number, as `afterword runs list` shows it.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show one run: its event, its tasks and each attempt."""
    from afterword.commands.run_history import show_run  # noqa: PLC0415

    with_database(data_dir, lambda database: show_run(database, run_id, as_json=as_json))
