"""Signing in with a password."""

from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.signing_in.by_open_id import PATH as OPEN_ID
from afterword.admin.signing_in.kept_forms import PATH as KEPT
from afterword.admin.signing_in.letting_in import LettingIn, PasswordsAreForOwners, own_path
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database

LARGEST_FORM = 8 * 1024
PROBLEMS = {"wrong": 401, "too-often": 429, "for-owners": 403}


def sign_in_routes(database: Database, letting_in: LettingIn) -> list[HTTPRouteHandler]:
    """The sign-in page and its form."""

    def ask(
        request: AdminRequest, going_to: str, *, email: str = "", problem: str = "", wait: int = 0
    ) -> Response[str]:
        return page(
            request,
            "sign_in.html",
            status=PROBLEMS.get(problem, 200),
            headers={"Retry-After": str(wait)} if wait else {},
            email=email,
            going_to=going_to,
            problem=problem,
            has_typed=going_to.startswith(f"{KEPT}/"),
            provider=letting_in.sessions.provider_name,
            provider_address=f"{OPEN_ID}?{urlencode({'next': going_to})}",
        )

    @get("/sign-in")
    async def show(request: AdminRequest) -> Response[str] | Redirect:
        """Ask for address and password; whoever is signed in goes straight on."""
        going_to = own_path(request.query_params.get("next"))
        if request.user is not None:
            return Redirect(going_to, status_code=303)
        return ask(request, going_to)

    @post("/sign-in", request_max_body_size=LARGEST_FORM)
    async def sign_in(request: AdminRequest) -> Response[str] | Redirect:
        """Let somebody in, if the password is right and was not tried too often."""
        form = await request.form()
        email, password = text_of(form, "email").strip(), text_of(form, "password")
        going_to = own_path(text_of(form, "next"))
        try:
            answer = await letting_in.with_password(request, database, email, password, going_to)
        except TriedTooOften as error:
            return ask(request, going_to, email=email, problem="too-often", wait=error.seconds)
        except PasswordsAreForOwners:
            return ask(request, going_to, email=email, problem="for-owners")
        return answer or ask(request, going_to, email=email, problem="wrong")

    return [show, sign_in]
