"""Letting somebody in who proved who they are, and where they go then."""

from urllib.parse import urlsplit

from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.people import Person
from afterword.admin.sessions import AdminRequest, Sessions
from afterword.admin.tries import Tries

FIRST_PAGE = "/"
LONGEST_NEXT = 2000


class LettingIn:
    """Begins a session for whoever proved who they are."""

    def __init__(self, sessions: Sessions, tries: Tries) -> None:
        self.sessions = sessions
        self.tries = tries

    async def by_password(
        self, request: AdminRequest, connection: AsyncConnection, person: Person, going_to: str
    ) -> Redirect:
        """Let in whose password was right, or who just chose it."""
        cookie = await self.sessions.begin(request, connection, person.id, by="password")
        return Redirect(going_to, status_code=303, cookies=[cookie])


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
