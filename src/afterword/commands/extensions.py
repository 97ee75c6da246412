"""``afterword extensions``: the task types that are installed, and their switches."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.store.database import Database

app = typer.Typer(
    help="Extensions: every task type that is installed, each with a switch.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="As `afterword extensions list` shows it.")]


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the task types, and whether each is on."""
    with_database(data_dir, lambda database: _list(database, as_json=as_json))


@app.command("on")
def on(name: Name, data_dir: DataDir = None) -> None:
    """Have a task type to be had again."""
    with_database(data_dir, lambda database: _switch(database, name, is_on=True))


@app.command("off")
def off(name: Name, data_dir: DataDir = None) -> None:
    """Have a task type not to be had, which no Workflow that is on may use."""
    with_database(data_dir, lambda database: _switch(database, name, is_on=False))


async def _list(database: "Database", *, as_json: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.tasks.describing import describe_installed  # noqa: PLC0415
    from afterword.workflows.saving.extensions import switched_off  # noqa: PLC0415

    described, installed = describe_installed()
    async with database.transaction() as connection:
        off = await switched_off(connection)
    if as_json:
        told = [
            {"name": one.name, "label": one.label, "package": one.package, "is_on": one.name not in off}
            for one in described
        ]
        print_json(told)
        return
    for one in described:
        typer.echo(f"{'off' if one.name in off else 'on ':<3}  {one.name:<24}  {one.label}  ({one.package})")
    for unusable in installed.unusable:
        typer.echo(f"{unusable.name} cannot be used: {unusable.words}")


async def _switch(database: "Database", name: str, *, is_on: bool) -> None:
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.tasks.describing import describe_installed  # noqa: PLC0415
    from afterword.workflows.saving.extensions import ExtensionInUse, switch_extension  # noqa: PLC0415

    found = next((one for one in describe_installed()[0] if one.name == name), None)
    if found is None:
        raise ConfigurationError(f"No task type {name} is installed; `afterword extensions list` shows them.")
    try:
        async with database.transaction() as connection:
            await switch_extension(connection, name, found.label, is_on=is_on)
    except ExtensionInUse as error:
        raise ConfigurationError(str(error)) from None
    typer.echo(f"{found.label} is {'on' if is_on else 'off'}.")
