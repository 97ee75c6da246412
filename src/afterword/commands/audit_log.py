"""``afterword audit-log``: who changed what."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import LARGEST_NUMBER, DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.accounts.audit import Entry, Value
    from afterword.store.database import Database


def audit_log(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many entries.")] = 50,
    kind: Annotated[
        str, typer.Option("--kind", help="Of one kind alone: account, person, token, workflow, sending, …")
    ] = "",
    before: Annotated[
        int | None,
        typer.Option("--before", min=1, max=LARGEST_NUMBER, help="Older than the entry of this number."),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Tell who changed what, when, and from what to what, the newest first."""
    with_database(
        data_dir, lambda database: _tell(database, limit=limit, kind=kind, before=before, as_json=as_json)
    )


async def _tell(database: "Database", *, limit: int, kind: str, before: int | None, as_json: bool) -> None:
    from afterword.accounts.audit import list_entries  # noqa: PLC0415
    from afterword.commands.common import print_json  # noqa: PLC0415

    async with database.transaction() as connection:
        found = await list_entries(connection, kind=kind, older_than=before, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("Nothing was changed.")
    for entry in found:
        typer.echo(_line(entry))


def _line(entry: "Entry") -> str:
    by = f"{entry.actor} ({entry.door})" if entry.door else entry.actor
    changes = "; ".join(f"{name}: {_told(was)} -> {_told(now)}" for name, was, now in entry.changes)
    told = f"{entry.id}  {entry.at:%Y-%m-%d %H:%M:%S}  {by}  {entry.what} {entry.kind} {entry.subject}"
    return f"{told}  [{changes}]" if changes else told


def _told(value: "Value") -> str:
    return "nothing" if value is None else str(value)
