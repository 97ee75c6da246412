"""What a caller is told when a request fails, in the form that its address asks for.

``/inbound-event`` and ``/API`` answer in Qualtrics' envelope; pages answer with a page; everything else answers with
problem details (RFC 9457). No answer holds a stack trace or a secret.
"""

import http
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from afterword.pages import error_page
from afterword.qualtrics import envelope

log = structlog.get_logger()

ENVELOPE_PATHS = ("/inbound-event/", "/API/")
PAGE_PATHS = ("/jfe/", "/opt-out/", "/workflows", "/sign-in", "/sign-out", "/static/")

AnyRequest = Request[Any, Any, Any]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details."""

    title: str
    status: int
    detail: str = ""
    type: str = "about:blank"


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer a request that ended in an error."""
    status, detail, headers = _told(error)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, HTTPException):
        log.exception("request_failed", path_kind=_kind(request.url.path), method=request.method)
    path = request.url.path
    if path.startswith(ENVELOPE_PATHS):
        content = msgspec.json.encode(envelope.failure(status, detail, f"AFTERWORD_{status}"))
        return _response(content, status, "application/json", headers)
    title = http.HTTPStatus(status).phrase
    if _wants_page(request):
        return _response(error_page(status, title, detail).encode(), status, "text/html", headers)
    content = msgspec.json.encode(Problem(title, status, detail))
    return _response(content, status, "application/problem+json", headers)


def _told(error: Exception) -> tuple[int, str, Mapping[str, str]]:
    if isinstance(error, ValidationException):
        return error.status_code, "The request does not have the form that this address takes.", {}
    if isinstance(error, HTTPException):
        status = error.status_code
        headers = dict(error.headers or {})
        if status == http.HTTPStatus.UNAUTHORIZED:
            headers.setdefault("WWW-Authenticate", 'Basic realm="Afterword"')
        return status, error.detail, headers
    return http.HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side; the log tells what.", {}


def _kind(path: str) -> str:
    """The first part of a path: the rest may hold what is secret."""
    return "/" + path.lstrip("/").partition("/")[0]


def _wants_page(request: AnyRequest) -> bool:
    return request.url.path.startswith(PAGE_PATHS) or "text/html" in request.headers.get("accept", "")


def _response(content: bytes, status: int, media_type: str, headers: Mapping[str, str]) -> Response[bytes]:
    return Response(
        content, status_code=status, media_type=media_type, headers={"Cache-Control": "no-store", **headers}
    )


exception_handlers: ExceptionHandlersMap = {HTTPException: answer_error, Exception: answer_error}
