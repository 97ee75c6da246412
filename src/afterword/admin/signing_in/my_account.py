"""*My account*: one's own password and sessions."""

from typing import cast

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.one_time_codes import required_of
from afterword.accounts.people import (
    SHORTEST_PASSWORD,
    InvalidPerson,
    has_password,
    set_password,
)
from afterword.accounts.sessions import Session, end_session, end_sessions, list_sessions
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.people import ROLES
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.browsers import in_words
from afterword.admin.signing_in.letting_in import LettingIn, NotThePassword
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database
from afterword.translating import LANGUAGES, N_, translated
from afterword.translating import gettext as _

PATH = "/account"
LARGEST_FORM = 8 * 1024
DONE = {
    "language": N_("Saved."),
    "password": N_("Your password was changed. Your other sessions are over."),
    "sessions": N_("Your other sessions are over."),
    "codes": N_("One-time codes are off: your password alone lets you in."),
}


def my_account_routes(database: Database, letting_in: LettingIn) -> list[HTTPRouteHandler]:
    """The page of whoever is signed in, and its forms."""
    sessions = letting_in.sessions

    async def show(
        request: AdminRequest, *, problem: Wrong | None = None, status: int = 422
    ) -> Response[str]:
        session = _session(request)
        async with database.transaction() as connection:
            listed = await list_sessions(connection, session.person.id, idle=sessions.idle)
            signs_in_by_password = await has_password(connection, session.person.id)
        return page(
            request,
            "my_account.html",
            status=200 if problem is None else status,
            session=session,
            codes_required=required_of(session.person, sessions.codes_required),
            sessions=listed,
            signs_in_by_password=signs_in_by_password,
            role=ROLES[session.person.role],
            languages=LANGUAGES,
            in_words=in_words,
            shortest=SHORTEST_PASSWORD,
            problem=problem,
            done=translated(DONE.get(request.query_params.get("done", ""), "")),
        )

    @get(PATH)
    async def account(request: AdminRequest) -> Response[str]:
        """Show who one is, and where one is signed in."""
        return await show(request)

    @post(f"{PATH}/password", request_max_body_size=LARGEST_FORM)
    async def change_password(request: AdminRequest) -> Response[str] | Redirect:
        """Take another password, from whoever knows the present one; all other sessions end."""
        session, form = _session(request), await request.form()
        known = letting_in.knowing_password(database, session, text_of(form, "old_password"))
        try:
            async with known as (connection, person):
                await set_password(connection, person.id, text_of(form, "new_password"))
                cookie = await sessions.begin(request, connection, person.id, by=session.signed_in_by)
        except TriedTooOften:
            words = _("That was tried too often. Please wait five minutes, then try again.")
            return await show(request, problem=Wrong(words, "old_password"), status=429)
        except NotThePassword:
            return await show(request, problem=Wrong(_("This is not your password."), "old_password"))
        except InvalidPerson as error:
            return await show(request, problem=Wrong(str(error), "new_password"))
        return Redirect(f"{PATH}?done=password", status_code=303, cookies=[cookie])

    @post(f"{PATH}/sessions/end", request_max_body_size=LARGEST_FORM)
    async def end(request: AdminRequest) -> Redirect:
        """End one of one's sessions, or all but this one."""
        session = _session(request)
        session_id = read_id(text_of(await request.form(), "session"))
        async with database.transaction() as connection:
            if session_id is None:
                await end_sessions(connection, session.person.id, but=session.id)
            else:
                await end_session(connection, session.person.id, session_id)
        return Redirect(PATH if session_id else f"{PATH}?done=sessions", status_code=303)

    return [account, change_password, end]


def _session(request: AdminRequest) -> Session:
    return cast("Session", request.auth)
