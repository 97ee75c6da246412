"""``afterword secrets``: the key that stored secrets are encrypted with."""

from typing import TYPE_CHECKING

import typer

from afterword.commands.common import DataDir, with_installation

if TYPE_CHECKING:
    from afterword.settings import Settings
    from afterword.store.database import Database

app = typer.Typer(
    help="The key that tokens and passwords are encrypted with: change it.", no_args_is_help=True
)


@app.callback()
def secrets() -> None:
    """The key that tokens and passwords are encrypted with: change it."""


@app.command("encrypt-anew")
def encrypt_anew(data_dir: DataDir = None) -> None:
    """Encrypt every stored secret with the first of AFTERWORD_SECRET_KEY, so that the others are needed no more."""
    with_installation(data_dir, _encrypt_anew)


async def _encrypt_anew(settings: "Settings", database: "Database") -> None:
    from afterword.accounts.secrets import SecretBox, encrypt_all_anew  # noqa: PLC0415

    async with database.transaction() as connection:
        count = await encrypt_all_anew(connection, SecretBox.open(settings))
    typer.echo(
        f"{count} secrets are encrypted with the first key. Once every process was started with it, "
        "take the others out of AFTERWORD_SECRET_KEY."
    )
