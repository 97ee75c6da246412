"""Connected accounts: at Gladly and at Qualtrics, with what is needed to call them, secrets encrypted.

A Gladly account has an address, an API user with its token, the credentials that its webhook comes with, and how its
events reach us. A Qualtrics account has an address and an API token; the secrets that what it tells of responses comes
with; and, where closed conversations are to go to a JSON event of it, that event's address.

What is here trusts what it is given. ``connecting.py`` tries an account before it is saved.
"""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterword.accounts.audit import audit
from afterword.accounts.secrets import SecretBox
from afterword.accounts.webhook_credentials import KeptCredentials, new_login
from afterword.gladly.addresses import check_base_address
from afterword.gladly.webhooks import WebhookCredentials
from afterword.outgoing.addresses import InvalidAddress
from afterword.qualtrics import addresses as qualtrics_addresses
from afterword.qualtrics.webhooks import new_secret
from afterword.store.identifiers import new_id
from afterword.store.tables import connected_account
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Kind = Literal["gladly", "qualtrics", "web-service"]

Delivery = Literal["own", "by-hand", "pull", "none"]
"""How a Gladly account's events reach us: by a webhook that Afterword makes and keeps, by one that somebody makes in
Gladly's settings, or by asking for them; with ``none`` they do not, as the account is only for tasks.
"""

LONGEST_NAME = 200
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
PREFIXES: dict[Kind, str] = {"gladly": "GA", "qualtrics": "QA", "web-service": "WS"}


class InvalidAccount(ValueError):
    """An account cannot be connected so; the message says what to change, ``field`` where, empty when nowhere."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class ChangedMeanwhile(InvalidAccount):
    """Somebody else changed the account since it was shown; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("Somebody else changed this account meanwhile; nothing of yours was saved."))


class AccountSummary(msgspec.Struct, frozen=True):
    """A connected account without its secrets. ``organization_id`` and ``user_id`` are the vendor's own; ``delivery``
    is of Gladly accounts alone; ``tried_at`` is when it was last tried at the vendor, and worked.
    """

    id: str
    kind: Kind
    name: str
    base_url: str | None
    username: str | None
    organization_id: str | None
    user_id: str | None
    delivery: Delivery | None
    created_at: datetime
    tried_at: datetime | None = None


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


async def note_tried(connection: "AsyncConnection", account_id: str) -> None:
    """Note that an account was tried at the vendor just now, and worked."""
    await connection.execute(
        update(connected_account).where(connected_account.c.id == account_id).values(tried_at=func.now())
    )


class GladlySecrets(msgspec.Struct, frozen=True):
    """What is encrypted of a Gladly account."""

    api_token: str
    webhook: WebhookCredentials


class _KeptSecrets(msgspec.Struct, frozen=True):
    """A Gladly account's secrets as they are found."""

    api_token: str
    webhook: KeptCredentials


class QualtricsSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is encrypted of a Qualtrics account."""

    api_token: str
    json_event_url: str | None = None
    notification_secrets: tuple[str, ...] = ()


SUMMARY = [connected_account.c[field] for field in AccountSummary.__struct_fields__]


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
    _check_filled(username=username, api_token=api_token)
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
    _check_filled(api_token=api_token)
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


async def find_same(
    connection: "AsyncConnection", kind: Kind, organization_id: str, user_id: str
) -> AccountSummary | None:
    """The connected account of this user at the vendor."""
    found = await connection.execute(
        select(*SUMMARY).where(
            connected_account.c.kind == kind,
            connected_account.c.organization_id == organization_id,
            connected_account.c.user_id == user_id,
        )
    )
    row = found.one_or_none()
    return None if row is None else AccountSummary(*row)


async def remove_account(connection: "AsyncConnection", account_id: str) -> None:
    """Forget an account and its secrets. What its runs read stays with them."""
    table = connected_account
    gone = await connection.execute(delete(table).where(table.c.id == account_id).returning(*SUMMARY))
    row = gone.one_or_none()
    if row is not None:
        told = {"kind": row.kind, "address": row.base_url}
        await audit(connection, "account", "removed", (account_id, row.name), before=told)


async def add_account(
    connection: "AsyncConnection",
    box: SecretBox,
    kind: Kind,
    name: str,
    kept: msgspec.Struct,
    **plain: str | None,
) -> str:
    """Save an account of any kind; answers its id.

    Raises:
        InvalidAccount: the name is taken or none, or the vendor's account is connected already.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidAccount(
            _("A name has 1 to %(longest_name)s characters.", longest_name=LONGEST_NAME), "name"
        )
    account_id = new_id(PREFIXES[kind])
    encrypted = box.encrypt(msgspec.json.encode(kept).decode())
    new = (
        insert(connected_account)
        .values(id=account_id, kind=kind, name=name, secrets=encrypted, **plain)
        .on_conflict_do_nothing()
        .returning(connected_account.c.id)
    )
    if await connection.scalar(new) is None:
        raise await _taken(connection, kind, name)
    told = {"kind": kind, "address": plain.get("base_url"), "user name": plain.get("username")}
    given = {field: value for field, value in told.items() if value is not None}
    await audit(connection, "account", "added", (account_id, name), after=given)
    return account_id


async def _taken(connection: "AsyncConnection", kind: Kind, name: str) -> InvalidAccount:
    vendor = kind.capitalize()
    if await find_by_name(connection, kind, name) is not None:
        return InvalidAccount(
            _(
                "There already is a %(vendor)s account with the name %(name)s.",
                vendor=vendor,
                name=repr(name),
            ),
            "name",
        )
    return InvalidAccount(
        _("This %(vendor)s account is connected already, under another name.", vendor=vendor), "api_token"
    )


async def get_account(connection: "AsyncConnection", kind: Kind, account_id: str) -> RowMapping | None:
    """The row of an account, secrets encrypted."""
    found = await connection.execute(
        select(connected_account).where(
            connected_account.c.kind == kind, connected_account.c.id == account_id
        )
    )
    return found.mappings().one_or_none()


def _check_filled(**fields: str) -> None:
    for field, value in fields.items():
        if not value.strip() or "\x00" in value:
            raise InvalidAccount(_("The %(field)s is missing.", field=field.replace("_", " ")), field)


def gladly_address(text: str) -> str:
    """Check where a Gladly organization is.

    Raises:
        InvalidAccount: it is no address.
    """
    try:
        return check_base_address(text, "base_url")
    except InvalidAddress as error:
        raise InvalidAccount(str(error), error.field) from None


def qualtrics_address(text: str) -> str:
    """Check where Qualtrics' API is; a data centre's name will do.

    Raises:
        InvalidAccount: it is no address.
    """
    try:
        return qualtrics_addresses.check_base_address(text, "base_url")
    except InvalidAddress as error:
        raise InvalidAccount(str(error), error.field) from None


def json_event_address(text: str) -> str:
    """Check the address of a JSON event; the message of a refusal holds no part of it, as it is a secret.

    Raises:
        InvalidAccount: it is none.
    """
    try:
        return qualtrics_addresses.check_json_event_url(text)
    except InvalidAddress as error:
        raise InvalidAccount(str(error), error.field) from None


def host_of(json_event_url: str | None) -> str:
    """Scheme and host of an address; empty for none."""
    parts = urlsplit(json_event_url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


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
