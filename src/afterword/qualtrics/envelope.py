"""The form of every answer that Qualtrics gives: ``{"result": …, "meta": {…}}``.

Our own doors that speak Qualtrics answer with it. Clients compare ``meta.httpStatus`` as a whole, so its form
is kept to the letter, and its words do not hang on the Python version's.
"""

import uuid

import msgspec

from afterword.translating import N_

BRAND = "afterword"
"""What our own survey service calls its brand."""

PHRASES = {
    200: "OK",
    202: "Accepted",
    207: "Multi-Status",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    411: "Length Required",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Temporary Internal Server Error",
    504: "Gateway Timeout",
}
"""503 is Qualtrics' own wording."""


class Refusal(msgspec.Struct, frozen=True):
    """A refusal of Qualtrics': status, ``errorCode`` (gateways give none) and ``errorMessage``."""

    status: int
    code: str | None
    message: str


NO_CREDENTIALS = Refusal(400, "ATP_2", "Expected authorization in headers, but none provided.")
"""Seen so under ``/API``; the JSON Event endpoint of ours answers it with 401 (Qualtrics': unsure)."""
UNKNOWN_TOKEN = Refusal(401, "DCD_7", "Unrecognized X-API-TOKEN.")
INVALID_SURVEY_ID = Refusal(400, "MSTC_1", "Invalid survey ID")
FORBIDDEN = Refusal(403, "MSTC_3", "The operation is forbidden.")
NO_SUCH_RESOURCE = Refusal(404, "QMST_2.2", "The resource could not be found.")
NO_SUCH_ROUTE = Refusal(404, None, N_("The requested resource does not exist."))
BAD_PARAMETER = Refusal(400, "QVAL_1", "A parameter is not valid.")
PARAMETER_EMPTY = Refusal(400, "QVAL_5", "A parameter should not be empty.")
MALFORMED_SURVEY_ID = Refusal(400, "QVAL_7", "The survey ID is malformed.")
BAD_BODY = Refusal(400, "RP_0.1", "The request body is not valid.")


class ErrorMeta(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """``meta.error``."""

    error_message: str
    error_code: str | None = None


class Meta(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """``meta``; ``notice`` is shown by clients as a warning and is left out when there is nothing to say."""

    http_status: str
    request_id: str
    notice: str | None = None
    error: ErrorMeta | None = None


class Answer(msgspec.Struct, frozen=True):
    """The whole answer; encode it with msgspec. ``result`` is left out when there is no data."""

    meta: Meta
    result: object | msgspec.UnsetType = msgspec.UNSET


def http_status(status: int) -> str:
    """``meta.httpStatus``: ``200 - OK``."""
    return f"{status} - {PHRASES.get(status, 'Error' if status >= 400 else 'OK')}"  # noqa: PLR2004


def success(
    result: object | msgspec.UnsetType = msgspec.UNSET,
    *,
    status: int = 200,
    request_id: str | None = None,
    notice: str | None = None,
) -> Answer:
    """The answer to a request that went well; a deletion has no ``result``."""
    return Answer(Meta(http_status(status), request_id or new_request_id(), notice), result)


def failure(status: int, message: str, code: str | None, *, request_id: str | None = None) -> Answer:
    """The answer to a request that did not."""
    return Answer(Meta(http_status(status), request_id or new_request_id(), None, ErrorMeta(message, code)))


def new_request_id() -> str:
    """An id as in ``meta.requestId``: by it a caller's report is found in the log."""
    return str(uuid.uuid4())
