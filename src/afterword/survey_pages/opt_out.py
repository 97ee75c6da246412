"""The way out: a page with one button, and the one-click form that mail programs send (RFC 8058)."""

from urllib.parse import quote

from litestar import HttpMethod, Response, post, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.directory.contacts import is_opted_out, opt_out
from afterword.pages.rendering import PAGE_HEADERS
from afterword.store.database import Database
from afterword.survey_pages.links import PageRequest, find_invitation, speak_to, text_fields
from afterword.survey_pages.survey import templates
from afterword.translating import gettext as _

LARGEST_FORM = 4 * 1024
ONE_CLICK = ("List-Unsubscribe", "One-Click")


def opt_out_routes(database: Database) -> list[HTTPRouteHandler]:
    """The opt-out page."""

    @route("/opt-out/{link_token:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], name="opt-out")
    async def show(request: PageRequest, link_token: FromPath[str]) -> Response[str]:
        """Ask for the one click that opts out, or tell that it was made; changes nothing."""
        await speak_to(request, None)
        async with database.transaction() as connection:
            invitation = await find_invitation(connection, link_token)
            if invitation is None:
                return templates.page("not_found.html", status=404)
            done = await is_opted_out(connection, invitation.contact_id)
        values = {"action": _address(link_token), "email": invitation.email, "done": done}
        return templates.page("opt_out.html", values)

    @post("/opt-out/{link_token:str}", request_max_body_size=LARGEST_FORM, exclude_from_csrf=True)
    async def leave(request: PageRequest, link_token: FromPath[str]) -> Response[str] | Redirect:
        """Opt the contact out; a mail program's one click follows no redirect, so it gets none."""
        await speak_to(request, None)
        async with database.transaction() as connection:
            invitation = await find_invitation(connection, link_token)
            if invitation is None:
                return templates.page("not_found.html", status=404)
            await opt_out(connection, invitation.contact_id)
        name, value = ONE_CLICK
        if text_fields(await request.form()).get(name) == value:
            return Response(
                f"{_('You will get no more surveys.')}\n", status_code=200, media_type="text/plain"
            )
        return Redirect(_address(link_token), status_code=303, headers=dict(PAGE_HEADERS))

    return [show, leave]


def _address(link_token: str) -> str:
    return f"/opt-out/{quote(link_token, safe='')}"
