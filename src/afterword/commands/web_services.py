"""Connecting web services, as lines of text."""

from typing import get_args

import msgspec
import typer

from afterword.accounts.web_service_accounts import Authentication
from afterword.accounts.web_service_accounts import add_web_service as connect
from afterword.commands.common import print_json
from afterword.commands.connecting import opened
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database


async def add_web_service(
    settings: Settings,
    database: Database,
    *,
    address: str,
    name: str,
    authentication: str,
    username: str,
    header: str,
    secret: str,
    as_json: bool,
) -> None:
    """Connect a web service.

    Raises:
        ConfigurationError: it cannot be connected so.
    """
    kinds = get_args(Authentication)
    if authentication not in kinds:
        raise ConfigurationError(f"--authentication takes one of {', '.join(kinds)}, not {authentication!r}.")
    kind: Authentication = msgspec.convert(authentication, Authentication)
    async with opened(settings, database) as (_, box), database.transaction() as connection:
        account = await connect(
            connection,
            box,
            name=name,
            base_url=address,
            authentication=kind,
            secret=secret,
            username=username,
            header_name=header,
        )
    if as_json:
        print_json({"id": account.id, "name": account.name, "address": account.credentials.base_url})
        return
    typer.echo(f"Connected {account.name!r} ({account.id}): {account.credentials.base_url}, not tried.")
    typer.echo(f"Next: choose it in a Web service task, as its account: {account.id}")
