"""Changing connected accounts: another address, another token, another secret. Each stays the account that it is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select, update

from afterword.accounts.audit import REPLACED, Values, audit
from afterword.accounts.connected import (
    ChangedMeanwhile,
    Delivery,
    GladlyAccount,
    GladlySecrets,
    InvalidAccount,
    QualtricsAccount,
    QualtricsSecrets,
    check_webhook,
    get_gladly,
    get_qualtrics,
    gladly_address,
    host_of,
    json_event_address,
    qualtrics_address,
)
from afterword.accounts.secrets import SecretBox
from afterword.gladly.webhooks import WebhookCredentials
from afterword.qualtrics.webhooks import new_secret
from afterword.store.tables import connected_account
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

SECRETS_KEPT = 2
"""Secrets that are valid at once: the newest, and the one before."""


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

    ``expected`` is the state (:func:`state_of`) that the change was made from.

    Raises:
        ChangedMeanwhile: it is in another state by now.
        InvalidAccount: the address or the credentials are none, or there is no such account.
    """
    await _hold(connection, account_id, expected)
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
        kept = GladlySecrets(changed.api_token, changed.webhook)
        values["secrets"] = box.encrypt(msgspec.json.encode(kept).decode())
    await connection.execute(
        update(connected_account).where(connected_account.c.id == account_id).values(values)
    )
    replaced = {
        "API token": changed.api_token != account.api_token,
        "webhook credentials": changed.webhook != account.webhook,
    }
    await _audit_change(connection, account, changed, replaced)
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

    ``expected`` is the state (:func:`state_of`) that the change was made from.

    Raises:
        ChangedMeanwhile: it is in another state by now.
        InvalidAccount: an address is none, or there is no such account.
    """
    await _hold(connection, account_id, expected)
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
    await connection.execute(
        update(connected_account)
        .where(connected_account.c.id == account_id)
        .values(
            secrets=box.encrypt(msgspec.json.encode(secrets).decode()),
            base_url=changed.base_url,
            organization_id=changed.brand_id,
            user_id=changed.user_id,
        )
    )
    replaced = {
        "API token": changed.api_token != account.api_token,
        "JSON event endpoint": changed.json_event_url != account.json_event_url,
        "secret of notifications": changed.notification_secrets != account.notification_secrets,
    }
    await _audit_change(connection, account, changed, replaced)
    return changed


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


async def state_of(connection: "AsyncConnection", account_id: str) -> str:
    """A digest of all that can be changed of an account; empty when there is none."""
    table = connected_account
    plain = func.concat_ws("\n", table.c.name, table.c.base_url, table.c.delivery)
    digest = func.sha256(table.c.secrets.op("||")(func.convert_to(plain, "UTF8")))
    found = await connection.scalar(select(digest).where(table.c.id == account_id))
    return "" if found is None else found.hex()


async def _hold(connection: "AsyncConnection", account_id: str, expected: str | None) -> None:
    """Nobody else changes the account until the transaction ends."""
    held = select(connected_account.c.id).where(connected_account.c.id == account_id).with_for_update()
    await connection.execute(held)
    if expected is not None and expected != await state_of(connection, account_id):
        raise ChangedMeanwhile


async def _audit_change(
    connection: "AsyncConnection",
    before: GladlyAccount | QualtricsAccount,
    after: GladlyAccount | QualtricsAccount,
    replaced: Mapping[str, bool],
) -> None:
    secrets = {name: REPLACED for name, is_new in replaced.items() if is_new}
    subject = (before.id, before.name)
    await audit(
        connection, "account", "changed", subject, before=_told(before), after={**_told(after), **secrets}
    )


def _told(account: GladlyAccount | QualtricsAccount) -> Values:
    told: dict[str, str] = {"address": account.base_url}
    if isinstance(account, GladlyAccount):
        told["events"] = account.delivery
    return told
