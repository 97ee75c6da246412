"""Who is let by to a page: whoever is signed in, and has one-time codes where they are required.

Whoever is not is led to do that first, and then on. A form that they sent is kept meanwhile.
"""

from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect

from afterword.admin.signing_in.kept_forms import KeptForms
from afterword.admin.signing_in.letting_in import FIRST_PAGE
from afterword.admin.signing_in.my_codes import PATH as MY_CODES
from afterword.admin.signing_in.sessions import (
    AnyConnection,
    CodesWanted,
    NotLetBy,
    NotSignedIn,
    Sessions,
    address_of,
)
from afterword.pages.rendering import PAGE_HEADERS


class Guards:
    """What routers ask of a request before anything else is done with it."""

    def __init__(self, sessions: Sessions, kept_forms: KeptForms) -> None:
        self._sessions = sessions
        self._kept_forms = kept_forms

    async def wants_person(self, connection: AnyConnection, _: BaseRouteHandler) -> None:
        """Let nobody by who is not signed in.

        Raises:
            NotSignedIn: the request has no session, or its person is gone.
        """
        if connection.user is None:
            raise NotSignedIn(await self._kept_forms.keep(connection))

    async def wants_codes(self, connection: AnyConnection, _: BaseRouteHandler) -> None:
        """Let nobody by of whom one-time codes are required, and who has none.

        Raises:
            CodesWanted: they are to be set up first.
        """
        if self._sessions.lacks_codes(connection.auth):
            raise CodesWanted(await self._kept_forms.keep(connection))


def send_to_sign_in(request: Request[Any, Any, Any], error: NotSignedIn) -> Redirect:
    """Ask who it is, then go on to where they wanted to."""
    return _send_to("/sign-in", request, error)


def send_to_codes(request: Request[Any, Any, Any], error: CodesWanted) -> Redirect:
    """Have one-time codes set up before anything else."""
    return _send_to(MY_CODES, request, error)


def _send_to(place: str, request: Request[Any, Any, Any], error: NotLetBy) -> Redirect:
    wanted = error.going_on
    if wanted is None and request.method == "GET":
        wanted = address_of(request)
    query = "" if wanted in {None, FIRST_PAGE} else f"?{urlencode({'next': wanted})}"
    return Redirect(f"{place}{query}", status_code=303, headers=dict(PAGE_HEADERS))
