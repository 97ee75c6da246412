"""Protection against forged forms that loses nothing: one whose token is too old is shown again, to be sent by a click.

A form carries a token of its browser's cookie. The cookie goes when the browser is started anew, and both are worthless
once the installation has another key. Whoever sent such a form from a page of ours has forged nothing.
"""

from litestar import Request
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.middleware.csrf import CSRFMiddleware, generate_csrf_token
from litestar.types import Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from afterword.admin.pages import page
from afterword.admin.signing_in.kept_forms import CSRF_TOKEN, fields_of, without_secrets
from afterword.admin.signing_in.letting_in import own_path
from afterword.admin.signing_in.sessions import AdminRequest, address_of
from afterword.translating import best_language, get_ready, speak

FORM = "application/x-www-form-urlencoded"


class FormProtection(CSRFMiddleware):
    """The framework's protection, which refuses; here what was typed comes back with the refusal."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse forms of other sites, show those again that are too old, and let all others by."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request: AdminRequest = scope["litestar_app"].request_class(scope=scope, receive=receive)
        _forget_cookie_of_another_key(request, self)
        if await _is_too_old(request, self):
            await _show_again(request, self.config, scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def is_ours(self, token: str) -> bool:
        """Whether a token was made with the key of now."""
        return self._decode_csrf_token(token) is not None

    def belong_together(self, of_form: str, of_cookie: str) -> bool:
        """Whether a form carries the token of its browser."""
        return self._csrf_tokens_match(of_form, of_cookie)


def _forget_cookie_of_another_key(request: AdminRequest, protection: FormProtection) -> None:
    """Else the browser would keep it, and no form of its would ever be taken again."""
    name = protection.config.cookie_name
    if name in request.cookies and not protection.is_ours(request.cookies[name]):
        del request.cookies[name]


async def _is_too_old(request: AdminRequest, protection: FormProtection) -> bool:
    """Whether a form was sent from a page of ours, with a token of before. No other site can make a browser say so."""
    if (
        request.method in protection.config.safe_methods
        or request.headers.get("sec-fetch-site") != "same-origin"
    ):
        return False
    if request.content_type[0] != FORM or request.headers.get("sec-fetch-dest") != "document":
        return False
    token = (await request.form()).get(CSRF_TOKEN, "")
    cookie = request.cookies.get(protection.config.cookie_name, "")
    return isinstance(token, str) and bool(token) and not protection.belong_together(token, cookie)


async def _show_again(
    request: AdminRequest, config: CSRFConfig, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer with the form as it was typed, with a token of now."""
    token = request.cookies.get(config.cookie_name) or generate_csrf_token(config.secret)
    ScopeState.from_scope(scope).csrf_token = token
    scope["user"] = scope["auth"] = None
    speak(best_language(request.headers.get("accept-language")))
    await get_ready()
    sent = fields_of(await request.form())
    fields = without_secrets(sent)
    answer = page(
        request,
        "form_again.html",
        status=403,
        action=own_path(address_of(request)),
        fields=fields,
        is_without_secrets=len(fields) < len(sent),
    )
    answer.cookies.append(
        Cookie(
            key=config.cookie_name,
            value=token,
            path=config.cookie_path,
            secure=config.cookie_secure,
            httponly=config.cookie_httponly,
            samesite=config.cookie_samesite,
        )
    )
    asgi = answer.to_asgi_response(None, Request(scope))
    await asgi(scope, receive, send)
