"""Users: who works here, with which roles and in which inboxes; added, changed, deactivated."""

from aiohttp import web

from afterword_sandbox.api.addresses import normalize_email
from afterword_sandbox.company import people, users
from afterword_sandbox.company.users import ROLES, User, UserChange
from afterword_sandbox.errors import GladlyError, Problems
from afterword_sandbox.pages.settings.frame import Form, Problem, found_or_404, page, problems_of, read_form
from afterword_sandbox.sandbox import SANDBOX, Sandbox

NAME_LENGTH = 200
TAB = "Users"
ROLE_HINTS = {
    "AGENT": "Has conversations and tasks.",
    "API_USER": "May use the API with tokens of their own, and manage webhooks.",
    "COMPLIANCE_ADMIN": "May delete customers.",
}


async def list_all(request: web.Request) -> web.Response:
    """Show every user."""
    store = request.app[SANDBOX].store
    names = {inbox["id"]: inbox["name"] for inbox in people.inboxes(store)}
    return page(request, "users.html", TAB, users=users.users(store), inbox_names=names)


def _read(form: Form) -> UserChange:
    """Read the form; raises 400 with all that is wrong."""
    problems = Problems()
    name, email = form.text("name"), normalize_email(form.text("email"))
    if not name or len(name) > NAME_LENGTH:
        problems.add("name", "blank", f"the name must have 1 to {NAME_LENGTH} characters")
    if email is None:
        problems.add("email", "invalid", "this is no email address")
    elif ":" in email.original:
        problems.add("email", "invalid", "the address cannot have a colon, as it is a user name of the API")
    roles = [role for role in form.ticked.get("roles", []) if role in ROLES]
    if not roles:
        problems.add("roles", "blank", "a user needs a role")
    problems.raise_any()
    return UserChange(name, email.original if email else "", roles, form.ticked.get("inboxes", []))


def _form_page(
    request: web.Request, user: User | None, form: Form | None = None, problems: list[Problem] | None = None
) -> web.Response:
    """Show the form of a user, with what was typed if something was wrong with it."""
    values = {
        "name": form.text("name") if form else user.name if user else "",
        "email": form.text("email") if form else user.email if user else "",
        "roles": form.ticked.get("roles", []) if form else user.roles if user else ("AGENT",),
        "inboxes": form.ticked.get("inboxes", []) if form else user.inbox_ids if user else (),
    }
    inboxes = [(inbox["id"], inbox["name"]) for inbox in people.inboxes(request.app[SANDBOX].store)]
    roles = [(role, name, ROLE_HINTS[role]) for role, name in ROLES.items()]
    return page(
        request,
        "user.html",
        TAB,
        problems=problems,
        user=user,
        values=values,
        role_choices=roles,
        inbox_choices=inboxes,
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the form for a new user."""
    return _form_page(request, None)


async def add(request: web.Request) -> web.Response:
    """Add a user."""
    store, form = request.app[SANDBOX].store, await read_form(request)
    try:
        wanted = _read(form)
        with store.transaction():
            users.add(store, wanted)
    except GladlyError as error:
        return _form_page(request, None, form, problems_of(error))
    raise web.HTTPSeeOther("/settings/users")


async def show(request: web.Request) -> web.Response:
    """Show the form of a user."""
    return _form_page(request, _user(request))


def _user(request: web.Request) -> User:
    return users.user(request.app[SANDBOX].store, request.match_info["user_id"])


async def change(request: web.Request) -> web.Response:
    """Change a user."""
    store, form, user = request.app[SANDBOX].store, await read_form(request), _user(request)
    try:
        wanted = _read(form)
        with store.transaction():
            users.change(store, user.id, wanted)
    except GladlyError as error:
        return _form_page(request, user, form, problems_of(error))
    raise web.HTTPSeeOther("/settings/users")


async def deactivate(request: web.Request) -> web.Response:
    """Deactivate a user."""
    sandbox: Sandbox = request.app[SANDBOX]
    with sandbox.store.transaction():
        users.deactivate(sandbox.store, _user(request).id, sandbox.api_user)
    raise web.HTTPSeeOther("/settings/users")


async def reactivate(request: web.Request) -> web.Response:
    """Let a deactivated user work again."""
    store = request.app[SANDBOX].store
    with store.transaction():
        users.reactivate(store, _user(request).id)
    raise web.HTTPSeeOther("/settings/users")


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/settings", found_or_404(list_all)),
    web.get("/settings/users", list_all),
    web.get("/settings/users/new", show_new),
    web.post("/settings/users", add),
    web.get("/settings/users/{user_id}", found_or_404(show)),
    web.post("/settings/users/{user_id}", found_or_404(change)),
    web.post("/settings/users/{user_id}/deactivate", found_or_404(deactivate)),
    web.post("/settings/users/{user_id}/reactivate", found_or_404(reactivate)),
)
