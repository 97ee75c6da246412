"""How the connected accounts are, as lines of text: listed, and tried."""

from collections.abc import Sequence

import msgspec
import typer

from afterword.accounts.connected import AccountSummary, InvalidAccount, list_accounts
from afterword.accounts.connecting import Connector, whose
from afterword.commands.common import print_json
from afterword.commands.connecting import find, opened
from afterword.commands.webhooks import NO_WEBHOOK, state_as_json, state_in_words, why_left
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.webhook_keeping.at_once import Webhooks
from afterword.webhook_keeping.states import read_states


async def list_connected(database: Database, *, as_json: bool) -> None:
    """Print the connected accounts, those of Gladly with how their webhook is."""
    async with database.transaction() as connection:
        accounts = await list_accounts(connection)
        states = await read_states(connection)
    if as_json:
        print_json(
            [
                {
                    **msgspec.to_builtins(account),
                    "webhook": state_as_json(states.get(account.id)),
                }
                for account in accounts
            ]
        )
        return
    if not accounts:
        typer.echo("No account is connected; `afterword accounts add` connects one.")
    for account in accounts:
        of = f"  {account.organization_id}" if account.organization_id else ""
        webhook = f"  {state_in_words(account, states.get(account.id))}" if account.kind == "gladly" else ""
        typer.echo(f"{account.id}  {account.kind:<9}  {account.name}  {account.base_url or ''}{of}{webhook}")


async def verify(settings: Settings, database: Database, wanted: str | None, *, as_json: bool) -> None:
    """Try accounts, each, and their webhooks; one that does not work does not keep the others from being tried."""
    async with database.transaction() as connection:
        accounts = await list_accounts(connection)
    chosen = accounts if wanted is None else [await find(database, wanted)]
    async with opened(settings, database) as (connector, box):
        webhooks = Webhooks(settings, database, box, connector, moves=False)
        results = [await _verified(settings, connector, webhooks, account) for account in chosen]
    if as_json:
        print_json(results)
    else:
        _tell_verified(results)
    if not all(result["works"] for result in results):
        raise typer.Exit(1)


async def _verified(
    settings: Settings, connector: Connector, webhooks: Webhooks, account: AccountSummary
) -> dict[str, object]:
    result: dict[str, object] = {"id": account.id, "name": account.name}
    if account.kind == "web-service":
        words = "not tried, as nothing is known of it that can be asked"
        return {**result, "works": True, "words": words}
    try:
        owner = await connector.verify(account)
    except InvalidAccount as error:
        return {**result, "works": False, "words": str(error)}
    if account.kind != "gladly":
        return {**result, "works": True, "words": whose(owner)}
    known = await webhooks.keep(await connector.gladly_account(account))
    return {
        **result,
        "works": account.delivery in NO_WEBHOOK or (known is not None and known.state == "works"),
        "words": f"{whose(owner)}; {state_in_words(account, known)}{why_left(settings, account, known)}",
        "webhook": state_as_json(known),
    }


def _tell_verified(results: Sequence[dict[str, object]]) -> None:
    if not results:
        typer.echo("No account is connected; `afterword accounts add` connects one.")
    for result in results:
        mark = (
            typer.style("works", fg=typer.colors.GREEN)
            if result["works"]
            else typer.style("fails", fg=typer.colors.RED)
        )
        typer.echo(f"{result['id']}  {mark}  {result['name']}: {result['words']}")
