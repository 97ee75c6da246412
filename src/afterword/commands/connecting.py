"""Connecting accounts, as lines of text."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import typer

from afterword.accounts.connected import AccountSummary, InvalidAccount, list_accounts
from afterword.accounts.connecting import Connector, whose
from afterword.accounts.qualtrics_accounts import change_qualtrics, get_qualtrics, with_notification_secret
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.accounts.subscribing import list_subscriptions
from afterword.accounts.web_service_accounts import change_secret
from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.qualtrics.models import Whoami
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.saving.removing_accounts import AccountInUse, forget_account

Connected = TypeVar("Connected")
AskAgain = Callable[[], str]
TRIES = 3

OPTIONS = {
    "name": "--name",
    "base_url": "--address",
    "username": "--username",
    "api_token": "API token",
    "json_event_url": "--json-event-url",
    "secret": "Secret",
    "header_name": "--header",
    "webhook_header": "--webhook-header",
}


@asynccontextmanager
async def opened(settings: Settings, database: Database) -> AsyncIterator[tuple[Connector, SecretBox]]:
    """What connects accounts, with errors told in one line, at the option that caused them.

    Raises:
        ConfigurationError: an account cannot be connected so, or the database has another key.
    """
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
    with told_at_its_option():
        yield Connector(settings, database, box), box


@contextmanager
def told_at_its_option() -> Iterator[None]:
    """Tell what is wrong with an account at the option that caused it."""
    try:
        yield
    except InvalidAccount as error:
        words = str(error).removeprefix(f"{error.field}: ") if error.field else str(error)
        where = f"{OPTIONS.get(error.field, error.field)}: " if error.field else ""
        raise ConfigurationError(where + words) from None


async def find(database: Database, wanted: str | None, kind: str | None = None) -> AccountSummary:
    """The account of this name or id; without one the only account of the kind.

    Raises:
        ConfigurationError: there is none, or more than one.
    """
    async with database.transaction() as connection:
        accounts = await list_accounts(connection)
    of_kind = [account for account in accounts if kind is None or account.kind == kind]
    found = [account for account in of_kind if wanted is None or wanted in (account.id, account.name)]
    vendor = "" if kind is None else f"{kind.capitalize()} "
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{account.id} ({account.kind}, {account.name})" for account in found)
        raise ConfigurationError(f"Say which account, by its id: {told}.")
    if not of_kind:
        raise ConfigurationError(f"No {vendor}account is connected; `afterword accounts add` connects one.")
    raise ConfigurationError(
        f"There is no {vendor}account {wanted!r}; `afterword accounts list` shows those there are."
    )


async def add_qualtrics(
    settings: Settings,
    database: Database,
    *,
    address: str,
    token: str,
    name: str | None,
    json_event_url: str | None,
    ask_again: AskAgain | None,
    as_json: bool,
) -> None:
    """Connect a Qualtrics account, and say how to go on."""
    async with opened(settings, database) as (connector, _):
        account, whoami = await until_it_works(
            lambda token: connector.add_qualtrics(
                address=address, api_token=token, name=name, json_event_url=json_event_url
            ),
            token,
            ask_again,
        )
    if as_json:
        print_json(
            {
                "id": account.id,
                "name": account.name,
                "address": account.base_url,
                "brandId": whoami.brand_id,
                "userId": whoami.user_id,
                "notice": whoami.notice,
            }
        )
        return
    typer.echo(f"Connected {account.name!r} ({account.id}): {whose(whoami)} at {account.base_url}.")
    _tell_notice(whoami, account.name)
    typer.echo(f"Next: `afterword qualtrics surveys --account {account.id}`, and subscribe to one of them.")


async def until_it_works(
    connect: Callable[[str], Awaitable[Connected]], token: str, ask_again: AskAgain | None
) -> Connected:
    """Connect; where somebody can be asked, ask again for a token that is refused: all else stays as it was typed."""
    for _ in range(TRIES - 1):
        try:
            return await connect(token)
        except InvalidAccount as error:
            if ask_again is None or error.field != "api_token":
                raise
            typer.echo(f"API token: {error}", err=True)
            token = ask_again()
    return await connect(token)


async def rotate(settings: Settings, database: Database, wanted: str, token: str) -> None:
    """Give an account another token."""
    account = await find(database, wanted)
    async with opened(settings, database) as (connector, box):
        if account.kind == "web-service":
            async with database.transaction() as connection:
                await change_secret(connection, box, account.id, token)
            typer.echo(f"{account.name!r} has the new secret. It was not tried.")
            return
        owner = await connector.rotate(account, token)
    typer.echo(f"{account.name!r} has the new token: {whose(owner)}. The old one may be taken away.")


async def renew_secret(settings: Settings, database: Database, wanted: str) -> None:
    """Make a new secret for what Qualtrics tells us; the one before stays valid."""
    account = await find(database, wanted, "qualtrics")
    async with opened(settings, database) as (_, box), database.transaction() as connection:
        found = await get_qualtrics(connection, box, account.id)
        if found is None:
            raise InvalidAccount(f"There is no Qualtrics account {wanted!r}.")
        await with_notification_secret(connection, box, found, renew=True)
        subscribed = await list_subscriptions(connection, account.id)
    typer.echo(f"{account.name!r} has a new secret. The one before stays valid until the next is made.")
    for one in subscribed:
        typer.echo(
            f"  `afterword qualtrics subscribe {one.survey_id} --account {account.id}` puts it to use."
        )
    typer.echo("  `afterword qualtrics subscribe SURVEY --web-service` shows it for a Web Service task.")


async def change(
    settings: Settings, database: Database, wanted: str, address: str | None, json_event_url: str | None
) -> None:
    """Change the addresses of an account."""
    account = await find(database, wanted, "qualtrics" if json_event_url is not None else None)
    if account.kind == "web-service":
        raise ConfigurationError(
            "A web service's address stays: its secret belongs to it. Add it as another account."
        )
    async with opened(settings, database) as (connector, box):
        if address is not None:
            owner = await connector.move(account, address)
            typer.echo(f"{account.name!r} is now reached at another address: {whose(owner)}.")
            if isinstance(owner, Whoami):
                _tell_notice(owner, account.name)
        if json_event_url is not None:
            async with database.transaction() as connection:
                await change_qualtrics(connection, box, account.id, json_event_url=json_event_url)
            typer.echo(f"{account.name!r} sends closed conversations to the JSON event of this address.")


async def remove(settings: Settings, database: Database, wanted: str, *, force: bool) -> None:
    """Forget an account; the webhook that was made for it goes too.

    Raises:
        ConfigurationError: a workflow uses it.
    """
    account = await find(database, wanted)
    async with opened(settings, database) as (_, box):
        try:
            left = await forget_account(settings, database, box, account, even_if_used=force)
        except AccountInUse as error:
            raise ConfigurationError(f"{error}, or add --force.") from None
    typer.echo(f"{account.name!r} is forgotten, and its secrets with it. What is left at the vendor:")
    for line in left:
        typer.echo(f"  - {line}")


def _tell_notice(whoami: Whoami, name: str) -> None:
    if whoami.notice:
        typer.echo(f"Qualtrics says: {whoami.notice}")
        typer.echo(
            f"It works as it is; `afterword accounts change {name!r} --address …` takes the nearer one."
        )
