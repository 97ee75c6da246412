"""Coming in by a link: the first owner, whoever was invited, whoever chooses another password."""

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.audit import Actor, act_as
from afterword.accounts.people import SHORTEST_PASSWORD, InvalidPerson
from afterword.accounts.welcome import LinkNotValid, Welcome, come_in, find_welcome
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.letting_in import FIRST_PAGE, LettingIn, PasswordsAreForOwners
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database
from afterword.translating import N_

LARGEST_FORM = 8 * 1024


def welcome_routes(database: Database, letting_in: LettingIn) -> list[HTTPRouteHandler]:
    """The page that a link leads to, and its form. Opening it uses nothing up."""

    @get("/welcome")
    async def show(request: AdminRequest) -> Response[str] | Redirect:
        """Ask who it is, where nobody knows, and for a password."""
        code = request.query_params.get("code", "")
        try:
            async with database.transaction() as connection:
                welcome = await find_welcome(connection, code)
        except LinkNotValid:
            return page(request, "welcome_over.html", status=410)
        if welcome.person is not None and not letting_in.sessions.takes_password_of(welcome.person):
            return Redirect("/sign-in", status_code=303)
        return _form(request, welcome, code, {})

    @post("/welcome", request_max_body_size=LARGEST_FORM)
    async def enter(request: AdminRequest) -> Response[str] | Redirect:
        """Take the password, and let them in; also who sent the form twice, whose first used the link up."""
        form = await request.form()
        typed = {name: text_of(form, name).strip() for name in ("name", "email")}
        code, password = text_of(form, "code"), text_of(form, "password")
        try:
            async with database.transaction() as connection:
                welcome = await find_welcome(connection, code)
                if (known := welcome.person) is not None:
                    act_as(Actor(known.id, known.name or known.email, N_("page")))
                try:
                    person = await come_in(connection, code, password=password, **typed)
                except InvalidPerson as error:
                    return _form(request, welcome, code, typed, problem=Wrong(str(error), error.field))
                return await letting_in.by_password(request, connection, person, FIRST_PAGE)
        except LinkNotValid:
            over = page(request, "welcome_over.html", status=410)
            try:
                answer = await letting_in.with_password(
                    request, database, typed["email"], password, FIRST_PAGE
                )
            except (TriedTooOften, PasswordsAreForOwners):
                return over
            return answer or over
        except PasswordsAreForOwners:  # nothing of it is kept
            return Redirect("/sign-in", status_code=303)

    return [show, enter]


def _form(
    request: AdminRequest,
    welcome: Welcome,
    code: str,
    typed: Mapping[str, str],
    *,
    problem: Wrong | None = None,
) -> Response[str]:
    known = welcome.person
    return page(
        request,
        "welcome.html",
        status=200 if problem is None else 422,
        known=known,
        code=code,
        typed={"name": "", "email": "", **typed},
        problem=problem,
        shortest=SHORTEST_PASSWORD,
    )
