"""``afterword eligibility``: how many of the last week's Customers a Workflow's rules would have asked."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_installation

app = typer.Typer(help="Whom a workflow asks.", no_args_is_help=True)


@app.callback()
def eligibility() -> None:
    """Whom a workflow asks."""


@app.command("preview")
def preview(
    since: Annotated[
        datetime | None, typer.Option(help="From when on, in UTC.", show_default="a week ago")
    ] = None,
    workflow: Annotated[
        str | None,
        typer.Option(
            help="The workflow whose rules are taken, by id or name.",
            show_default="the one that tells of closings",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="The Gladly account, by name or id.", show_default="the only one")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Count of how many conversations customers would have been asked, by Gladly's own records, and why not of others.

    Nothing is sent, and no run is made. Where there are many, some customers are looked at, and the rest is estimated.
    """
    from afterword.commands.eligibility_work import Wanted, preview_rules  # noqa: PLC0415

    wanted = Wanted(None if since is None else since.replace(tzinfo=UTC), workflow, account)
    with_installation(
        data_dir, lambda settings, database: preview_rules(settings, database, wanted, as_json=as_json)
    )
