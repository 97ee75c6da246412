"""Connected accounts at web services: the secret that a Web service task sends, and the addresses that may hear it.

The secret stands here, encrypted, and never in a workflow: who may see or write workflows need not know it, and cannot
have it sent elsewhere.
"""

from typing import TYPE_CHECKING, Literal

import msgspec

from afterword.accounts.audit import REPLACED, audit
from afterword.accounts.changing import save_change
from afterword.accounts.connected import (
    InvalidAccount,
    add_account,
    addresses_refused,
    field_words,
    get_account,
    sealed,
)
from afterword.accounts.secrets import SecretBox
from afterword.translating import gettext as _
from afterword.web_services.requests import HEADER_NAME, Credentials, check_base_url

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Authentication = Literal["none", "basic", "bearer", "header"]
LONGEST_SECRET = 10_000
OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key"}
)
"""Headers that a call has by itself."""


class WebServiceAccount(msgspec.Struct, frozen=True):
    """A connected account at a web service."""

    id: str
    name: str
    credentials: Credentials

    def __repr__(self) -> str:
        return f"WebServiceAccount({self.id!r})"


class _Secrets(msgspec.Struct, frozen=True):
    authentication: Authentication
    secret: str
    header_name: str = ""


async def add_web_service(
    connection: "AsyncConnection",
    box: SecretBox,
    *,
    name: str,
    base_url: str,
    authentication: Authentication,
    secret: str = "",
    username: str = "",
    header_name: str = "",
) -> WebServiceAccount:
    """Connect a web service: what stands at ``base_url`` and below gets the secret.

    *basic* needs ``username`` (``secret`` is the password), *header* needs ``header_name``; *none* has no secret, and
    lets workflows call an address within a private network.

    Raises:
        InvalidAccount: the name is taken, the address is none, or something is missing or cannot be sent.
    """
    with addresses_refused():
        base_url = check_base_url(base_url)
    _check(authentication, secret, username, header_name)
    secrets = _Secrets(authentication, secret, header_name)
    account_id = await add_account(
        connection, box, "web-service", name, secrets, base_url=base_url, username=username or None
    )
    return _account(account_id, name, base_url, username, secrets)


async def get_web_service(
    connection: "AsyncConnection", box: SecretBox, account_id: str
) -> WebServiceAccount | None:
    """The connected account at a web service with this id."""
    row = await get_account(connection, "web-service", account_id)
    if row is None:
        return None
    secrets = msgspec.json.decode(box.decrypt(row["secrets"]), type=_Secrets)
    return _account(account_id, row["name"], row["base_url"], row["username"] or "", secrets)


async def change_secret(
    connection: "AsyncConnection", box: SecretBox, account_id: str, secret: str
) -> WebServiceAccount:
    """The web service is told another secret from now on; what waits for the account goes on.

    Raises:
        InvalidAccount: there is no such account, or it has no secret, or this cannot be sent.
    """
    account = await get_web_service(connection, box, account_id)
    if account is None:
        raise InvalidAccount(
            _("There is no web service account %(account_id)s.", account_id=repr(account_id))
        )
    known = account.credentials
    _check(known.authentication, secret, known.username, known.header_name)
    secrets = _Secrets(known.authentication, secret, known.header_name)
    await save_change(connection, account_id, secrets=sealed(box, secrets))
    await audit(connection, "account", "changed", (account_id, account.name), after={"secret": REPLACED})
    return _account(account_id, account.name, known.base_url, known.username, secrets)


def _account(
    account_id: str, name: str, base_url: str, username: str, secrets: _Secrets
) -> WebServiceAccount:
    credentials = Credentials(
        base_url=base_url,
        authentication=secrets.authentication,
        secret=secrets.secret,
        username=username,
        header_name=secrets.header_name,
    )
    return WebServiceAccount(account_id, name, credentials)


def _check(authentication: Authentication, secret: str, username: str, header_name: str) -> None:
    needed = {
        "secret": (secret, authentication != "none"),
        "username": (username, authentication == "basic"),
        "header_name": (header_name, authentication == "header"),
    }
    for field, (value, is_needed) in needed.items():
        words = field_words(field)
        if is_needed and not value.strip():
            raise InvalidAccount(_("The %(words)s is missing.", words=words), field)
        if value and not is_needed:
            raise InvalidAccount(
                _(
                    "With authentication %(authentication)s there is no %(words)s.",
                    authentication=repr(authentication),
                    words=words,
                ),
                field,
            )
        if not value.isprintable() or len(value) > LONGEST_SECRET:
            raise InvalidAccount(
                _("The %(words)s cannot be sent: it has line ends or is too long.", words=words), field
            )
    if ":" in username:
        raise InvalidAccount(_("A user name of basic authentication has no colon."), "username")
    if header_name and (not HEADER_NAME.fullmatch(header_name) or header_name.lower() in OURS):
        raise InvalidAccount(_("This is not the name of a header that can be set."), "header_name")
