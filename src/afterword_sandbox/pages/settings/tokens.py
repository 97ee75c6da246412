"""API tokens: made for a user who is an API User, shown once, deleted."""

from aiohttp import web

from afterword_sandbox.company import tokens, users
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.pages.settings.frame import found_or_404, page, problems_of, read_form
from afterword_sandbox.sandbox import SANDBOX

NAME_LENGTH = 100
TAB = "API tokens"


def _list(request: web.Request, **values: object) -> web.Response:
    store = request.app[SANDBOX].store
    owners = [user for user in users.users(store) if user.is_active and "API_USER" in user.roles]
    shown: dict[str, object] = {"made": None, "owner": "", "name": "", **values}
    return page(request, "tokens.html", TAB, tokens=tokens.tokens(store), owners=owners, **shown)  # type: ignore[arg-type]


async def list_all(request: web.Request) -> web.Response:
    """Show every token by its name, and the form for a new one."""
    return _list(request)


async def make(request: web.Request) -> web.Response:
    """Make a token and show it, this once."""
    store, form = request.app[SANDBOX].store, await read_form(request)
    user_id, name = form.text("user"), form.text("name")[:NAME_LENGTH]
    try:
        with store.transaction():
            token = tokens.make(store, user_id, name)
    except GladlyError as error:
        return _list(request, problems=problems_of(error), owner=user_id, name=name)
    return _list(request, made={"token": token, "user": users.user(store, user_id)})


async def delete(request: web.Request) -> web.Response:
    """Delete a token."""
    store = request.app[SANDBOX].store
    with store.transaction():
        tokens.delete(store, request.match_info["token_id"])
    raise web.HTTPSeeOther("/settings/api-tokens")


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/settings/api-tokens", list_all),
    web.post("/settings/api-tokens", make),
    web.post("/settings/api-tokens/{token_id}/delete", found_or_404(delete)),
)
