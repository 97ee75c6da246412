"""``afterword subscribers``: programs that are told of responses to our own surveys."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database, with_installation

if TYPE_CHECKING:
    from afterword.settings import Settings
    from afterword.store.database import Database

app = typer.Typer(
    help="Programs that are told of responses to Afterword's own surveys, by event subscriptions.",
    no_args_is_help=True,
)

MOST_LISTED = 1000


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the subscriptions, and what each could not be told."""
    with_installation(data_dir, lambda settings, database: _list(settings, database, as_json=as_json))


@app.command("retry")
def retry(
    subscription: Annotated[str, typer.Argument(help="SUB_…, as `afterword subscribers list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Tell a subscriber what was given up, once more."""
    with_database(data_dir, lambda database: _retry(database, subscription))


async def _list(settings: "Settings", database: "Database", *, as_json: bool) -> None:
    from afterword.accounts.secrets import SecretBox  # noqa: PLC0415
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.subscriptions.subscriptions import list_subscriptions, without_query  # noqa: PLC0415

    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        found = [without_query(one) for one in await list_subscriptions(connection, box, limit=MOST_LISTED)]
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("Nobody subscribed.")
    for one in found:
        failure = (
            f"; last failure {one.last_failed_at:%Y-%m-%d %H:%M}: {one.last_failure}"
            if one.last_failure
            else ""
        )
        typer.echo(
            f"{one.id}  {one.topics}  {one.publication_url}  told {one.successful_calls}, waiting {one.waiting}, "
            f"given up {one.given_up}{failure}"
        )


async def _retry(database: "Database", subscription_id: str) -> None:
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.subscriptions.subscriptions import tell_again  # noqa: PLC0415

    async with database.transaction() as connection:
        number = await tell_again(connection, subscription_id)
    if not number:
        raise ConfigurationError(
            f"Nothing was given up for {subscription_id!r}; `afterword subscribers list` shows what was."
        )
    typer.echo(f"{number} will be told again.")
