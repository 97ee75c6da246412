"""Guards the pages for people: the agent desktop and the mail page.

They ask nobody to sign in: both are training tools that listen on the loopback interface. Two things
keep a foreign web site, open in the same browser, from using them. The ``Host`` header must name this
machine (a loopback name, the address listened on or the public address), which defeats DNS rebinding. And
a request that changes something must come from our own pages: ``Sec-Fetch-Site`` must say so or, from a
browser that does not send it, ``Origin``. A program sends neither and is let through; it could as well use
the API.
"""

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_FETCH_SITES = frozenset({"same-origin", "none"})

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' https: data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_WORDS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}

log: structlog.stdlib.BoundLogger = structlog.get_logger()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_cross_site(request: web.Request) -> bool:
    if request.method in _SAFE_METHODS:
        return False
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site not in _OWN_FETCH_SITES
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask the page; whatever goes wrong is said in words for people."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.content_type == "text/plain":
            error.text = _WORDS.get(error.status, error.reason) + "\n"
        return error
    except Exception:
        log.exception("page_failed", method=request.method, path=request.path)
        return web.Response(status=500, text="Something went wrong in the sandbox; its log says what.\n")


def site_guard(host_names: Collection[str], unguarded: tuple[str, ...] = ()) -> Middleware:
    """Make the middleware; ``host_names`` are allowed besides loopback, ``unguarded`` paths pass."""
    allowed = _LOOPBACK_NAMES | {name.lower() for name in host_names}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if unguarded and request.path.startswith(unguarded):
            return await handler(request)
        if _host_name(request.host) not in allowed:
            return web.Response(status=421, text=f"This address is not known here: {request.host}\n")
        if _is_cross_site(request):
            return web.Response(status=403, text="This form was sent by another site; nothing was done.\n")
        response = await _answer(request, handler)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    return guard
