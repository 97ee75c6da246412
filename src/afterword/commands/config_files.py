"""``afterword export``, ``diff`` and ``apply``: an installation's set-up as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_installation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from afterword.accounts.secrets import SecretBox
    from afterword.config_files.installed import Installed
    from afterword.config_files.planning import Change, Planned
    from afterword.settings import Settings
    from afterword.store.database import Database
    from afterword.tasks.planning import PlanningTasks

Folder = Annotated[Path, typer.Argument(help="The folder of the files.", show_default=False)]
Prune = Annotated[bool, typer.Option("--prune", help="Delete workflows that are in no file.")]
COLOURS = {"added": typer.colors.GREEN, "changed": typer.colors.YELLOW, "deleted": typer.colors.RED}


def export(folder: Folder, data_dir: DataDir = None) -> None:
    """Write accounts (without secrets), mailing lists, surveys and workflows to YAML files with JSON Schemas."""
    with_installation(data_dir, lambda settings, database: _export(settings, database, folder))


def diff(folder: Folder, prune: Prune = False, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show what `afterword apply` would change; the exit status is 1 if anything, 0 if nothing."""
    with_installation(
        data_dir, lambda settings, database: _diff(settings, database, folder, prune=prune, as_json=as_json)
    )


def apply(folder: Folder, prune: Prune = False, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the installation as the files say, in one transaction, or not at all, with each error at its line."""
    with_installation(
        data_dir, lambda settings, database: _apply(settings, database, folder, prune=prune, as_json=as_json)
    )


def add_to(app: typer.Typer) -> None:
    """Add the three commands."""
    for command in (export, diff, apply):
        app.command(command.__name__)(command)


async def _export(settings: "Settings", database: "Database", folder: Path) -> None:
    from afterword.config_files.folder import write_folder  # noqa: PLC0415
    from afterword.config_files.schemas import json_schemas  # noqa: PLC0415
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.tasks.describing import describe_installed  # noqa: PLC0415

    async with database.transaction() as connection:
        _, _, installed = await _read(settings, database, connection)
    described, _ = describe_installed()
    documents = [(kind, document) for (kind, _), document in sorted(installed.documents.items())]
    try:
        count = write_folder(folder, documents, json_schemas(described))
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from None
    typer.echo(
        f"{count} files in {folder}: accounts without their secrets, mailing lists, surveys, workflows."
    )


async def _diff(
    settings: "Settings", database: "Database", folder: Path, *, prune: bool, as_json: bool
) -> None:
    async with database.transaction() as connection:
        planned = await _plan(settings, database, connection, folder, prune=prune)
    _tell(planned, as_json=as_json, would=True)
    if planned.changes:
        raise typer.Exit(1)


async def _apply(
    settings: "Settings", database: "Database", folder: Path, *, prune: bool, as_json: bool
) -> None:
    from afterword.config_files.applying import Applier  # noqa: PLC0415
    from afterword.config_files.folder import read_folder  # noqa: PLC0415
    from afterword.config_files.planning import plan  # noqa: PLC0415
    from afterword.workflows.saving.known import check_on_saving  # noqa: PLC0415

    loaded = read_folder(folder)
    async with database.transaction() as connection:
        box, planning, installed = await _read(settings, database, connection)
        planned = plan(loaded, installed, planning.types, prune=prune)
        applier = Applier(
            connection,
            box,
            installed,
            check=check_on_saving(planning.types),
            owner_id=await _owner(connection),
        )
        await applier.apply(planned.changes)
    _tell(planned, as_json=as_json, would=False)


async def _plan(
    settings: "Settings", database: "Database", connection: "AsyncConnection", folder: Path, *, prune: bool
) -> "Planned":
    from afterword.config_files.folder import read_folder  # noqa: PLC0415
    from afterword.config_files.planning import plan  # noqa: PLC0415

    loaded = read_folder(folder)
    _, planning, installed = await _read(settings, database, connection)
    return plan(loaded, installed, planning.types, prune=prune)


async def _read(
    settings: "Settings", database: "Database", connection: "AsyncConnection"
) -> "tuple[SecretBox, PlanningTasks, Installed]":
    from afterword.accounts.secrets import SecretBox  # noqa: PLC0415
    from afterword.config_files.installed import read_installed  # noqa: PLC0415
    from afterword.tasks.planning import PlanningTasks  # noqa: PLC0415

    box = SecretBox.open(settings)
    planning = PlanningTasks(settings, database, box)
    return box, planning, await read_installed(connection, planning.types)


async def _owner(connection: "AsyncConnection") -> str:
    """Whose the endpoints are that a file makes and names nobody for: the first owner's.

    Raises:
        ConfigurationError: the installation has no owner yet.
    """
    from sqlalchemy import select  # noqa: PLC0415

    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.store.tables import person  # noqa: PLC0415

    owner = await connection.scalar(
        select(person.c.id).where(person.c.role == "owner").order_by(person.c.created_at).limit(1)
    )
    if owner is None:
        raise ConfigurationError("The installation has no owner yet: start it once, and make one.")
    return str(owner)


def _tell(planned: "Planned", *, as_json: bool, would: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415

    if as_json:
        print_json([_as_data(change) for change in planned.changes])
        return
    for change in planned.changes:
        typer.echo(f"{typer.style(change.what, fg=COLOURS[change.what])}: {change.kind} “{change.name}”")
        for one in change.differences:
            typer.echo(f"    {one.where}: {one.change}: {_short(one.before)} → {_short(one.after)}")
    for kind, name in planned.left_alone:
        typer.echo(typer.style(f"left alone, as no file describes it: {kind} “{name}”", dim=True))
    if not planned.changes:
        typer.echo("Nothing would change." if would else "Nothing changed.")


def _as_data(change: "Change") -> dict[str, object]:
    return {
        "kind": change.kind,
        "id": change.id,
        "name": change.name,
        "what": change.what,
        "differences": change.differences,
    }


def _short(text: str | None) -> str:
    longest = 80
    if text is None:
        return "nothing"
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
