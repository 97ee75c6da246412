"""``afterword gladly``: looking at what stands in Gladly."""

from typing import Annotated

import typer

from afterword.commands.common import DataDir, Json, with_installation

app = typer.Typer(help="Look at what stands in a connected Gladly account.", no_args_is_help=True)

Account = Annotated[
    str | None,
    typer.Option(
        "--account", help="The connected Gladly account, by name or id.", show_default="the only one there is"
    ),
]


@app.callback()
def _group() -> None:
    """Keep the group a group, however many commands it has."""


@app.command("item")
def item(
    item_id: Annotated[str, typer.Argument(metavar="ID", help="The item's id in Gladly.")],
    account: Account = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show every field of an item on a timeline, and the settings that make a card such as this one."""
    from afterword.commands.gladly_items import show_item  # noqa: PLC0415

    with_installation(
        data_dir, lambda settings, database: show_item(settings, database, item_id, account, as_json=as_json)
    )
