"""Connected accounts, of whatever vendor: named, saved with their secrets encrypted, listed, found, removed.

What an account has of its vendor's own stands in ``gladly_accounts.py``, ``qualtrics_accounts.py`` and
``web_service_accounts.py``. What is here trusts what it is given; ``connecting.py`` tries an account
before it is saved.
"""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterword.accounts.audit import audit
from afterword.accounts.secrets import SecretBox
from afterword.outgoing.addresses import InvalidAddress
from afterword.piped_text.escaping import belongs_in_a_line
from afterword.store.identifiers import new_id
from afterword.store.tables import connected_account
from afterword.translating import N_, retold, translated
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Kind = Literal["gladly", "qualtrics", "web-service"]

Delivery = Literal["own", "by-hand", "pull", "none"]
"""How a Gladly account's events reach us: by a webhook that Afterword makes and keeps, by one that somebody makes in
Gladly's settings, or by asking for them; with ``none`` they do not, as the account is only for tasks.
"""

LONGEST_NAME = 200

PREFIXES: dict[Kind, str] = {"gladly": "GA", "qualtrics": "QA", "web-service": "WS"}


VENDORS: Mapping[Kind, str] = {"gladly": "Gladly", "qualtrics": "Qualtrics", "web-service": N_("web service")}
FIELD_WORDS: Mapping[str, str] = {
    "username": N_("user name"),
    "api_token": N_("API token"),
    "secret": N_("secret"),
    "header_name": N_("name of the header"),
}


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


async def note_tried(connection: "AsyncConnection", account_id: str) -> None:
    """Note that an account was tried at the vendor just now, and worked."""
    await connection.execute(
        update(connected_account).where(connected_account.c.id == account_id).values(tried_at=func.now())
    )


SUMMARY = [connected_account.c[field] for field in AccountSummary.__struct_fields__]


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
    if not name.strip() or len(name) > LONGEST_NAME or not all(map(belongs_in_a_line, name)):
        raise InvalidAccount(
            _("A name has 1 to %(longest_name)s characters.", longest_name=LONGEST_NAME), "name"
        )
    account_id = new_id(PREFIXES[kind])
    new = (
        insert(connected_account)
        .values(id=account_id, kind=kind, name=name, secrets=sealed(box, kept), **plain)
        .on_conflict_do_nothing()
        .returning(connected_account.c.id)
    )
    if await connection.scalar(new) is None:
        raise await _taken(connection, kind, name)
    told = {"kind": kind, "address": plain.get("base_url"), "user name": plain.get("username")}
    given = {field: value for field, value in told.items() if value is not None}
    await audit(connection, "account", "added", (account_id, name), after=given)
    return account_id


def sealed(box: SecretBox, kept: msgspec.Struct) -> bytes:
    """What is kept of an account's secrets, encrypted."""
    return box.encrypt(msgspec.json.encode(kept).decode())


async def _taken(connection: "AsyncConnection", kind: Kind, name: str) -> InvalidAccount:
    vendor = translated(VENDORS[kind])
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


def field_words(field: str) -> str:
    """What people call a field of a connected account, within a sentence."""
    return translated(FIELD_WORDS[field])


@contextlib.contextmanager
def addresses_refused() -> Iterator[None]:
    """Within the block an address that is none refuses the account, in the language that is spoken.

    Raises:
        InvalidAccount: an address is none.
    """
    try:
        yield
    except InvalidAddress as error:
        raise InvalidAccount(f"{error.field}: {retold(error.words)}", error.field) from None


def check_filled(**fields: str) -> None:
    """Refuse a field that is empty.

    Raises:
        InvalidAccount: which it is.
    """
    for field, value in fields.items():
        if not value.strip() or "\x00" in value:
            raise InvalidAccount(_("The %(field)s is missing.", field=field_words(field)), field)
