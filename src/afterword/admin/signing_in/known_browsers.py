"""Browsers that somebody signed in with before: known again when their session is over, for what was kept of it."""

import secrets

import msgspec
from litestar.datastructures import Cookie

from afterword.accounts.secrets import SecretBox, SecretUnreadable
from afterword.admin.signing_in.sessions import AdminRequest, AnyConnection, Sessions

LASTS_SECONDS = 90 * 24 * 3600
ID_BYTES = 18
LONGEST_COOKIE = 1000


class KnownBrowser(msgspec.Struct, frozen=True):
    """A browser, by an id of its own, and who signed in with it last."""

    id: str
    person_id: str


class KnownBrowsers:
    """A cookie that outlasts the session and lets nobody in; what it says only Afterword can read or write."""

    def __init__(self, sessions: Sessions, box: SecretBox) -> None:
        self._sessions = sessions
        self._box = box

    def find(self, connection: AnyConnection) -> KnownBrowser | None:
        """The browser that a request comes from; ``None`` where nobody signed in before."""
        cookie = connection.cookies.get(self._sessions.known_cookie_name, "")
        if not cookie or len(cookie) > LONGEST_COOKIE:
            return None
        try:
            return msgspec.json.decode(self._box.decrypt(cookie.encode()), type=KnownBrowser)
        except (SecretUnreadable, msgspec.MsgspecError):
            return None

    def cookie_for(self, request: AdminRequest, person_id: str) -> Cookie:
        """The cookie of a browser that somebody signs in with now; it stays the browser that it was."""
        known = self.find(request)
        browser = KnownBrowser(secrets.token_urlsafe(ID_BYTES) if known is None else known.id, person_id)
        value = self._box.encrypt(msgspec.json.encode(browser).decode()).decode()
        return self._sessions.cookie(self._sessions.known_cookie_name, value, seconds=LASTS_SECONDS)
