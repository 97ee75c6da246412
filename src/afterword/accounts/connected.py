"""Connected accounts: at Gladly and at Qualtrics, with what is needed to call them, secrets encrypted.

A Gladly account has an address, an API user with its token, and the credentials that its webhooks come
with. A Qualtrics account has an API token and the address of the JSON Event endpoint that closed
conversations go to.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from afterword.accounts.secrets import SecretBox
from afterword.gladly.addresses import check_base_address
from afterword.outgoing.addresses import InvalidAddress
from afterword.qualtrics.addresses import check_json_event_url
from afterword.store.identifiers import new_id
from afterword.store.tables import connected_account

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Kind = Literal["gladly", "qualtrics"]

LONGEST_NAME = 200
PREFIXES: dict[Kind, str] = {"gladly": "GA", "qualtrics": "QA"}


class InvalidAccount(ValueError):
    """An account cannot be connected so; the message says what to change."""


class WebhookCredentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a webhook has to come with: basic authentication, a header, or both. With none, all fail."""

    username: str | None = None
    password: str | None = None
    header_name: str | None = None
    header_token: str | None = None

    def __repr__(self) -> str:
        return "WebhookCredentials(…)"


class AccountSummary(msgspec.Struct, frozen=True):
    """A connected account without its secrets."""

    id: str
    kind: Kind
    name: str
    base_url: str | None
    username: str | None
    created_at: datetime


class GladlyAccount(msgspec.Struct, frozen=True):
    """A connected Gladly account; ``base_url`` is without a slash at its end."""

    id: str
    name: str
    base_url: str
    username: str
    api_token: str
    webhook: WebhookCredentials

    def __repr__(self) -> str:
        return f"GladlyAccount({self.id!r})"


class QualtricsAccount(msgspec.Struct, frozen=True):
    """A connected Qualtrics account. The endpoint's address lets events in by itself: it is a secret too."""

    id: str
    name: str
    api_token: str
    json_event_url: str

    def __repr__(self) -> str:
        return f"QualtricsAccount({self.id!r})"


class _GladlySecrets(msgspec.Struct, frozen=True):
    api_token: str
    webhook: WebhookCredentials


class _QualtricsSecrets(msgspec.Struct, frozen=True):
    api_token: str
    json_event_url: str


SUMMARY = [connected_account.c[field] for field in AccountSummary.__struct_fields__]


async def add_gladly(
    connection: "AsyncConnection",
    box: SecretBox,
    *,
    name: str,
    base_url: str,
    username: str,
    api_token: str,
    webhook: WebhookCredentials,
) -> GladlyAccount:
    """Connect a Gladly account.

    Raises:
        InvalidAccount: the name is taken, the address is none, or something is missing.
    """
    _check_webhook(webhook)
    _check_filled(username=username, api_token=api_token)
    base_url = _base_url(base_url)
    secrets = _GladlySecrets(api_token, webhook)
    account_id = await _add(connection, box, "gladly", name, secrets, base_url=base_url, username=username)
    return GladlyAccount(account_id, name, base_url, username, api_token, webhook)


async def add_qualtrics(
    connection: "AsyncConnection", box: SecretBox, *, name: str, api_token: str, json_event_url: str
) -> QualtricsAccount:
    """Connect a Qualtrics account.

    Raises:
        InvalidAccount: the name is taken, the address is none, or something is missing.
    """
    _check_filled(api_token=api_token)
    secrets = _QualtricsSecrets(api_token, _json_event_url(json_event_url))
    account_id = await _add(connection, box, "qualtrics", name, secrets)
    return QualtricsAccount(account_id, name, api_token, secrets.json_event_url)


async def get_gladly(connection: "AsyncConnection", box: SecretBox, account_id: str) -> GladlyAccount | None:
    """The connected Gladly account with this id."""
    row = await _get(connection, "gladly", account_id)
    if row is None:
        return None
    secrets = msgspec.json.decode(box.decrypt(row["secrets"]), type=_GladlySecrets)
    return GladlyAccount(
        account_id, row["name"], row["base_url"], row["username"], secrets.api_token, secrets.webhook
    )


async def get_qualtrics(
    connection: "AsyncConnection", box: SecretBox, account_id: str
) -> QualtricsAccount | None:
    """The connected Qualtrics account with this id."""
    row = await _get(connection, "qualtrics", account_id)
    if row is None:
        return None
    secrets = msgspec.json.decode(box.decrypt(row["secrets"]), type=_QualtricsSecrets)
    return QualtricsAccount(account_id, row["name"], secrets.api_token, secrets.json_event_url)


async def list_accounts(connection: "AsyncConnection") -> list[AccountSummary]:
    """Every connected account, by kind and name."""
    listing = select(*SUMMARY).order_by(connected_account.c.kind, connected_account.c.name)
    return [AccountSummary(*row) for row in await connection.execute(listing)]


async def find_by_name(connection: "AsyncConnection", kind: Kind, name: str) -> AccountSummary | None:
    """The connected account of this kind and name."""
    found = await connection.execute(
        select(*SUMMARY).where(connected_account.c.kind == kind, connected_account.c.name == name)
    )
    row = found.one_or_none()
    return None if row is None else AccountSummary(*row)


async def _add(
    connection: "AsyncConnection",
    box: SecretBox,
    kind: Kind,
    name: str,
    secrets: msgspec.Struct,
    **plain: str,
) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise InvalidAccount(f"A name has 1 to {LONGEST_NAME} characters.")
    account_id = new_id(PREFIXES[kind])
    encrypted = box.encrypt(msgspec.json.encode(secrets).decode())
    new = (
        insert(connected_account)
        .values(id=account_id, kind=kind, name=name, secrets=encrypted, **plain)
        .on_conflict_do_nothing()
        .returning(connected_account.c.id)
    )
    if await connection.scalar(new) is None:
        raise InvalidAccount(f"There already is a {kind.capitalize()} account with the name {name!r}.")
    return account_id


async def _get(connection: "AsyncConnection", kind: Kind, account_id: str) -> RowMapping | None:
    found = await connection.execute(
        select(connected_account).where(
            connected_account.c.kind == kind, connected_account.c.id == account_id
        )
    )
    return found.mappings().one_or_none()


def _check_filled(**fields: str) -> None:
    for field, value in fields.items():
        if not value.strip() or "\x00" in value:
            raise InvalidAccount(f"The {field.replace('_', ' ')} is missing.")


def _base_url(text: str) -> str:
    try:
        return check_base_address(text, "base_url")
    except InvalidAddress as error:
        raise InvalidAccount(str(error)) from None


def _json_event_url(text: str) -> str:
    """The message of a refusal holds no part of the address, which is a secret."""
    try:
        return check_json_event_url(text)
    except InvalidAddress as error:
        raise InvalidAccount(str(error)) from None


def _check_webhook(webhook: WebhookCredentials) -> None:
    if (webhook.username is None) != (webhook.password is None):
        raise InvalidAccount("The webhook's basic authentication needs both a user name and a password.")
    if (webhook.header_name is None) != (webhook.header_token is None):
        raise InvalidAccount("The webhook's header needs both a name and a token.")


async def move_gladly(connection: "AsyncConnection", account_id: str, base_url: str) -> None:
    """The account's organisation is now reached at another address.

    Raises:
        InvalidAccount: the address is none.
    """
    await connection.execute(
        update(connected_account)
        .where(connected_account.c.kind == "gladly", connected_account.c.id == account_id)
        .values(base_url=_base_url(base_url))
    )


async def move_qualtrics(
    connection: "AsyncConnection", box: SecretBox, account_id: str, json_event_url: str
) -> None:
    """JSON events for this account now go to another address.

    Raises:
        InvalidAccount: the address is none, or there is no such account.
    """
    account = await get_qualtrics(connection, box, account_id)
    if account is None:
        raise InvalidAccount(f"There is no Qualtrics account {account_id!r}.")
    secrets = _QualtricsSecrets(account.api_token, _json_event_url(json_event_url))
    await connection.execute(
        update(connected_account)
        .where(connected_account.c.id == account_id)
        .values(secrets=box.encrypt(msgspec.json.encode(secrets).decode()))
    )
