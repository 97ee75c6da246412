"""API tokens: one's own, and for those who may see that, everybody's; made, shown once, ended."""

from typing import cast

import msgspec
from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.api_tokens import add_api_token, end_api_token, list_api_tokens
from afterword.accounts.managing import list_people
from afterword.accounts.people import InvalidPerson, Person, find_person
from afterword.accounts.rights import is_program, may_make_token_of, may_read_audit_log
from afterword.accounts.scopes import SCOPES
from afterword.admin.forms import text_of, texts_of
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import LARGEST_FORM, Wrong
from afterword.admin.signing_in.sessions import AdminRequest, WantProof
from afterword.store.database import Database
from afterword.translating import gettext as _

PATH = "/settings/tokens"
EVERYTHING = "everything"
"""What a box says for a token that may all that its person may."""


class Typed(msgspec.Struct, frozen=True):
    """What was typed into the form: what the token is for, whose it is, and the boxes that are ticked."""

    name: str = ""
    whose: str = ""
    scopes: tuple[str, ...] = ()


def tokens_routes(database: Database, want_proof: WantProof) -> list[HTTPRouteHandler]:
    """The page, and its forms."""

    async def show(
        request: AdminRequest, *, problem: Wrong | None = None, typed: Typed | None = None, token: str = ""
    ) -> Response[str]:
        person = cast("Person", request.user)
        sees_all = may_read_audit_log(person)
        async with database.transaction() as connection:
            tokens = await list_api_tokens(connection, None if sees_all else person.id)
            people = await list_people(connection) if sees_all else []
        services = {one.id: one.name for one in people if is_program(one) and one.id != person.id}
        whose = request.query_params.get("of", "")
        return page(
            request,
            "settings/tokens.html",
            status=200 if problem is None else 422,
            tokens=tokens,
            sees_all=sees_all,
            services=services,
            scopes=SCOPES,
            everything=EVERYTHING,
            problem=problem,
            typed=typed or Typed(whose=whose if whose in services else person.id),
            token=token,
        )

    @get(PATH)
    async def tokens(request: AdminRequest) -> Response[str]:
        """List the tokens."""
        return await show(request)

    @post(PATH, request_max_body_size=LARGEST_FORM)
    async def make(request: AdminRequest) -> Response[str]:
        """Make a token, and show it this once."""
        await want_proof(request)
        person = cast("Person", request.user)
        form = await request.form()
        typed = Typed(
            name=text_of(form, "name").strip(),
            whose=text_of(form, "person") or person.id,
            scopes=tuple(texts_of(form, "scope")),
        )
        scopes = None if EVERYTHING in typed.scopes else typed.scopes
        try:
            async with database.transaction() as connection:
                whose = await find_person(connection, typed.whose)
                if whose is None or not may_make_token_of(person, whose):
                    raise PermissionDeniedException(_("Your role may make API tokens for itself alone."))
                token = await add_api_token(connection, typed.whose, typed.name, scopes=scopes)
        except InvalidPerson as error:
            return await show(request, problem=Wrong(str(error), error.field), typed=typed)
        return await show(request, token=token)

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
