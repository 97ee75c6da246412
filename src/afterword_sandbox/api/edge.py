"""What every request to the API and the control addresses passes: credentials, rate limit, Gladly's error
format.
"""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.authentication import authenticate
from afterword_sandbox.errors import GladlyError, refusal
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.settings import Settings

API_PREFIX = "/api/"
CONTROL_PREFIX = "/_sandbox/"
HEALTH_PATH = "/_sandbox/health"
PUBLIC_PREFIX = "/api/v1/orgs/"
"""Below it are the answers that everybody may read, without credentials."""

MAX_BODY_BYTES = 1_048_576
LIMITED_DATA = "Gladly-Limited-Data"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log: structlog.stdlib.BoundLogger = structlog.get_logger()

_STOCK_REFUSALS = {
    404: ("not_exist", "there is nothing at this address"),
    405: ("invalid", "this address does not take this method"),
    413: ("too_long", f"request body cannot be larger than {MAX_BODY_BYTES} bytes"),
}


def _as_gladly_error(error: web.HTTPException) -> GladlyError:
    code, detail = _STOCK_REFUSALS.get(error.status, ("invalid", error.reason))
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return refusal(error.status, code, detail, headers=kept)


def _error_response(error: GladlyError, switches: Settings) -> web.Response:
    form = next((form for status, form in switches.error_bodies.items() if status == str(error.status)), None)
    body, content_type = error.body(form or "envelope")
    return web.Response(status=error.status, body=body, content_type=content_type, headers=error.headers)


async def _admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    sandbox = request.app[SANDBOX]
    if not request.path.startswith(PUBLIC_PREFIX):
        authenticate(request, sandbox.store)
    if request.path.startswith(API_PREFIX) and not sandbox.rate_limit.take(request.method):
        raise refusal(
            429,
            "temporary_failure",
            "API rate limit exceeded: "
            f"{sandbox.rate_limit.per_second} requests per second for each HTTP method",
            headers={"Retry-After": "1"} if settings.read(sandbox.store).retry_after else {},
        )
    return await handler(request)


@web.middleware
async def gladly_edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through to the API or the control addresses, and put whatever goes wrong in Gladly's
    words.
    """
    if not request.path.startswith((API_PREFIX, CONTROL_PREFIX)) or request.path == HEALTH_PATH:
        return await handler(request)
    is_api = request.path.startswith(API_PREFIX)
    switches = settings.read(request.app[SANDBOX].store) if is_api else Settings()
    try:
        response = await _admit(request, handler)
    except GladlyError as error:
        response = _error_response(error, switches)
    except web.HTTPException as error:
        response = _error_response(_as_gladly_error(error), switches)
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path)
        trouble = refusal(500, "temporary_failure", "something went wrong in the sandbox")
        response = _error_response(trouble, switches)
    if is_api and not response.prepared:
        response.headers.update(request.app[SANDBOX].rate_limit.headers(request.method))
        if not switches.limited_data_when_complete and response.headers.get(LIMITED_DATA) == "false":
            del response.headers[LIMITED_DATA]
    return response
