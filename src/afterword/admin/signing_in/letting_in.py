"""Letting somebody in who proved who they are: at once, or after a one-time code, asked for on a second page."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from litestar.datastructures import Cookie
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.one_time_codes import has_codes
from afterword.accounts.passwords import AT_ONCE
from afterword.accounts.people import Person, authenticate
from afterword.accounts.secrets import SecretBox
from afterword.accounts.sessions import Session, SignedInBy
from afterword.admin.signing_in.known_browsers import KnownBrowsers
from afterword.admin.signing_in.sessions import AdminRequest, Sessions, client_of
from afterword.admin.signing_in.tries import Tries
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore

FIRST_PAGE = "/"
CODE_PAGE = "/sign-in/code"
LONGEST_NEXT = 2000
HALF_WAY_SECONDS = 600
KEY_BYTES = 32
LONGEST_KEY = 100
LONGEST_ID_TOKEN = 6000
"""Characters: it goes into an address when its session is ended, and servers take some 8,000 of those."""


class PasswordsAreForOwners(Exception):
    """Somebody who is no owner is to sign in at the company's own provider."""


class NotThePassword(Exception):
    """What was typed is not the password of who is signed in."""


class HalfWay(msgspec.Struct, frozen=True):
    """Whose password was right, and who still has to tell a code; good as long as the password is."""

    person_id: str
    password_set_at: datetime | None
    going_to: str


class LettingIn:
    """Begins a session for whoever proved who they are."""

    def __init__(self, sessions: Sessions, store: DatabaseStore, box: SecretBox) -> None:
        self.sessions = sessions
        self.tries = Tries(store)
        self.places = asyncio.Semaphore(AT_ONCE)
        """As many as can be hashed for at once. Who waits for one holds no connection: a flood of sign-ins would leave
        none to the pages of everybody else.
        """
        self.browsers = KnownBrowsers(sessions, box)
        self._box = box
        self._store = store

    async def with_password(
        self, request: AdminRequest, database: Database, email: str, password: str, going_to: str
    ) -> Redirect | None:
        """Let in whose address and password these are; ``None`` when they are nobody's.

        Raises:
            TriedTooOften: from this network, for this address.
            PasswordsAreForOwners: they are none.
        """
        name = f"sign-in/{client_of(request)}/{email.casefold()}"
        await self.tries.count(name)
        async with self.places, database.transaction() as connection:
            person = await authenticate(connection, email, password)
            if person is None:
                return None
            answer = await self.by_password(request, connection, person, going_to)
        await self.tries.forget(name)
        return answer

    @asynccontextmanager
    async def knowing_password(
        self, database: Database, session: Session, password: str
    ) -> AsyncIterator[tuple[AsyncConnection, Person]]:
        """A transaction for who is signed in and tells their password once more.

        Raises:
            TriedTooOften: by them.
            NotThePassword: it is not theirs.
        """
        name = f"password/{session.person.id}"
        await self.tries.count(name)
        async with self.places, database.transaction() as connection:
            person = await authenticate(connection, session.person.email, password)
            if person is None or person.id != session.person.id:
                raise NotThePassword
            yield connection, person
        await self.tries.forget(name)

    async def by_password(
        self, request: AdminRequest, connection: AsyncConnection, person: Person, going_to: str
    ) -> Redirect:
        """Let in whose password was right, or who just chose it; ask first for a code who has set codes up.

        Raises:
            PasswordsAreForOwners: they are none.
        """
        if not self.sessions.takes_password_of(person):
            raise PasswordsAreForOwners
        if not await has_codes(connection, person.id):
            return await self.in_at_once(request, connection, person.id, going_to, by="password")
        key = secrets.token_urlsafe(KEY_BYTES)
        half = HalfWay(person.id, person.password_set_at, going_to)
        await self._store.set(_name(key), msgspec.json.encode(half), HALF_WAY_SECONDS)
        return Redirect(CODE_PAGE, status_code=303, cookies=[self._half_cookie(key)])

    async def in_at_once(
        self,
        request: AdminRequest,
        connection: AsyncConnection,
        person_id: str,
        going_to: str,
        *,
        by: SignedInBy,
        id_token: str = "",
    ) -> Redirect:
        """Let somebody in who has nothing more to prove; ``id_token`` is what the provider signed that says so."""
        kept = self._box.encrypt(id_token) if 0 < len(id_token) <= LONGEST_ID_TOKEN else None
        cookie = await self.sessions.begin(request, connection, person_id, by=by, id_token=kept)
        known = self.browsers.cookie_for(request, person_id)
        return Redirect(going_to, status_code=303, cookies=[cookie, known])

    async def half_way(self, request: AdminRequest) -> HalfWay | None:
        """Who signed in with their password in this browser, and has to tell a code."""
        key = request.cookies.get(self.sessions.half_cookie_name, "")
        kept = await self._store.get(_name(key)) if key and len(key) <= LONGEST_KEY else None
        return None if kept is None else msgspec.json.decode(kept, type=HalfWay)

    async def the_other_half(
        self, request: AdminRequest, connection: AsyncConnection, half: HalfWay, going_to: str
    ) -> Redirect:
        """Let in who told the code too."""
        await self._store.delete(_name(request.cookies.get(self.sessions.half_cookie_name, "")))
        answer = await self.in_at_once(request, connection, half.person_id, going_to, by="password")
        answer.cookies.append(self._half_cookie(""))
        return answer

    def _half_cookie(self, key: str) -> Cookie:
        return self.sessions.cookie(self.sessions.half_cookie_name, key, seconds=HALF_WAY_SECONDS)


def _name(key: str) -> str:
    return f"half-way/{key}"


def own_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of ours, else the first page. Nobody is sent to another site."""
    if not wanted or len(wanted) > LONGEST_NEXT or not wanted.isprintable() or "\\" in wanted:
        return FIRST_PAGE
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return FIRST_PAGE
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and not parts.scheme and not parts.netloc
    return wanted if is_ours else FIRST_PAGE
