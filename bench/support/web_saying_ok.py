"""The web half as it is in production, with two more routes: a page that says "ok", and one that tells addresses."""

import functools
from typing import Any

from litestar import Request, get
from litestar.routes import HTTPRoute

from afterword import process, web

OK = "/bench/ok"
ADDRESSES = "/bench/addresses"


@get(OK, media_type="text/html")
async def ok() -> str:
    """Say so."""
    return "ok"


@get(ADDRESSES)
async def addresses(request: Request[Any, Any, Any]) -> list[str]:
    """Each path that answers GET, with its placeholders."""
    routes = request.app.routes
    return sorted(route.path for route in routes if isinstance(route, HTTPRoute) and "GET" in route.methods)


if __name__ == "__main__":
    raise SystemExit(process.main(functools.partial(web.serve, more_routes=[ok, addresses])))
