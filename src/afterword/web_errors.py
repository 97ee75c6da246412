"""What a caller is told when a request fails, in the form that its address asks for.

``/inbound-event`` and ``/API`` answer in Qualtrics' envelope; pages answer with a page; everything else answers with
problem details (RFC 9457). No answer holds a stack trace or a secret, and neither does the log: of an error that
nobody expected it tells the kind and the places in the code, never its words, which may hold what was sent.
"""

import http
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, PermissionDeniedException, ValidationException
from litestar.types import ExceptionHandlersMap

from afterword.pages import error_page
from afterword.pages.rendering import PAGE_HEADERS
from afterword.qualtrics import envelope
from afterword.store.database import DATABASE_AWAY
from afterword.translating import N_, best_language, retold, said, speak, translated

log = structlog.get_logger()

ENVELOPE_DOORS = frozenset({"inbound-event", "API"})
PROGRAM_DOORS = frozenset({"webhooks", "api", "health"})
RESPONDENT_DOORS = frozenset({"jfe", "opt-out"})
PAGE_DOORS = RESPONDENT_DOORS | {"workflows", "sign-in", "sign-out", "results", "surveys", "static"}
"""First parts of addresses; at any other the caller's ``Accept`` decides between a page and problem details."""

NO_SUCH_PAGE = N_("There is no page at this address. It may be mistyped, or what it showed is gone.")

TITLES = frozenset(
    {
        N_("Bad Request"),
        N_("Unauthorized"),
        N_("Forbidden"),
        N_("Not Found"),
        N_("Method Not Allowed"),
        N_("Request Entity Too Large"),
        N_("Unprocessable Entity"),
        N_("Too Many Requests"),
        N_("Internal Server Error"),
        N_("Service Unavailable"),
    }
)
"""The phrases of HTTP that a page may be headed by."""

CHALLENGES = {"api": 'Bearer realm="Afterword"'}
CHALLENGE = 'Basic realm="Afterword"'

FORGED = "CSRF token verification failed"
"""What the framework says of a form without the token of its browser's cookie, which browsers forget when they end."""
FORM_TOO_OLD = N_(
    "This form was opened before the browser was closed, or in another one, so nothing was done. Go back, load the "
    "page again, and send it once more."
)
NOTHING_TO_SEE = N_("There is nothing to see at this address by itself: it takes what a form sends.")

RETRY_AFTER_SECONDS = 5
PLACES_TOLD = 12

AnyRequest = Request[Any, Any, Any]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details; ``instance`` names this one failure, as the log does."""

    title: str
    status: int
    detail: str = ""
    instance: str = ""
    type: str = "about:blank"


class Failure(msgspec.Struct, frozen=True):
    """A failed request: what its caller is told, whatever the form."""

    status: int
    words: str
    headers: Mapping[str, str] = {}
    code: str | None = None


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer a request that ended in an error."""
    request_id = envelope.new_request_id()
    failure = _failure(request, error)
    if failure.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(request, error, failure.status, request_id)
    door = _door(request)
    if door in ENVELOPE_DOORS:
        told = envelope.failure(failure.status, failure.words, failure.code, request_id=request_id)
        return _response(msgspec.json.encode(told), failure, "application/json")
    title = http.HTTPStatus(failure.status).phrase
    if door not in PROGRAM_DOORS and _wants_page(request, door):
        return _page(request, title, failure)
    problem = Problem(title, failure.status, failure.words, f"urn:uuid:{request_id}")
    return _response(msgspec.json.encode(problem), failure, "application/problem+json")


def _page(request: AnyRequest, title: str, failure: Failure) -> Response[bytes]:
    """In the language of whoever is signed in; at the other doors, in the one that the browser asks for."""
    if "user" not in set(request.scope):
        speak(best_language(request.headers.get("accept-language")))
    told = NO_SUCH_PAGE if failure.words == envelope.NO_SUCH_ROUTE.message else failure.words
    words = error_page(
        failure.status, translated(title), retold(told), leads_home=_door(request) not in RESPONDENT_DOORS
    )
    return _response(words.encode(), failure, "text/html", PAGE_HEADERS)


def _failure(request: AnyRequest, error: Exception) -> Failure:
    if isinstance(error, DATABASE_AWAY):
        return Failure(
            http.HTTPStatus.SERVICE_UNAVAILABLE,
            N_("Afterword cannot reach its database now; try again."),
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
            "AFTERWORD_503",
        )
    if not isinstance(error, HTTPException) or error.status_code == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(500, N_("Something went wrong on our side; the log tells what."), {}, "AFTERWORD_500")
    headers = dict(error.headers or {})
    if error.status_code == http.HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", CHALLENGES.get(_door(request), CHALLENGE))
    if error.status_code == http.HTTPStatus.NOT_FOUND and not _is_routed(request):
        return Failure(404, envelope.NO_SUCH_ROUTE.message, headers, envelope.NO_SUCH_ROUTE.code)
    return Failure(
        error.status_code, _words(request, error, headers), headers, f"AFTERWORD_{error.status_code}"
    )


def _words(request: AnyRequest, error: HTTPException, headers: Mapping[str, str]) -> str:
    """What was wrong, and what to do."""
    if isinstance(error, ValidationException):
        return _what_is_not_valid(error)
    if isinstance(error, PermissionDeniedException) and error.detail == FORGED:
        return FORM_TOO_OLD
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        if request.method == "GET" and _wants_page(request, _door(request)):
            return NOTHING_TO_SEE
        return said("This address takes %(methods)s.", methods=headers.get("allow", "GET"))
    if error.status_code == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE and _is_routed(request):
        largest = request.route_handler.resolve_request_max_body_size()
        return said("The body is larger than the %(largest)s bytes that this address takes.", largest=largest)
    return error.detail


def _what_is_not_valid(error: ValidationException) -> str:
    """Each parameter with what is wrong with it, as the framework found it."""
    found = error.extra if isinstance(error.extra, list) else []
    words = [f"{entry.get('key', 'request')}: {entry['message']}" for entry in found if "message" in entry]
    return "; ".join(words) or N_("The request does not have the form that this address takes.")


def _log(request: AnyRequest, error: Exception, status: int, request_id: str) -> None:
    told = {"path_kind": _path_kind(request), "status": status, "request_id": request_id}
    if isinstance(error, DATABASE_AWAY):
        log.warning("database_away", cause=type(error).__name__, **told)
    elif status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", causes=_causes(error), places=_places(error), **told)


def _causes(error: BaseException) -> list[str]:
    """The kinds of the error and of what led to it."""
    causes: list[str] = []
    at: BaseException | None = error
    while at is not None and len(causes) < PLACES_TOLD:
        causes.append(type(at).__name__)
        at = at.__cause__ or at.__context__
    return causes


def _places(error: BaseException) -> list[str]:
    """Where in the code it happened, innermost last."""
    frames = [
        f"{frame.f_globals.get('__name__')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return frames[-PLACES_TOLD:]


def _path_kind(request: AnyRequest) -> str:
    """The route, without what stands in its placeholders: that may be secret."""
    return str(request.scope.get("path_template", "no route"))


def _is_routed(request: AnyRequest) -> bool:
    return "route_handler" in request.scope


def _door(request: AnyRequest) -> str:
    return request.scope["path"].lstrip("/").partition("/")[0]


def _wants_page(request: AnyRequest, door: str) -> bool:
    return door in PAGE_DOORS or "text/html" in request.headers.get("accept", "")


def _response(
    content: bytes, failure: Failure, media_type: str, more_headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    headers = {"Cache-Control": "no-store", **(more_headers or {}), **failure.headers}
    return Response(content, status_code=failure.status, media_type=media_type, headers=headers)


exception_handlers: ExceptionHandlersMap = {HTTPException: answer_error, Exception: answer_error}
