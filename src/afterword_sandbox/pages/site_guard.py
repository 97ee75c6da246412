"""Guards the pages for people: the agent desktop and the mail page.

They ask nobody to sign in: both are training tools that listen on the loopback interface. Two things keep a
foreign web site, open in the same browser, from using them. The ``Host`` header must name this machine (a
loopback name, the address listened on or the public address), which defeats DNS rebinding. And a request that
changes something must come from our own pages: ``Sec-Fetch-Site`` must say so where a browser sends it, and
so must ``Origin``. A program sends neither and is let through; it could as well use the API.
"""

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

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
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

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
    if fetch_site is not None and fetch_site not in _OWN_FETCH_SITES:
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


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
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    return guard
