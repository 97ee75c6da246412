"""Who is signed in: the cookie that a session's key is in, and protection against forged forms."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.utils.scope.state import ScopeState
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import AFTERWORD, Actor, act_as
from afterword.accounts.one_time_codes import required_of
from afterword.accounts.people import Person
from afterword.accounts.sessions import (
    Session,
    SignedInBy,
    begin_session,
    end_session,
    find_session,
    network_of,
)
from afterword.admin.signing_in.browsers import browser_of
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import N_, best_language, get_ready, speak

AdminRequest = Request[Person | None, Session | None, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]
WantProof = Callable[[AdminRequest], Awaitable[None]]
"""Goes on only for who proved a short while ago who they are (``proving.py``)."""


class NotLetBy(NotAuthorizedException):
    """Something has to be done first; then one goes on at ``going_on``, where a form is kept that was refused."""

    def __init__(self, going_on: str | None = None) -> None:
        super().__init__()
        self.going_on = going_on


class NotSignedIn(NotLetBy):
    """This page wants somebody who is signed in."""


class CodesWanted(NotLetBy):
    """Who signed in with a password alone has to set one-time codes up before anything else."""


class Sessions:
    """Begins, finds and ends the sessions of browsers. A key is told to its browser once, in a cookie.

    A new session has a new key, whatever the browser brings along, so that nobody can be made to sign in under a key
    that somebody else knows.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._secure = _is_https(settings)
        self.codes_required = settings.codes_required
        self._passwords_are_owners = settings.oidc_only
        self.provider_name = settings.oidc_name if settings.oidc_issuer else ""
        self.lasts = timedelta(days=settings.session_days)
        self.idle = timedelta(hours=settings.session_idle_hours)

        # Over https no other site under the same domain can set a cookie of such a name.
        self.cookie_name = "__Host-afterword" if self._secure else "afterword_session"
        self.half_cookie_name = "__Host-afterword-half" if self._secure else "afterword_half"
        self.away_cookie_name = "__Host-afterword-away" if self._secure else "afterword_away"
        self.known_cookie_name = "__Host-afterword-known" if self._secure else "afterword_known"

    def cookie(self, name: str, value: str, *, seconds: int) -> Cookie:
        """A cookie that scripts cannot read and other sites' forms do not carry; with no value it is taken back."""
        return Cookie(
            key=name,
            value=value,
            max_age=seconds if value else 0,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def lacks_codes(self, session: Session | None) -> bool:
        """Whether one-time codes are required of somebody who has none.

        What an OpenID Connect provider asks for is its own matter.
        """
        if session is None or session.has_codes or session.signed_in_by != "password":
            return False
        return required_of(session.person, self.codes_required)

    async def find(self, connection: AnyConnection) -> Session | None:
        """The session that a request came with; what an open page asks for by itself does not keep it alive."""
        key = connection.cookies.get(self.cookie_name, "")
        by_itself = connection.headers.get("sec-fetch-dest") == "empty"
        session = await find_session(self._database, key, idle=self.idle, is_seen=not by_itself)
        if session is not None and session.signed_in_by == "password":
            return session if self.takes_password_of(session.person) else None
        return session

    def takes_password_of(self, person: Person) -> bool:
        """Whether somebody may sign in with a password; owners always may, should the provider be away."""
        return person.role == "owner" or not self._passwords_are_owners

    async def begin(
        self,
        request: AdminRequest,
        connection: AsyncConnection,
        person_id: str,
        *,
        by: SignedInBy,
        id_token: bytes | None = None,
    ) -> Cookie:
        """Sign somebody in, from now on, in place of whoever was; answers the cookie that goes with the answer."""
        await self.end(request, connection)
        key = await begin_session(
            connection,
            person_id,
            by=by,
            browser=browser_of(request.headers.get("user-agent", "")),
            network=network_of(client_of(request)),
            lasts=self.lasts,
            idle=self.idle,
            id_token=id_token,
        )
        return self.cookie(self.cookie_name, key, seconds=int(self.lasts.total_seconds()))

    async def end(self, request: AdminRequest, connection: AsyncConnection) -> Cookie:
        """Sign out; answers the cookie that takes the key back."""
        if request.auth is not None:
            await end_session(connection, request.auth.person.id, request.auth.id)
        return self.cookie(self.cookie_name, "", seconds=0)


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


def address_of(connection: AnyConnection) -> str:
    """The path that a request asks for, with its query."""
    return connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")


def client_of(request: AdminRequest) -> str:
    """The network address that a request came from; behind a proxy, the proxy's."""
    return request.client.host if request.client else ""


class PersonOfSession(AbstractAuthenticationMiddleware):
    """Finds out who is asking: ``request.user`` is a :class:`Person`, or ``None`` for nobody."""

    def __init__(self, app: Any, sessions: Sessions) -> None:
        super().__init__(app, exclude_http_methods=[])  # guards ask who it is at OPTIONS too
        self._sessions = sessions

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """The person of the session, if there is one; found in one query, in an index.

        What is changed is their doing, and they are spoken to in the language they chose, or their browser asks for.
        """
        session = await self._sessions.find(connection)
        person = None if session is None else session.person
        act_as(AFTERWORD if person is None else Actor(person.id, person.name or person.email, N_("page")))
        chosen = None if person is None else person.language
        speak(chosen or best_language(connection.headers.get("accept-language")))
        await get_ready()
        return AuthenticationResult(user=person, auth=session)


def _is_https(settings: Settings) -> bool:
    return urlsplit(settings.public_url).scheme == "https"
