"""Signing in and out."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.people import authenticate
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.sessions import AdminRequest, NotSignedIn, session_of
from afterword.pages.rendering import PAGE_HEADERS
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore

LARGEST_FORM = 8 * 1024
FAILURES_ALLOWED = 10
FAILURES_WITHIN_SECONDS = 300
FIRST_PAGE = "/"
LONGEST_NEXT = 2000


def sign_in_routes(database: Database, store: DatabaseStore) -> list[HTTPRouteHandler]:
    """The sign-in page and its form, and signing out."""

    @get("/sign-in")
    async def show(request: AdminRequest) -> Response[str] | Redirect:
        """Ask for address and password; whoever is signed in goes straight on."""
        going_to = own_path(request.query_params.get("next"))
        if request.user is not None:
            return Redirect(going_to, status_code=303)
        return page(request, "sign_in.html", email="", going_to=going_to, problem=None)

    @post("/sign-in", request_max_body_size=LARGEST_FORM)
    async def sign_in(request: AdminRequest) -> Response[str] | Redirect:
        """Begin a session, if the password is right and was not tried too often."""
        form = await request.form()
        email, password = text_of(form, "email").strip(), text_of(form, "password")
        going_to = own_path(text_of(form, "next"))
        tries = f"sign-in/{_client(request)}/{email.casefold()}"
        if await store.count(tries, within=FAILURES_WITHIN_SECONDS) > FAILURES_ALLOWED:
            wait = max(1, await store.expires_in(tries) or 0)
            return page(
                request,
                "sign_in.html",
                status=429,
                headers={"Retry-After": str(wait)},
                email=email,
                going_to=going_to,
                problem="too-often",
            )
        async with database.transaction() as connection:
            person = await authenticate(connection, email, password)
        if person is None:
            return page(request, "sign_in.html", status=401, email=email, going_to=going_to, problem="wrong")
        await store.delete(tries)
        request.set_session(session_of(person))
        return Redirect(going_to, status_code=303)

    @post("/sign-out", request_max_body_size=LARGEST_FORM)
    async def sign_out(request: AdminRequest) -> Redirect:
        """End the session."""
        request.clear_session()
        return Redirect("/sign-in", status_code=303)

    return [show, sign_in, sign_out]


def send_to_sign_in(request: Request[Any, Any, Any], _: NotSignedIn) -> Redirect:
    """Ask who it is, then go on to where they wanted to."""
    headers = dict(PAGE_HEADERS)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or wanted == FIRST_PAGE:
        return Redirect("/sign-in", status_code=303, headers=headers)
    return Redirect(f"/sign-in?{urlencode({'next': wanted})}", status_code=303, headers=headers)


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


def _client(request: AdminRequest) -> str:
    return request.client.host if request.client else ""
