"""What Qualtrics tells us of a response: who may tell, and what is told.

Two ways lead here. An *event subscription* posts a form: ``Topic``, ``HMAC`` and ``MSG``, where ``HMAC`` is the
HMAC-SHA512 of exactly the text ``MSG``, in hexadecimal digits, by the key that was shared when subscribing (the form
was recomputed from published samples). A Qualtrics Workflow's *Web Service* task posts JSON that we gave it to paste,
with a secret in a header. Neither holds an answer; both name the response. Light on purpose, as the web half imports
this, and nothing here calls anybody.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta

from afterword.store.identifiers import random_text

SECRET_HEADER = "X-Afterword-Secret"  # noqa: S105 - its name
COMPLETED_RESPONSE = "surveyengine.completedResponse"
MOST_FIELDS = 100
SECRET_LENGTH = 32
"""Qualtrics takes keys of 16 or 32 characters where it encrypts; one that signs has no documented length."""

SURVEY_ID = re.compile(r"SV_[A-Za-z0-9]{1,40}")
RESPONSE_ID = re.compile(r"(R|FS)_[A-Za-z0-9]{1,40}")

Way = Literal["event-subscription", "web-service"]
Kind = Literal["created", "updated", "partial", "imported", "preview", "test"]
KINDS = {"complete": "created", "partial": "partial"}
"""What the ``Status`` of an event subscription is to us. Whether a complete response was imported, a preview or a test
only the response itself tells.
"""


class InvalidNotification(ValueError):
    """What came is not what Qualtrics documents, or not what we gave to paste; the message names the field."""


class NotSigned(ValueError):
    """A form without an ``HMAC``: anybody may have sent it."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What was told. ``kind`` is ``None`` when it is of something else than a response: ``status`` then says of what.

    ``text`` is what was told, to the letter. A notification may name nothing at all: a test of the address.
    """

    way: Way
    text: str
    survey_id: str | None = None
    response_id: str | None = None
    kind: Kind | None = None
    status: str = ""
    at: datetime | None = None


class Form(msgspec.Struct, frozen=True):
    """The fields of a form, by name; the bytes of each just as they were encoded."""

    fields: dict[str, bytes]


def new_secret() -> str:
    """Make a secret, for signing and for the header."""
    return random_text(SECRET_LENGTH)


def read_form(body: bytes) -> Form:
    """Read a form's fields; of one that comes twice the first.

    Raises:
        InvalidNotification: it has far more fields than any notification.
    """
    fields: dict[str, bytes] = {}
    pieces = [piece for piece in body.split(b"&") if piece]
    if len(pieces) > MOST_FIELDS:
        raise InvalidNotification(f"The form has more than {MOST_FIELDS} fields.")
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        fields.setdefault(_decoded(name).decode("utf-8", "replace"), _decoded(value))
    return Form(fields)


def is_signed(form: Form, secrets: Sequence[str]) -> bool:
    """Tell whether one of the secrets signed the form's ``MSG``. Every comparison is made, in constant time.

    Raises:
        NotSigned: there is no ``HMAC``, or no ``MSG``.
    """
    given, message = form.fields.get("HMAC"), form.fields.get("MSG")
    if given is None or message is None:
        raise NotSigned
    matches = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), message, hashlib.sha512).hexdigest().encode()
        matches |= hmac.compare_digest(given.lower(), expected) & bool(secret)
    return matches


def has_secret(given: str | None, secrets: Sequence[str]) -> bool:
    """Tell whether the header holds one of the secrets. Every comparison is made, in constant time."""
    digest = hashlib.sha256((given or "").encode("utf-8", "surrogatepass")).digest()
    matches = False
    for secret in secrets:
        same = hmac.compare_digest(digest, hashlib.sha256(secret.encode()).digest())
        matches |= same & bool(secret)
    return matches


class _Message(msgspec.Struct, frozen=True):
    status: Annotated[str, Meta(max_length=100)] | None = msgspec.field(default=None, name="Status")
    survey_id: Annotated[str, Meta(max_length=100)] | None = msgspec.field(default=None, name="SurveyID")
    response_id: Annotated[str, Meta(max_length=100)] | None = msgspec.field(default=None, name="ResponseID")
    completed: str | None = msgspec.field(default=None, name="CompletedDate")


def read_message(form: Form) -> Notification:
    """What a signed form tells.

    Raises:
        InvalidNotification: ``MSG`` is no JSON object, or names a survey or a response by what cannot be an id.
    """
    try:
        text = form.fields["MSG"].decode()
        told = msgspec.json.decode(text, type=_Message)
    except msgspec.ValidationError as error:
        raise InvalidNotification(f"MSG: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidNotification(
            "MSG is not JSON. Subscribe with encrypt: false; it is signed, and the way here is encrypted."
        ) from None
    kind = KINDS.get((told.status or "").casefold())
    response_id = _checked(told.response_id, RESPONSE_ID, "MSG.ResponseID")
    return Notification(
        way="event-subscription",
        text=text,
        survey_id=_checked(told.survey_id, SURVEY_ID, "MSG.SurveyID"),
        response_id=response_id,
        kind=msgspec.convert(kind, Kind) if kind and response_id else None,
        status=told.status or "",
        at=_moment(told.completed),
    )


class _Pasted(msgspec.Struct, frozen=True, rename="camel"):
    survey_id: Annotated[str, Meta(max_length=100)]
    response_id: Annotated[str, Meta(max_length=200)]
    kind: str = "created"


def read_pasted(body: bytes) -> Notification:
    """What a Web Service task tells, by the body that we gave to paste.

    Raises:
        InvalidNotification: it is something else; the message says what is wrong with which field.
    """
    try:
        text = body.decode()
        told = msgspec.json.decode(text, type=_Pasted)
    except msgspec.ValidationError as error:
        raise InvalidNotification(f"{error}. Paste the body again.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidNotification(
            "The body is not JSON. Paste it again, and choose JSON as its type."
        ) from None
    if told.kind not in get_args(Kind):
        raise InvalidNotification(f"kind is one of {', '.join(get_args(Kind))}.")
    return Notification(
        way="web-service",
        text=text,
        survey_id=_needed(_checked(told.survey_id, SURVEY_ID, "surveyId"), "surveyId"),
        response_id=_needed(_checked(told.response_id, RESPONSE_ID, "responseId"), "responseId"),
        kind=msgspec.convert(told.kind, Kind),
        status=told.kind,
    )


def body_to_paste(survey_id: str, kind: Kind = "created") -> str:
    """The body for a Web Service task in a workflow of this survey; Qualtrics fills in the response's id."""
    body = {"surveyId": survey_id, "responseId": "${rm://Field/ResponseID}", "kind": kind}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _checked(id_: str | None, pattern: re.Pattern[str], field: str) -> str | None:
    if id_ and not pattern.fullmatch(id_):
        raise InvalidNotification(
            f"{field} is not an id of Qualtrics'. If it is piped text, it was not filled in: choose it again there."
        )
    return id_ or None


def _needed(id_: str | None, field: str) -> str:
    if id_ is None:
        raise InvalidNotification(
            f"{field} is empty: the piped text was not filled in. Choose it again there."
        )
    return id_


def _moment(text: str | None) -> datetime | None:
    """``CompletedDate``: ``YYYY-MM-DD hh:mm:ss`` in UTC; what cannot be read is left out."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _decoded(piece: bytes) -> bytes:
    return unquote_to_bytes(piece.replace(b"+", b" "))
