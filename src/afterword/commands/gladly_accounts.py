"""Connecting Gladly, and its webhook, as lines of text."""

import typer

from afterword.accounts.connected import AccountSummary, Delivery
from afterword.accounts.connecting import whose
from afterword.accounts.gladly_accounts import GladlyAccount, change_gladly
from afterword.accounts.webhook_credentials import new_header_token, renewed
from afterword.commands.common import print_json
from afterword.commands.connecting import AskAgain, opened, until_it_works
from afterword.commands.webhooks import (
    NO_WEBHOOK,
    tell_how_by_hand,
    tell_webhook,
    webhook_as_json,
)
from afterword.gladly.webhooks import WebhookCredentials
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.webhook_keeping.at_once import Webhooks
from afterword.webhook_keeping.comparing import credentials_digest, known_address


async def add_gladly(
    settings: Settings,
    database: Database,
    *,
    address: str,
    username: str,
    token: str,
    name: str | None,
    delivery: Delivery,
    header: str | None,
    ask_again: AskAgain | None,
    as_json: bool,
) -> None:
    """Connect a Gladly account, and have it tell us of closings."""
    async with opened(settings, database) as (connector, box):
        account, organization = await until_it_works(
            lambda token: connector.add_gladly(
                address=address,
                username=username,
                api_token=token,
                name=name,
                delivery=delivery,
                webhook=None if header is None else WebhookCredentials((), (new_header_token(header),)),
            ),
            token,
            ask_again,
        )
        known = await Webhooks(settings, database, box, connector, moves=False).keep(account)
    if as_json:
        print_json(
            {
                "id": account.id,
                "name": account.name,
                "address": account.base_url,
                "organizationId": organization.id,
                "delivery": account.delivery,
                "webhook": webhook_as_json(settings, account, known),
            }
        )
        return
    connected = typer.style("Connected", fg=typer.colors.GREEN)
    typer.echo(f"{connected} {account.name!r} ({account.id}): {whose(organization)} at {account.base_url}.")
    await tell_webhook(settings, database, account, known)


async def rotate_webhook(settings: Settings, database: Database, summary: AccountSummary) -> None:
    """Give an account's webhook other credentials, at both ends; those before stay valid meanwhile."""
    async with opened(settings, database) as (connector, box):
        webhooks = Webhooks(settings, database, box, connector, moves=False)
        account = await connector.gladly_account(summary)
        if not await _is_waiting(webhooks, account):
            async with database.transaction() as connection:
                account = await change_gladly(connection, box, account.id, webhook=renewed(account.webhook))
        known = await webhooks.keep(account)
    if account.delivery == "by-hand":
        tell_how_by_hand(account, known_address(known, settings.public_url, account.id))
        typer.echo("What stands there now stays valid until the next is made.")
    elif account.delivery in NO_WEBHOOK:
        typer.echo(f"{account.name!r} has no webhook; its new credentials are for the one that it may get.")
    elif known is not None and known.credentials_sha256 == credentials_digest(account):
        typer.echo(
            f"The webhook of {account.name!r} has new credentials, at both ends. Those before end in 2 hours."
        )
    else:
        typer.echo(
            f"{account.name!r} has new credentials, which are not in Gladly yet; a worker puts them there as soon as "
            "it can, and until then those before stay valid."
        )
        await tell_webhook(settings, database, account, known)


async def _is_waiting(webhooks: Webhooks, account: GladlyAccount) -> bool:
    """Whether new credentials wait to be put into Gladly: one more change would end those that stand there."""
    if account.delivery != "own" or len(account.webhook.basic) + len(account.webhook.header_tokens) < 2:  # noqa: PLR2004
        return False
    known = await webhooks.keep(account)
    return known is None or known.credentials_sha256 != credentials_digest(account)


async def change_delivery(
    settings: Settings, database: Database, summary: AccountSummary, delivery: Delivery, header: str | None
) -> None:
    """Have an account's events reach us in another way."""
    async with opened(settings, database) as (connector, box):
        webhooks = Webhooks(settings, database, box, connector, moves=False)
        async with database.transaction() as connection:
            account = await change_gladly(
                connection,
                box,
                summary.id,
                delivery=delivery,
                webhook=None if header is None else WebhookCredentials((), (new_header_token(header),)),
            )
        known = await webhooks.keep(account)
        if delivery == "by-hand" and header is None and (known is None or known.state != "works"):
            async with database.transaction() as connection:
                account = await change_gladly(connection, box, account.id, webhook=renewed(account.webhook))
    await tell_webhook(settings, database, account, known)
