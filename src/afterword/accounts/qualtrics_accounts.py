"""Connected accounts at Qualtrics: an address, an API token, and the secrets of what it tells us of responses.

Where closed conversations are to go to a JSON event of it, that event's address is kept with the token.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from afterword.accounts.changing import audit_change, hold, save_change
from afterword.accounts.connected import (
    InvalidAccount,
    add_account,
    addresses_refused,
    check_filled,
    get_account,
    sealed,
)
from afterword.accounts.secrets import SecretBox
from afterword.qualtrics.addresses import check_base_address, check_json_event_url
from afterword.qualtrics.webhooks import new_secret
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

SECRETS_KEPT = 2
"""Secrets that are valid at once: the newest, and the one before."""


class QualtricsAccount(msgspec.Struct, frozen=True):
    """A connected Qualtrics account; ``base_url`` is without a slash at its end.

    The address of its JSON event lets events in by itself: it is a secret too. ``notification_secrets`` are those that
    are valid, newest first: event subscriptions are signed with one, Web Service tasks send one in a header.
    """

    id: str
    name: str
    base_url: str
    api_token: str
    json_event_url: str | None = None
    notification_secrets: tuple[str, ...] = ()
    brand_id: str | None = None
    user_id: str | None = None

    def __repr__(self) -> str:
        return f"QualtricsAccount({self.id!r})"


class QualtricsSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is encrypted of a Qualtrics account."""

    api_token: str
    json_event_url: str | None = None
    notification_secrets: tuple[str, ...] = ()


async def add_qualtrics(
    connection: "AsyncConnection",
    box: SecretBox,
    *,
    name: str,
    api_token: str,
    json_event_url: str | None = None,
    base_url: str | None = None,
    brand_id: str | None = None,
    user_id: str | None = None,
) -> QualtricsAccount:
    """Connect a Qualtrics account; without ``base_url`` its API is where its JSON event is.

    Raises:
        InvalidAccount: the name is taken, the same user of the brand is connected, an address is none, or something is
            missing.
    """
    check_filled(api_token=api_token)
    if json_event_url is not None:
        json_event_url = json_event_address(json_event_url)
    base_url = qualtrics_address(host_of(json_event_url) if base_url is None else base_url)
    kept = QualtricsSecrets(api_token, json_event_url, (new_secret(),))
    account_id = await add_account(
        connection,
        box,
        "qualtrics",
        name,
        kept,
        base_url=base_url,
        organization_id=brand_id,
        user_id=user_id,
    )
    return QualtricsAccount(
        account_id, name, base_url, api_token, json_event_url, kept.notification_secrets, brand_id, user_id
    )


async def get_qualtrics(
    connection: "AsyncConnection", box: SecretBox, account_id: str
) -> QualtricsAccount | None:
    """The connected Qualtrics account with this id."""
    row = await get_account(connection, "qualtrics", account_id)
    if row is None:
        return None
    kept = msgspec.json.decode(box.decrypt(row["secrets"]), type=QualtricsSecrets)
    return QualtricsAccount(
        account_id,
        row["name"],
        row["base_url"] or host_of(kept.json_event_url),
        kept.api_token,
        kept.json_event_url,
        kept.notification_secrets,
        row["organization_id"],
        row["user_id"],
    )


async def change_qualtrics(
    connection: "AsyncConnection",
    box: SecretBox,
    account_id: str,
    *,
    api_token: str | None = None,
    json_event_url: str | None = None,
    base_url: str | None = None,
    brand_id: str | None = None,
    user_id: str | None = None,
    notification_secrets: tuple[str, ...] | None = None,
    expected: str | None = None,
) -> QualtricsAccount:
    """Change what is given, and leave the rest; answers the account as it is then.

    ``expected`` is the state (``changing.state_of``) that the change was made from.

    Raises:
        ChangedMeanwhile: it is in another state by now.
        InvalidAccount: an address is none, or there is no such account.
    """
    await hold(connection, account_id, expected)
    account = await get_qualtrics(connection, box, account_id)
    if account is None:
        raise InvalidAccount(_("There is no Qualtrics account %(account_id)s.", account_id=repr(account_id)))
    changed = msgspec.structs.replace(
        account,
        api_token=api_token or account.api_token,
        json_event_url=json_event_address(json_event_url) if json_event_url else account.json_event_url,
        base_url=qualtrics_address(base_url or account.base_url),
        brand_id=brand_id or account.brand_id,
        user_id=user_id or account.user_id,
        notification_secrets=(
            account.notification_secrets if notification_secrets is None else notification_secrets
        ),
    )
    secrets = QualtricsSecrets(changed.api_token, changed.json_event_url, changed.notification_secrets)
    await save_change(
        connection,
        account_id,
        secrets=sealed(box, secrets),
        base_url=changed.base_url,
        organization_id=changed.brand_id,
        user_id=changed.user_id,
    )
    replaced = {
        "API token": changed.api_token != account.api_token,
        "JSON event endpoint": changed.json_event_url != account.json_event_url,
        "secret of notifications": changed.notification_secrets != account.notification_secrets,
    }
    before, after = ({"address": one.base_url} for one in (account, changed))
    await audit_change(connection, (account_id, account.name), before, after, replaced)
    return changed


async def move_qualtrics(
    connection: "AsyncConnection", box: SecretBox, account_id: str, json_event_url: str
) -> None:
    """The account, an Afterword in Qualtrics' place, is now reached at another address, and so is its JSON event.

    Raises:
        InvalidAccount: the address is none, or there is no such account.
    """
    await change_qualtrics(
        connection, box, account_id, json_event_url=json_event_url, base_url=host_of(json_event_url)
    )


async def with_notification_secret(
    connection: "AsyncConnection", box: SecretBox, account: QualtricsAccount, *, renew: bool = False
) -> QualtricsAccount:
    """The account with a secret for what it tells us: the one it has, or with ``renew`` another.

    The one before stays valid until the next is made, so that it can be changed at Qualtrics without a gap.
    """
    if account.notification_secrets and not renew:
        return account
    secrets = (new_secret(), *account.notification_secrets)[:SECRETS_KEPT]
    return await change_qualtrics(connection, box, account.id, notification_secrets=secrets)


def qualtrics_address(text: str) -> str:
    """Check where Qualtrics' API is; a data centre's name will do.

    Raises:
        InvalidAccount: it is no address.
    """
    with addresses_refused():
        return check_base_address(text, "base_url")


def json_event_address(text: str) -> str:
    """Check the address of a JSON event; the message of a refusal holds no part of it, as it is a secret.

    Raises:
        InvalidAccount: it is none.
    """
    with addresses_refused():
        return check_json_event_url(text)


def host_of(json_event_url: str | None) -> str:
    """Scheme and host of an address; empty for none."""
    parts = urlsplit(json_event_url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
