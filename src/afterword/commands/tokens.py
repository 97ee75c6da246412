"""``afterword tokens``: the tokens by which programs call Afterword."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database
from afterword.commands.people import find_by_words, told_in_one_line

if TYPE_CHECKING:
    from afterword.accounts.api_tokens import ListedToken
    from afterword.store.database import Database

app = typer.Typer(
    help="API tokens: made for people and service accounts, listed, ended.", no_args_is_help=True
)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List every token, with what it may do and when it was last used. No token is ever shown again."""
    with_database(data_dir, lambda database: _list(database, as_json=as_json))


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(help="What it is for, such as the program's name.")],
    whose: Annotated[
        str, typer.Option("--for", help="Whose it is: an email address, or a service account's name.")
    ],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="What it may do, such as read:runs; once for each. Without: everything."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a token, and print it, this once."""
    with_database(data_dir, lambda database: _make(database, name, whose, scopes))


@app.command("end")
def end(
    token_id: Annotated[str, typer.Argument(help="AT_…, as `afterword tokens list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Have a token let nobody in any more."""
    with_database(data_dir, lambda database: _end(database, token_id))


async def _list(database: "Database", *, as_json: bool) -> None:
    from afterword.accounts.api_tokens import list_api_tokens  # noqa: PLC0415
    from afterword.commands.common import print_json  # noqa: PLC0415

    async with database.transaction() as connection:
        found = await list_api_tokens(connection, None)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("There is no token; `afterword tokens make` makes one.")
    for one in found:
        typer.echo(_line(one))


def _line(token: "ListedToken") -> str:
    may = "everything" if token.scopes is None else ", ".join(token.scopes)
    used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
    return f"{token.id}  {token.name}  of {token.of}  may: {may}  {used}"


async def _make(database: "Database", name: str, whose: str, scopes: list[str] | None) -> None:
    from afterword.accounts.api_tokens import add_api_token  # noqa: PLC0415

    with told_in_one_line():
        async with database.transaction() as connection:
            person = await find_by_words(connection, whose)
            token = await add_api_token(connection, person.id, name, scopes=scopes or None)
    typer.echo(token)


async def _end(database: "Database", token_id: str) -> None:
    from afterword.accounts.api_tokens import end_api_token, list_api_tokens  # noqa: PLC0415
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    async with database.transaction() as connection:
        known = next((one for one in await list_api_tokens(connection, None) if one.id == token_id), None)
        if known is None:
            raise ConfigurationError(f"There is no token {token_id}; `afterword tokens list` shows them.")
        await end_api_token(connection, token_id)
    typer.echo(f"{known.name}, of {known.of}, lets nobody in any more.")
