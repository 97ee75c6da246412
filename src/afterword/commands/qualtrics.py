"""``afterword qualtrics``: surveys of a real Qualtrics, and having it tell us of their responses."""

from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_installation

app = typer.Typer(help="Surveys of connected Qualtrics accounts, and their responses.", no_args_is_help=True)

Account = Annotated[
    str | None,
    typer.Option(
        "--account",
        help="The connected Qualtrics account, by name or id.",
        show_default="the only one there is",
    ),
]
Survey = Annotated[str, typer.Argument(help="The survey's id, as `afterword qualtrics surveys` shows it.")]


@app.command("surveys")
def surveys(account: Account = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the surveys that the account's user may see, with their ids."""
    from afterword.commands.qualtrics_surveys import list_surveys  # noqa: PLC0415

    with_installation(
        data_dir, lambda settings, database: list_surveys(settings, database, account, as_json=as_json)
    )


@app.command("subscribe")
def subscribe(
    survey: Survey,
    account: Account = None,
    web_service: Annotated[
        bool,
        typer.Option(
            "--web-service",
            help="Show what to paste into a Web Service task instead; needs no administrator.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Have Qualtrics tell of each response to a survey. Doing it again changes nothing, or replaces what is stale."""
    from afterword.commands.qualtrics_surveys import subscribe  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: subscribe(
            settings, database, survey, account, web_service=web_service, as_json=as_json
        ),
    )


@app.command("unsubscribe")
def unsubscribe(survey: Survey, account: Account = None, data_dir: DataDir = None) -> None:
    """Have Qualtrics tell of a survey's responses no more."""
    from afterword.commands.qualtrics_surveys import unsubscribe  # noqa: PLC0415

    with_installation(data_dir, lambda settings, database: unsubscribe(settings, database, survey, account))
