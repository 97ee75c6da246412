"""The second page of signing in, for who has set one-time codes up."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.one_time_codes import WrongCode, has_codes, take_code
from afterword.accounts.people import find_person
from afterword.accounts.secrets import SecretBox
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.signing_in.kept_forms import PATH as KEPT
from afterword.admin.signing_in.letting_in import CODE_PAGE, LettingIn
from afterword.admin.signing_in.my_codes import PATH as MY_CODES
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database

LARGEST_FORM = 8 * 1024


def sign_in_code_routes(database: Database, box: SecretBox, letting_in: LettingIn) -> list[HTTPRouteHandler]:
    """The page and its form."""

    @get(CODE_PAGE)
    async def show(request: AdminRequest) -> Response[str] | Redirect:
        """Ask for a code."""
        if await letting_in.half_way(request) is None:
            return Redirect("/sign-in", status_code=303)
        return page(request, "sign_in_code.html", problem=None)

    @post(CODE_PAGE, request_max_body_size=LARGEST_FORM)
    async def enter(request: AdminRequest) -> Response[str] | Redirect:
        """Take the code, and let them in."""
        half = await letting_in.half_way(request)
        if half is None:
            return Redirect("/sign-in", status_code=303)
        typed = text_of(await request.form(), "code")
        tries = f"code/{half.person_id}"
        try:
            await letting_in.tries.count(tries)
        except TriedTooOften as error:
            headers = {"Retry-After": str(error.seconds)}
            return page(request, "sign_in_code.html", status=429, headers=headers, problem="too-often")
        async with database.transaction() as connection:
            person = await find_person(connection, half.person_id)
            if person is None or person.password_set_at != half.password_set_at:
                return Redirect("/sign-in", status_code=303)
            going_to = half.going_to
            if await has_codes(connection, person.id):
                try:
                    by_recovery_code = await take_code(connection, box, person.id, typed)
                except WrongCode:
                    return page(request, "sign_in_code.html", status=401, problem="wrong")
                if by_recovery_code and not going_to.startswith(f"{KEPT}/"):
                    going_to = MY_CODES
            answer = await letting_in.the_other_half(request, connection, half, going_to)
        await letting_in.tries.forget(tries)
        return answer

    return [show, enter]
