"""Connected accounts at Gladly: an address, an API user with its token, and how its events reach us.

The credentials that its webhook comes with are kept with the token.
"""

import re
from typing import TYPE_CHECKING

import msgspec

from afterword.accounts.changing import audit_change, hold, save_change
from afterword.accounts.connected import (
    Delivery,
    InvalidAccount,
    add_account,
    addresses_refused,
    check_filled,
    get_account,
    sealed,
)
from afterword.accounts.secrets import SecretBox
from afterword.accounts.webhook_credentials import KeptCredentials, new_login
from afterword.gladly.addresses import check_base_address
from afterword.gladly.webhooks import WebhookCredentials
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


class GladlyAccount(msgspec.Struct, frozen=True):
    """A connected Gladly account; ``base_url`` is without a slash at its end.

    Of ``webhook`` all are valid; the first of a kind is the newest, and the one that a webhook of ours is given.
    """

    id: str
    name: str
    base_url: str
    username: str
    api_token: str
    webhook: WebhookCredentials
    organization_id: str | None = None
    delivery: Delivery = "own"

    def __repr__(self) -> str:
        return f"GladlyAccount({self.id!r})"


class GladlySecrets(msgspec.Struct, frozen=True):
    """What is encrypted of a Gladly account."""

    api_token: str
    webhook: WebhookCredentials


class _KeptSecrets(msgspec.Struct, frozen=True):
    """A Gladly account's secrets as they are found."""

    api_token: str
    webhook: KeptCredentials


async def add_gladly(
    connection: "AsyncConnection",
    box: SecretBox,
    *,
    name: str,
    base_url: str,
    username: str,
    api_token: str,
    webhook: WebhookCredentials | None = None,
    organization_id: str | None = None,
    delivery: Delivery = "own",
) -> GladlyAccount:
    """Connect a Gladly account; without ``webhook`` its webhook gets a user name and a new password.

    Raises:
        InvalidAccount: the name is taken, the address is none, or something is missing.
    """
    webhook = webhook or WebhookCredentials((new_login(),))
    check_webhook(webhook)
    check_filled(username=username, api_token=api_token)
    base_url = gladly_address(base_url)
    kept = GladlySecrets(api_token, webhook)
    account_id = await add_account(
        connection,
        box,
        "gladly",
        name,
        kept,
        base_url=base_url,
        username=username,
        organization_id=organization_id,
        user_id=None if organization_id is None else username.casefold(),
        delivery=delivery,
    )
    return GladlyAccount(account_id, name, base_url, username, api_token, webhook, organization_id, delivery)


async def get_gladly(connection: "AsyncConnection", box: SecretBox, account_id: str) -> GladlyAccount | None:
    """The connected Gladly account with this id."""
    row = await get_account(connection, "gladly", account_id)
    if row is None:
        return None
    kept = msgspec.json.decode(box.decrypt(row["secrets"]), type=_KeptSecrets)
    return GladlyAccount(
        account_id,
        row["name"],
        row["base_url"],
        row["username"],
        kept.api_token,
        kept.webhook.valid(),
        row["organization_id"],
        row["delivery"],
    )


async def change_gladly(
    connection: "AsyncConnection",
    box: SecretBox,
    account_id: str,
    *,
    api_token: str | None = None,
    organization_id: str | None = None,
    base_url: str | None = None,
    webhook: WebhookCredentials | None = None,
    delivery: Delivery | None = None,
    expected: str | None = None,
) -> GladlyAccount:
    """Change what is given, and leave the rest; answers the account as it is then.

    ``expected`` is the state (``changing.state_of``) that the change was made from.

    Raises:
        ChangedMeanwhile: it is in another state by now.
        InvalidAccount: the address or the credentials are none, or there is no such account.
    """
    await hold(connection, account_id, expected)
    account = await get_gladly(connection, box, account_id)
    if account is None:
        raise InvalidAccount(_("There is no Gladly account %(account_id)s.", account_id=repr(account_id)))
    changed = msgspec.structs.replace(
        account,
        api_token=api_token or account.api_token,
        base_url=gladly_address(base_url or account.base_url),
        webhook=webhook or account.webhook,
        delivery=delivery or account.delivery,
    )
    check_webhook(changed.webhook)
    values: dict[str, object] = {"base_url": changed.base_url, "delivery": changed.delivery}
    if organization_id is not None:
        values |= {"organization_id": organization_id, "user_id": account.username.casefold()}
    if (changed.api_token, changed.webhook) != (account.api_token, account.webhook):
        values["secrets"] = sealed(box, GladlySecrets(changed.api_token, changed.webhook))
    await save_change(connection, account_id, **values)
    replaced = {
        "API token": changed.api_token != account.api_token,
        "webhook credentials": changed.webhook != account.webhook,
    }
    before, after = ({"address": one.base_url, "events": one.delivery} for one in (account, changed))
    await audit_change(connection, (account_id, account.name), before, after, replaced)
    return changed


def gladly_address(text: str) -> str:
    """Check where a Gladly organization is.

    Raises:
        InvalidAccount: it is no address.
    """
    with addresses_refused():
        return check_base_address(text, "base_url")


def check_webhook(webhook: WebhookCredentials) -> None:
    """Refuse credentials that no delivery could come with, or that any could.

    Raises:
        InvalidAccount: a part of them is missing, or a user name has a colon.
    """
    if not (webhook.basic or webhook.header_tokens):
        raise InvalidAccount(_("The webhook needs a user name and a password, or a header with a token."))
    if not all(pair.username and pair.password and ":" not in pair.username for pair in webhook.basic):
        raise InvalidAccount(
            _("The webhook's basic authentication needs both a user name, without a colon, and a password.")
        )
    if not all(HEADER_NAME.fullmatch(pair.name) and pair.token for pair in webhook.header_tokens):
        raise InvalidAccount(_("The webhook's header needs both a name and a token."), "webhook_header")
