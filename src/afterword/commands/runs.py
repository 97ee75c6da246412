"""``afterword runs`` and ``afterword events``: what workflows did, and what arrived."""

from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

app = typer.Typer(help="See what workflows did: every run, its tasks and each attempt.", no_args_is_help=True)
events_app = typer.Typer(help="See what arrived: every event, and what came of it.", no_args_is_help=True)

Several = list[str] | None
Anonymous = Annotated[
    bool,
    typer.Option(
        "--anonymous",
        help="Leave out names, addresses and what was received, sent and answered: to show others.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")]
Before = Annotated[int | None, typer.Option(help="Only those older than the one of this number.")]


@app.command("list")
def list_runs(  # noqa: PLR0917 - a command's options
    data_dir: DataDir = None,
    search: Annotated[
        str | None, typer.Option(help="Only runs with these words: ids, names, addresses, reasons.")
    ] = None,
    status: Annotated[
        Several, typer.Option(help="Only runs of this status; may be given several times.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow (its id).")] = None,
    revision: Annotated[int | None, typer.Option(help="Only runs of this revision of the workflow.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only runs about this customer (the id).")] = None,
    conversation: Annotated[str | None, typer.Option(help="Only runs of this conversation.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only runs with this reason (its code).")] = None,
    event_type: Annotated[str | None, typer.Option(help="Only runs that such an event started.")] = None,
    survey: Annotated[
        str | None,
        typer.Option(help="Only runs of workflows that belong to, start with or send this survey."),
    ] = None,
    event: Annotated[str | None, typer.Option(help="Only runs of the event of this number.")] = None,
    problem: Annotated[
        str | None, typer.Option(help="Only failed runs of the problem of this number.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Started then or later: 2026-11-24, 2026-11-24T16:30Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Started before; a day is counted in.")] = None,
    before: Before = None,
    limit: Limit = 50,
    anonymous: Anonymous = False,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from afterword.commands.run_history import list_runs  # noqa: PLC0415

    given = {
        "search": search,
        "workflow": workflow,
        "revision": None if revision is None else str(revision),
        "customer": customer,
        "conversation": conversation,
        "reason": reason,
        "event_type": event_type,
        "survey": survey,
        "event": event,
        "problem": problem,
        "from": since,
        "until": until,
    }
    texts = {name: [value] for name, value in given.items() if value is not None} | {"status": status or []}
    with_database(
        data_dir,
        lambda database: list_runs(
            database, texts, before=before, limit=limit, personal=not anonymous, as_json=as_json
        ),
    )


@app.command("show")
def show_run(
    run_id: Annotated[int, typer.Argument(help="The run's number, as `afterword runs list` shows it.")],
    data_dir: DataDir = None,
    anonymous: Anonymous = False,
    as_json: Json = False,
) -> None:
    """Show one run: its event, its tasks and each attempt."""
    from afterword.commands.run_history import show_run  # noqa: PLC0415

    with_database(
        data_dir, lambda database: show_run(database, run_id, personal=not anonymous, as_json=as_json)
    )


@events_app.command("list")
def list_events(  # noqa: PLR0917 - a command's options
    data_dir: DataDir = None,
    status: Annotated[
        Several,
        typer.Option(
            help="Only events of this status: received, matched, ignored, redelivered. Several may be given."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Only events with this reason (its code).")] = None,
    before: Before = None,
    limit: Limit = 50,
    anonymous: Anonymous = False,
    as_json: Json = False,
) -> None:
    """List events, newest first, each with the runs that it started."""
    from afterword.commands.run_history import list_events  # noqa: PLC0415

    texts = {"status": status or [], "reason": [] if reason is None else [reason]}
    with_database(
        data_dir,
        lambda database: list_events(
            database, texts, before=before, limit=limit, personal=not anonymous, as_json=as_json
        ),
    )
