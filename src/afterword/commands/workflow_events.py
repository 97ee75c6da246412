"""A workflow's event on the command line: its address, capture, and events that came before."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database, with_installation

Workflow = Annotated[str, typer.Argument(help="The workflow's id (OC_…), or its name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Since = Annotated[
    datetime | None,
    typer.Option(help="Only what came since then, in UTC.", show_default="from the beginning"),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to ``afterword workflows``."""
    app.command("address")(address)
    app.command("capture")(capture)
    app.command("feed")(feed)


def address(
    workflow: Workflow,
    data_dir: DataDir = None,
    regenerate: Annotated[
        bool, typer.Option("--regenerate", help="Make another address; the old one stops at once.")
    ] = False,
    authentication: Annotated[
        bool | None,
        typer.Option(
            "--authentication/--no-authentication",
            help="Whether an API token has to come with each event, or the address alone is enough.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the address of a workflow's JSON event. It is a secret: who knows it can send events."""
    from afterword.commands.workflow_event_work import show_address  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: show_address(
            settings,
            database,
            workflow,
            regenerate=regenerate,
            authentication=authentication,
            as_json=as_json,
        ),
    )


def capture(  # noqa: PLR0917 - a command's options
    workflow: Workflow,
    data_dir: DataDir = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help="Add this field of the sample to the JSON event, or `all`. May be given again."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Forget the sample that came, and wait for another.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the sample.")] = 300.0,
    as_json: Json = False,
) -> None:
    """Wait for one sample request at a workflow's address, and show or add the fields that it has."""
    from afterword.commands.workflow_event_work import capture_fields  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: capture_fields(
            settings, database, workflow, add=tuple(add or ()), again=again, wait=wait, as_json=as_json
        ),
    )


def feed(  # noqa: PLR0917 - a command's options
    workflow: Workflow,
    data_dir: DataDir = None,
    event: Annotated[
        list[int] | None,
        typer.Option(help="The number of an event. May be given again.", show_default="all that were kept"),
    ] = None,
    since: Since = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Run events that came while a workflow was off or had no task yet, behind live ones; none twice."""
    from afterword.commands.workflow_event_work import feed_events  # noqa: PLC0415

    with_database(
        data_dir,
        lambda database: feed_events(
            database, workflow, tuple(event or ()), since=in_utc(since), yes=yes, as_json=as_json
        ),
    )


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment as it is typed, which names no zone."""
    return None if moment is None else moment.replace(tzinfo=UTC)
