"""How every call of this door answers, and reads what was sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from afterword.qualtrics import envelope

NOT_KEPT = {"Cache-Control": "no-store"}

Body = TypeVar("Body")
AnyRequest = Request[Any, Any, Any]


class Refused(HTTPException):
    """A call is refused, in Qualtrics' words; ``words`` in their place where more can be said."""

    def __init__(
        self, refusal: envelope.Refusal, words: str | None = None, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail=words or refusal.message, status_code=refusal.status, headers=headers)
        self.code = refusal.code


def answer_refusal(_: AnyRequest, error: Refused) -> Response[bytes]:
    """The answer to a call that was refused."""
    told = envelope.failure(error.status_code, error.detail, error.code)
    return _answer(error.status_code, told, error.headers)


def answer(
    result: object | msgspec.UnsetType = msgspec.UNSET, *, notice: str | None = None
) -> Response[bytes]:
    """The answer to a call that went well; without a result when there is nothing to tell."""
    return _answer(200, envelope.success(result, notice=notice))


def _answer(
    status: int, content: envelope.Answer, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        media_type="application/json",
        headers={**NOT_KEPT, **(headers or {})},
    )


async def read_body(request: AnyRequest, kind: type[Body]) -> Body:
    """Read a JSON body.

    Raises:
        Refused: it is not JSON, or not of this kind.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type != "application/json":
        raise Refused(envelope.Refusal(415, "AFTERWORD_415", "Send the body as application/json."))
    body = await request.body()
    try:
        return msgspec.convert(msgspec.json.decode(body), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(envelope.BAD_BODY, f"The request body is not valid: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(envelope.BAD_BODY, "The request body is not JSON.") from None


def seconds_date(moment: datetime | None) -> str | None:
    """A moment as most of the API writes it: ``2026-11-23T10:00:00Z``."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds_date(moment: datetime) -> str:
    """A moment as ``recordedDate`` is written: ``2026-11-23T10:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
