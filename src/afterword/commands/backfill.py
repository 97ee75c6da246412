"""``afterword backfill``: what was missed, or came before its workflow, found and run."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from afterword.commands.common import LARGEST_NUMBER, DataDir, Json, with_database, with_installation
from afterword.outcomes import ConfigurationError

app = typer.Typer(
    help="Find closings that were missed, or feed responses to a workflow; behind live events, and none twice.",
    invoke_without_command=True,
    no_args_is_help=True,
)

Number = Annotated[
    int,
    typer.Argument(
        min=1, max=LARGEST_NUMBER, help="The backfill's number, as `afterword backfill list` shows it."
    ),
]


@app.callback()
def backfill(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    since: Annotated[datetime | None, typer.Option(help="From when on, in UTC.", show_default=False)] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="With closings: until when, in UTC.", show_default="until now"),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(help="With closings: the Gladly account, by name or id.", show_default="the only one"),
    ] = None,
    responses: Annotated[
        str | None,
        typer.Option(help="Feed responses to this survey (SV_…) in place of closings.", show_default=False),
    ] = None,
    workflow: Annotated[
        str | None,
        typer.Option(
            help="With responses: feed them to this workflow.",
            show_default="all that are on and start with that survey",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With closings: tell what would come of it, and do nothing.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Look through Gladly's own records for closings that never arrived, and start their workflows.

    It tells first how many closings it found, how many are known, and how many customers would be asked, and asks. With
    --responses it feeds a survey's responses to workflows that were made later.
    """
    if context.invoked_subcommand is not None:
        return
    if since is None:
        raise ConfigurationError("--since is missing: from when on?")
    begin = since.replace(tzinfo=UTC)
    if responses is not None:
        from afterword.commands.backfill_responses_work import backfill_responses  # noqa: PLC0415

        with_database(
            data_dir,
            lambda database: backfill_responses(
                database, responses, begin, workflow_id=workflow, yes=yes, as_json=as_json
            ),
        )
        return
    from afterword.commands.backfill_work import Wanted, backfill_closings  # noqa: PLC0415

    wanted = Wanted(begin, None if until is None else until.replace(tzinfo=UTC), account)
    with_installation(
        data_dir,
        lambda settings, database: backfill_closings(
            settings, database, wanted, yes=yes, dry_run=dry_run, as_json=as_json
        ),
    )


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List backfills, newest first, with what they found and what they could not read."""
    from afterword.commands.backfill_work import list_backfills  # noqa: PLC0415

    with_database(data_dir, lambda database: list_backfills(database, as_json=as_json))


@app.command("stop")
def stop(backfill: Number, data_dir: DataDir = None) -> None:
    """Stop a backfill: what it recorded stays, what it only found is let go."""
    from afterword.commands.backfill_work import stop_backfill  # noqa: PLC0415

    with_database(data_dir, lambda database: stop_backfill(database, backfill))


@app.command("resume")
def resume(backfill: Number, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Go on with a backfill that was interrupted, without asking, and show its progress."""
    from afterword.commands.backfill_work import resume_backfill  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: resume_backfill(settings, database, backfill, as_json=as_json),
    )
