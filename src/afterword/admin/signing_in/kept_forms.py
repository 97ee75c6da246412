"""Forms that were sent and not taken, as somebody had to prove first who they are: kept for a while as they were.

They are encrypted, found only by the browser that sent them and shown only to who was signed in there; passwords,
tokens and codes are left out. Nothing is ever sent by itself: whoever typed it presses a button.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict

from afterword.accounts.secrets import SecretBox, SecretUnreadable
from afterword.admin.signing_in.known_browsers import KnownBrowsers
from afterword.admin.signing_in.sessions import AdminRequest, AnyConnection, address_of
from afterword.admin.signing_in.tries import TriedTooOften, Tries
from afterword.store.sessions import DatabaseStore

PATH = "/sign-in/kept"
KEPT_SECONDS = 3600
LARGEST = 2 * 1024 * 1024
"""Characters of what is kept: twice the largest definition of a Workflow."""
ID_BYTES = 18
LONGEST_ID = 100
CSRF_TOKEN = "_csrf_token"  # noqa: S105 - the field's name
PROOF = "proof_of_password"
"""The field of a password that is asked for once more, beside the fields of the form that wants it."""
SECRET = re.compile(
    r"(?:connect\.)?(?:\w*password|proof_of_password|\w*token|secret|code|json_event_url)(?::.*)?", re.DOTALL
)
"""Names of fields that hold what nobody but its owner is to know."""

Pairs = tuple[tuple[str, str], ...]


class Kept(msgspec.Struct, frozen=True):
    """A form: where it was sent to, its fields, and whether something secret was left out."""

    path: str
    fields: Pairs
    is_without_secrets: bool
    person_id: str


def is_secret(name: str) -> bool:
    """Whether a field of this name is left out."""
    return SECRET.fullmatch(name) is not None


def fields_of(form: FormMultiDict | Any) -> Pairs:
    """All texts of a form, by name, but for its protection against forgery; of one name in the order of the form."""
    texts = (pair for pair in form.multi_items() if isinstance(pair[1], str) and pair[0] != CSRF_TOKEN)
    return tuple(sorted(texts, key=lambda pair: pair[0]))


def without_secrets(fields: Sequence[tuple[str, str]]) -> Pairs:
    """The fields that may be kept and shown."""
    return tuple(pair for pair in fields if not is_secret(pair[0]))


class KeptForms:
    """Keeps forms, a few of a browser at a time."""

    def __init__(self, store: DatabaseStore, box: SecretBox, browsers: KnownBrowsers) -> None:
        self._store = store
        self._box = box
        self._browsers = browsers
        self._tries = Tries(store)

    async def keep(self, connection: AnyConnection) -> str | None:
        """Keep the form that a request sent; answers the address where it is found again.

        ``None`` where there is none to keep: nobody signed in with this browser before, it is no page that sent it, it
        is too large, or too many were kept just now.
        """
        browser = self._browsers.find(connection)
        is_by_page = connection.headers.get("sec-fetch-dest", "document") == "document"
        if browser is None or not isinstance(connection, Request) or not is_by_page:
            return None
        if connection.scope["method"] != "POST":
            return None
        all_fields = fields_of(await connection.form())
        fields = without_secrets(all_fields)
        kept = Kept(address_of(connection), fields, len(fields) < len(all_fields), browser.person_id)
        written = msgspec.json.encode(kept).decode()
        if len(written) > LARGEST:
            return None
        try:
            await self._tries.count(f"keep/{browser.id}")
        except TriedTooOften:
            return None
        kept_id = secrets.token_urlsafe(ID_BYTES)
        await self._store.set(_name(browser.id, kept_id), self._box.encrypt(written), KEPT_SECONDS)
        return f"{PATH}/{kept_id}"

    async def find(self, request: AdminRequest, kept_id: str) -> Kept | None:
        """What this browser sent and whoever is signed in typed; ``None`` for what is of others, or over."""
        browser = self._browsers.find(request)
        if browser is None or len(kept_id) > LONGEST_ID:
            return None
        written = await self._store.get(_name(browser.id, kept_id))
        if written is None:
            return None
        try:
            kept = msgspec.json.decode(self._box.decrypt(written), type=Kept)
        except (SecretUnreadable, msgspec.MsgspecError):
            return None
        return kept if request.user is not None and request.user.id == kept.person_id else None

    async def throw_away(self, request: AdminRequest, kept_id: str) -> Kept | None:
        """Keep it no longer; answers what it was, if it was theirs."""
        kept, browser = await self.find(request, kept_id), self._browsers.find(request)
        if kept is not None and browser is not None:
            await self._store.delete(_name(browser.id, kept_id))
        return kept


def _name(browser_id: str, kept_id: str) -> str:
    return f"kept-form/{browser_id}/{kept_id}"
