"""API tokens: one's own, and for those who may see that, everybody's; made, shown once, ended."""

from typing import cast

from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.api_tokens import add_api_token, end_api_token, list_api_tokens
from afterword.accounts.managing import list_people
from afterword.accounts.people import InvalidPerson, Person
from afterword.accounts.rights import may_read_audit_log
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.sessions import AdminRequest
from afterword.admin.settings.account_forms import LARGEST_FORM, Wrong
from afterword.store.database import Database
from afterword.translating import gettext as _

PATH = "/settings/tokens"


def tokens_routes(database: Database) -> list[HTTPRouteHandler]:
    """The page, and its forms."""

    async def show(
        request: AdminRequest,
        *,
        problem: Wrong | None = None,
        typed: str = "",
        whose: str = "",
        token: str = "",
    ) -> Response[str]:
        person = cast("Person", request.user)
        sees_all = may_read_audit_log(person)
        async with database.transaction() as connection:
            tokens = await list_api_tokens(connection, None if sees_all else person.id)
            people = await list_people(connection) if sees_all else []
        services = {one.id: one.name for one in people if one.role == "api_user" and one.id != person.id}
        return page(
            request,
            "settings/tokens.html",
            status=200 if problem is None else 422,
            tokens=tokens,
            sees_all=sees_all,
            owners={person.id: _("%(name)s (me)", name=person.name), **services},
            problem=problem,
            typed=typed,
            whose=whose or person.id,
            token=token,
        )

    @get(PATH)
    async def tokens(request: AdminRequest) -> Response[str]:
        """List the tokens."""
        return await show(request)

    @post(PATH, request_max_body_size=LARGEST_FORM)
    async def make(request: AdminRequest) -> Response[str]:
        """Make a token, and show it this once."""
        person = cast("Person", request.user)
        form = await request.form()
        name, whose = text_of(form, "name").strip(), text_of(form, "person") or person.id
        async with database.transaction() as connection:
            if whose != person.id and not await _is_service(request, whose):
                raise PermissionDeniedException(_("Your role may make API tokens for itself alone."))
            try:
                token = await add_api_token(connection, whose, name)
            except InvalidPerson as error:
                return await show(request, problem=Wrong(str(error), "name"), typed=name, whose=whose)
        return await show(request, token=token)

    async def _is_service(request: AdminRequest, whose: str) -> bool:
        if not may_read_audit_log(request.user):
            return False
        async with database.transaction() as connection:
            return any(one.id == whose and one.role == "api_user" for one in await list_people(connection))

    @post(f"{PATH}/{{token_id:str}}/end", request_max_body_size=LARGEST_FORM)
    async def end(request: AdminRequest, token_id: FromPath[str]) -> Redirect:
        """End a token; one that somebody ended a moment before is no trouble."""
        person = cast("Person", request.user)
        async with database.transaction() as connection:
            tokens = {one.id: one.person_id for one in await list_api_tokens(connection, None)}
            if tokens.get(token_id, person.id) != person.id and not may_read_audit_log(person):
                raise PermissionDeniedException(_("Your role may end its own API tokens alone."))
            await end_api_token(connection, token_id)
        return Redirect(PATH, status_code=303)

    return [tokens, make, end]
