"""Signing out: here, and at the company's own provider where one signed in there."""

import structlog
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.secrets import SecretBox, SecretUnreadable
from afterword.accounts.sessions import id_token_of
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest, Sessions
from afterword.open_id.failures import SignInFailed
from afterword.open_id.provider import Provider
from afterword.store.database import Database

log = structlog.get_logger()

LARGEST_FORM = 8 * 1024


def sign_out_routes(
    database: Database, box: SecretBox, sessions: Sessions, provider: Provider | None
) -> list[HTTPRouteHandler]:
    """The button *Sign out*. ``provider`` is the one to sign out at too, where there is one."""

    @post("/sign-out", request_max_body_size=LARGEST_FORM)
    async def sign_out(request: AdminRequest) -> Response[str] | Redirect:
        """End the session; whoever signed in at the provider is led there, and comes back signed out."""
        async with database.transaction() as connection:
            token = None if request.auth is None else await id_token_of(connection, request.auth.id)
            cookie = await sessions.end(request, connection)
        address = None if provider is None or token is None else await _address_at(provider, box, token)
        if address is None:
            return Redirect("/sign-in", status_code=303, cookies=[cookie])
        # A form may lead nowhere but to ourselves (form-action), so that the answer is a page, which leads on.
        answer = page(
            request,
            "signed_out.html",
            headers={"Refresh": f"0; url={address}"},
            address=address,
            provider=sessions.provider_name,
        )
        answer.cookies.append(cookie)
        return answer

    return [sign_out]


async def _address_at(provider: Provider, box: SecretBox, token: bytes) -> str | None:
    """Where to sign out at the provider; whoever cannot be told is signed out here all the same."""
    try:
        return await provider.sign_out_address(box.decrypt(token))
    except SignInFailed as error:
        log.warning("open_id_sign_out_failed", code=error.code, words=error.words)
    except SecretUnreadable:
        log.warning(
            "open_id_sign_out_failed", code="token-unreadable", words="It is encrypted with another key."
        )
    return None
