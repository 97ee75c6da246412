"""API tokens: 40 letters and digits, as Qualtrics' are; only their SHA-256 is stored.

A token is found by its hash in an index, which tells a guesser nothing about how near the guess was; a random
token of 238 bits needs no slow hash.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Update, delete, func, insert, or_, select, text, update

from afterword.accounts.audit import audit
from afterword.accounts.people import COLUMNS, Person, check_name, person_from_row
from afterword.accounts.scopes import Scopes, allows, checked_scopes
from afterword.store.identifiers import new_id, random_text
from afterword.store.tables import api_token, person

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

TOKEN_LENGTH = 40
TOKEN = re.compile(rf"[A-Za-z0-9]{{{TOKEN_LENGTH}}}")


class ListedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as a list shows it: never the token itself; ``of`` is its person's name.

    Without ``scopes`` it may all that its person may.
    """

    id: str
    person_id: str
    of: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    scopes: list[str] | None = None


class Bearer(msgspec.Struct, frozen=True):
    """Whose token came with a request, and what the token may do of what they may."""

    person: Person
    scopes: Scopes = None

    def may(self, scope: str | None) -> bool:
        """Whether the token may be used for what needs this scope."""
        return allows(self.scopes, scope)


def new_token() -> str:
    """Make a token."""
    return random_text(TOKEN_LENGTH)


def hash_token(token: str) -> bytes:
    """What a token is stored and found by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def add_api_token(
    connection: "AsyncConnection",
    person_id: str,
    name: str,
    *,
    token: str | None = None,
    scopes: Iterable[str] | None = None,
) -> str:
    """Give somebody a token, which is returned and can never be read again; ``name`` says what it is for.

    Without ``scopes`` it may all that its person may.

    Raises:
        ValueError: ``token`` was given and is not 40 letters and digits.
        InvalidPerson: the name is empty or too long, or a scope is none.
    """
    check_name(name)
    chosen = None if scopes is None else checked_scopes(scopes)
    token = new_token() if token is None else token
    if not TOKEN.fullmatch(token):
        raise ValueError(f"An API token has {TOKEN_LENGTH} letters and digits.")
    token_id = new_id("AT")
    values = {
        "id": token_id,
        "person_id": person_id,
        "name": name,
        "token_sha256": hash_token(token),
        "scopes": chosen,
    }
    await connection.execute(insert(api_token).values(values))
    whose = await connection.scalar(select(person.c.name).where(person.c.id == person_id))
    may = "everything" if chosen is None else ", ".join(chosen)
    await audit(connection, "token", "added", (token_id, name), after={"of": whose, "scopes": may})
    return token


async def list_api_tokens(connection: "AsyncConnection", person_id: str | None) -> list[ListedToken]:
    """The tokens of somebody, or of everybody, the newest first."""
    plain = [api_token.c[field] for field in ListedToken.__struct_fields__ if field != "of"]
    listing = select(*plain, person.c.name.label("of")).join_from(api_token, person)
    if person_id is not None:
        listing = listing.where(api_token.c.person_id == person_id)
    listing = listing.order_by(api_token.c.created_at.desc(), api_token.c.id)
    return [ListedToken(**row) for row in (await connection.execute(listing)).mappings()]


async def end_api_token(connection: "AsyncConnection", token_id: str) -> None:
    """Have a token let nobody in any more; one that there is not is no trouble."""
    gone = await connection.execute(
        delete(api_token).where(api_token.c.id == token_id).returning(api_token.c.name, api_token.c.person_id)
    )
    row = gone.one_or_none()
    if row is not None:
        whose = await connection.scalar(select(person.c.name).where(person.c.id == row.person_id))
        await audit(connection, "token", "ended", (token_id, row.name), before={"of": whose})


async def find_bearer(connection: "AsyncConnection", token: str) -> Bearer | None:
    """Whose token it is, and what it may do."""
    owner = (
        select(*COLUMNS, api_token.c.scopes)
        .join_from(person, api_token)
        .where(api_token.c.token_sha256 == hash_token(token))
    )
    row = (await connection.execute(owner)).mappings().one_or_none()
    if row is None:
        return None
    return Bearer(person_from_row(row), None if row["scopes"] is None else frozenset(row["scopes"]))


class TokenUses:
    """Remembers which tokens were used, so that the request need not wait until that is stored.

    Whoever accepts a token calls ``note``; ``store`` is for a task that runs now and then. The moment of a
    use is that at which it is stored, and it is stored at most once a minute.
    """

    def __init__(self) -> None:
        self._used: set[bytes] = set()

    def note(self, token_sha256: bytes) -> None:
        """Remember that this token was accepted."""
        self._used.add(token_sha256)

    async def store(self, connection: "AsyncConnection") -> None:
        """Store what was noted since the last time; if that fails it is kept for the next."""
        used, self._used = self._used, set()
        try:
            await connection.execute(_store_uses(used))
        except BaseException:
            self._used |= used
            raise


def _store_uses(used: set[bytes]) -> Update:
    long_ago = func.now() - text("interval '1 minute'")
    last = api_token.c.last_used_at
    return (
        update(api_token)
        .where(api_token.c.token_sha256.in_(used), or_(last.is_(None), last < long_ago))
        .values(last_used_at=func.now())
    )
