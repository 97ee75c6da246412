"""The language that pages speak to whoever is signed in; chosen on *My account*."""

from typing import cast

from litestar import post
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.people import InvalidPerson, Person, choose_language
from afterword.admin.forms import text_of
from afterword.admin.signing_in.my_account import PATH
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.store.database import Database

LARGEST_FORM = 1024


def my_language_routes(database: Database) -> list[HTTPRouteHandler]:
    """The form; its page is *My account*."""

    @post(f"{PATH}/language", request_max_body_size=LARGEST_FORM)
    async def change_language(request: AdminRequest) -> Redirect:
        """Have pages speak another language; none chosen is what the browser asks for."""
        chosen = text_of(await request.form(), "language") or None
        try:
            async with database.transaction() as connection:
                await choose_language(connection, cast("Person", request.user).id, chosen)
        except InvalidPerson as error:
            raise ClientException(str(error)) from None
        return Redirect(f"{PATH}?done=language", status_code=303)

    return [change_language]
