"""Who is signed in: Litestar's sessions, kept in the database, and its protection against forged forms."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.middleware.session.server_side import ServerSideSessionBackend, ServerSideSessionConfig
from litestar.stores.base import Store
from litestar.types import Empty, Message, ScopeSession
from litestar.utils.scope.state import ScopeState

from afterword.accounts.audit import AFTERWORD, Actor, act_as
from afterword.accounts.people import Person, find_person
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.translating import best_language, get_ready, speak

SESSION_SECONDS = 7 * 24 * 3600

AdminRequest = Request[Person | None, Any, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]


class NotSignedIn(NotAuthorizedException):
    """This page wants somebody who is signed in."""


class NewSession(dict[str, Any]):
    """A session that begins with this answer, under an id that nobody knew before."""


def session_of(person: Person) -> NewSession:
    """A session in which this person is signed in, from now on."""
    begun = time.time()
    if person.password_set_at is not None:  # told by the database's clock, which may be ahead of ours
        begun = max(begun, person.password_set_at.timestamp())
    return NewSession(person_id=person.id, begun=begun)


class SessionBackend(ServerSideSessionBackend):
    """Stores a session when it begins and forgets it when it ends; one that merely goes on costs no write.

    An id that a browser brings along is never given to a new session, so that nobody can be made to sign in
    under an id that somebody else knows.
    """

    async def store_in_message(
        self, scope_session: ScopeSession, message: Message, connection: AnyConnection
    ) -> None:
        """Begin or end the session with this answer, if it was asked for."""
        store = self.config.get_store_from_app(connection.app)
        known_id = connection.cookies.get(self.config.key)
        ends = scope_session is Empty
        if known_id and (ends or isinstance(scope_session, NewSession)):
            await store.delete(known_id)
        if isinstance(scope_session, NewSession):
            session_id = self.generate_session_id()
            await self.set(session_id, self.serialize_data(scope_session, connection.scope), store)
            self._set_cookie(message, session_id, self.config.max_age)
        elif ends:
            self._set_cookie(message, "", 0)

    def _set_cookie(self, message: Message, value: str, max_age: int) -> None:
        config = self.config
        cookie = Cookie(
            key=config.key,
            value=value,
            max_age=max_age,
            path=config.path,
            secure=config.secure,
            httponly=config.httponly,
            samesite=config.samesite,
        )
        MutableScopeHeaders.from_message(message).add("Set-Cookie", cookie.to_header(header=""))


@dataclass
class SessionConfig(ServerSideSessionConfig):
    """Litestar's configuration of sessions, with the store that they are kept in."""

    _backend_class = SessionBackend

    kept_in: Store | None = field(default=None)

    def get_store_from_app(self, app: Litestar) -> Store:
        """The store, without asking the application for it."""
        return self.kept_in or super().get_store_from_app(app)


def session_config(store: DatabaseStore, settings: Settings) -> SessionConfig:
    """Sessions of a week, in a cookie that scripts cannot read and other sites' forms do not carry."""
    secure = _is_https(settings)
    return SessionConfig(
        kept_in=store,
        key="__Host-afterword" if secure else "afterword_session",
        max_age=SESSION_SECONDS,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def csrf_config(settings: Settings, secret: str) -> CSRFConfig:
    """Each form carries the token of its browser's cookie, signed with ``secret``."""
    secure = _is_https(settings)
    return CSRFConfig(
        secret=secret,
        cookie_name="__Host-afterword-form" if secure else "afterword_form",
        cookie_secure=secure,
        cookie_httponly=True,
        cookie_samesite="lax",
    )


def csrf_token(request: AdminRequest) -> str:
    """The token for the forms of this answer."""
    return str(ScopeState.from_scope(request.scope).csrf_token)


class PersonOfSession(AbstractAuthenticationMiddleware):
    """Finds out who is asking: ``request.user`` is a :class:`Person`, or ``None`` for nobody."""

    def __init__(self, app: Any, database: Database) -> None:
        super().__init__(app, exclude_http_methods=[])  # guards ask who it is at OPTIONS too
        self._database = database

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """The person of the session, if there is one and the person still exists.

        What is changed is their doing, and they are spoken to in the language they chose, or their browser asks for.
        """
        person = await self._person(connection)
        act_as(AFTERWORD if person is None else Actor(person.id, person.name or person.email, "page"))
        chosen = None if person is None else person.language
        speak(chosen or best_language(connection.headers.get("accept-language")))
        await get_ready()
        return AuthenticationResult(user=person, auth=None)

    async def _person(self, connection: AnyConnection) -> Person | None:
        person_id = connection.session.get("person_id")
        if person_id is None:
            return None
        async with self._database.transaction() as transaction:
            person = await find_person(transaction, person_id)
        is_over = person is not None and _began_before(connection.session, person.password_set_at)
        return None if is_over else person


def _began_before(session: Mapping[str, Any], moment: datetime | None) -> bool:
    return moment is not None and float(session.get("begun", 0)) < moment.timestamp()


def _is_https(settings: Settings) -> bool:
    return urlsplit(settings.public_url).scheme == "https"


def wants_person(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Let nobody by who is not signed in.

    Raises:
        NotSignedIn: the request has no session, or its person is gone.
    """
    if connection.user is None:
        raise NotSignedIn
