"""``afterword replays``: runs done once more."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.store.database import Database
    from afterword.workflows.running.replays import Replay

app = typer.Typer(
    help="Do runs once more, with the same ids, so that what was done already is not done again.",
    no_args_is_help=True,
)

LOOK_EVERY_SECONDS = 0.5
LOOKS_BEFORE_HINT = 10


@app.command("start")
def start(  # noqa: PLR0917 - a command's options
    runs: Annotated[list[int] | None, typer.Argument(help="The runs' numbers.")] = None,
    problem: Annotated[
        int | None, typer.Option(help="All runs of this problem; `afterword problems` lists them.")
    ] = None,
    from_task: Annotated[
        str,
        typer.Option(
            "--from", help="Where to begin: failed (the first task without success), start, or a task's id."
        ),
    ] = "failed",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Show the progress until all are done.")
    ] = True,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Replay runs, or all runs of a problem. Ctrl-C stops the progress, not the replay."""
    with_database(
        data_dir,
        lambda database: _start(database, runs or [], problem, from_task, wait=wait, as_json=as_json),
    )


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List replays, newest first, and how far each is."""
    with_database(data_dir, lambda database: _list(database, as_json=as_json))


@app.command("stop")
def stop(
    replay: Annotated[int, typer.Argument(help="The replay's number, as `afterword replays list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Stop a replay: what is queued stays as it is, what runs is finished."""
    with_database(data_dir, lambda database: _stop(database, replay))


async def _start(
    database: "Database", runs: list[int], problem: int | None, from_task: str, *, wait: bool, as_json: bool
) -> None:
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.workflows.running.replays import runs_by_id, runs_of_problem, start_replay  # noqa: PLC0415

    if bool(runs) == (problem is not None):
        raise ConfigurationError("Name the runs to replay, or one --problem.")
    chosen, what = (
        (runs_by_id(runs), f"runs {', '.join(map(str, runs[:10]))}{' …' if len(runs) > 10 else ''}")  # noqa: PLR2004
        if problem is None
        else (runs_of_problem(problem), f"problem {problem}")
    )
    async with database.transaction() as connection:
        number = await start_replay(connection, chosen, what=what, from_task=from_task)
    if wait:
        await _show_progress(database, number, quiet=as_json)
    await _print(database, number, as_json=as_json)


async def _show_progress(database: "Database", number: int, *, quiet: bool) -> None:
    """Wait until the replay is at its end."""
    import asyncio  # noqa: PLC0415
    import sys  # noqa: PLC0415

    replay = await _get(database, number)
    looked = 0
    with typer.progressbar(length=replay.total, label=f"Replay {number}", file=sys.stderr) as bar:
        while replay.finished_at is None:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            replay = await _get(database, number)
            if not quiet:
                bar.update(replay.done + replay.left - bar.pos)
            looked += 1
            if looked == LOOKS_BEFORE_HINT and replay.queued == replay.total:
                typer.echo(
                    "\nNothing is taken up yet: is a worker running? The replay waits for one.", err=True
                )


async def _get(database: "Database", number: int) -> "Replay":
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.workflows.running.replays import get_replay  # noqa: PLC0415

    async with database.transaction() as connection:
        replay = await get_replay(connection, number)
    if replay is None:
        raise ConfigurationError(
            f"There is no replay {number}; `afterword replays list` shows those there are."
        )
    return replay


async def _print(database: "Database", number: int, *, as_json: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415

    replay = await _get(database, number)
    if as_json:
        print_json(replay)
    else:
        typer.echo(_line(replay))


async def _list(database: "Database", *, as_json: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.workflows.running.replays import list_replays  # noqa: PLC0415

    async with database.transaction() as connection:
        replays = await list_replays(connection)
    if as_json:
        print_json(replays)
        return
    if not replays:
        typer.echo("No replay yet.")
    for replay in replays:
        typer.echo(_line(replay))


async def _stop(database: "Database", number: int) -> None:
    from afterword.workflows.running.replays import stop_replay  # noqa: PLC0415

    async with database.transaction() as connection:
        stopped = await stop_replay(connection, number)
    replay = await _get(database, number)
    typer.echo(_line(replay) if stopped else f"Replay {number} was at its end already.")


def _line(replay: "Replay") -> str:
    state = "stopped" if replay.stopped_at else "finished" if replay.finished_at else "under way"
    return (
        f"{replay.id:>6}  {replay.created_at:%Y-%m-%d %H:%M:%S}  {state:<9}  {replay.what} from {replay.from_task}: "
        f"{replay.done} of {replay.total} done, {replay.started} running, {replay.queued} queued, "
        f"{replay.left} left alone"
    )
