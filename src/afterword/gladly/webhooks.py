"""What Gladly tells us: who may tell, and what is told.

Gladly signs nothing. A delivery is known by basic authentication, by a header with a fixed token, or by both,
as the webhook was set up. Light on purpose: the web half imports this, and nothing here calls anybody.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

PING = "PING"
CONVERSATION_CLOSED = "CONVERSATION/CLOSED"
CONVERSATION_REOPENED = "CONVERSATION/REOPENED"

MUST_NAME_A_CONVERSATION = frozenset({CONVERSATION_CLOSED, CONVERSATION_REOPENED})


class InvalidWebhook(ValueError):
    """A delivery that is not what Gladly documents; ``path`` is the field, such as ``content.customerId``.

    The message names the field and what was expected, never what stood there.
    """

    def __init__(self, words: str, path: str = "") -> None:
        super().__init__(f"{path}: {words}" if path else words)
        self.path = path


class BasicCredentials(msgspec.Struct, frozen=True):
    """A user name and password that Gladly sends by basic authentication."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "BasicCredentials(…)"


class HeaderToken(msgspec.Struct, frozen=True):
    """A header that Gladly sends with every delivery; its name is compared without regard to case."""

    name: str
    token: str

    def __repr__(self) -> str:
        return "HeaderToken(…)"


class WebhookCredentials(msgspec.Struct, frozen=True):
    """What a delivery must prove: one of ``basic`` where there is any, and one of ``header_tokens`` where
    there is any.

    Several of a kind are valid at once, so that a secret can be changed at both ends without losing a
    delivery. With none at all, every delivery is refused.
    """

    basic: tuple[BasicCredentials, ...] = ()
    header_tokens: tuple[HeaderToken, ...] = ()

    def __repr__(self) -> str:
        return f"WebhookCredentials({len(self.basic)} basic, {len(self.header_tokens)} header tokens)"


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as Gladly told it, in one form for all types; what a type does not tell is ``None``.

    ``agent_id`` and ``inbox_id`` are those of ``context.assignee``: who had the conversation just before the
    event. Only a PING may lack ``id`` and ``occurred_at``. ``occurred_at`` is in UTC.
    """

    type: str
    id: str | None = None
    occurred_at: datetime | None = None
    initiator_type: str | None = None
    initiator_id: str | None = None
    customer_id: str | None = None
    conversation_id: str | None = None
    agent_id: str | None = None
    inbox_id: str | None = None


def authenticate(headers: Mapping[str, str], expected: WebhookCredentials) -> bool:
    """Tell whether a delivery comes from whom it should.

    Every comparison is always made, in a time that does not hang on the secrets. An empty secret matches
    nothing.
    """
    given = {name.lower(): value for name, value in headers.items()}
    basic_ok = _any_matches(
        (_basic_value(given.get("authorization", "")), f"{pair.username}:{pair.password}", pair.password)
        for pair in expected.basic
    )
    header_ok = _any_matches(
        (given.get(pair.name.lower(), "").encode(errors="surrogatepass"), pair.token, pair.token)
        for pair in expected.header_tokens
    )
    is_set_up = bool(expected.basic or expected.header_tokens)
    return (basic_ok | (not expected.basic)) & (header_ok | (not expected.header_tokens)) & is_set_up


def _any_matches(comparisons: Iterable[tuple[bytes, str, str]]) -> bool:
    """Compare (given, expected, the secret in it) each; the digests make the lengths alike."""
    matches = False
    for given, expected, secret in comparisons:
        same = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(expected.encode()).digest())
        matches |= same & bool(secret)
    return matches


def _basic_value(authorization: str) -> bytes:
    """The ``user:password`` of an Authorization header; nothing for any other scheme or for what cannot be
    read.
    """
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


class _Envelope(msgspec.Struct, frozen=True):
    type: Annotated[str, Meta(min_length=1, max_length=200)]
    id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    timestamp: Annotated[datetime, Meta(tz=True)] | None = None
    initiator: msgspec.Raw = msgspec.Raw(b"null")
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Initiator(msgspec.Struct, frozen=True):
    id: str | None = None
    type: str | None = None


class _Assignee(msgspec.Struct, frozen=True, rename="camel"):
    agent_id: str | None = None
    inbox_id: str | None = None


class _Context(msgspec.Struct, frozen=True):
    assignee: _Assignee | None = None


class _Content(msgspec.Struct, frozen=True, rename="camel"):
    customer_id: str | None = None
    conversation_id: str | None = None
    context: _Context | None = None


Part = TypeVar("Part", bound=msgspec.Struct)


def parse(body: bytes) -> WebhookEvent:
    """Read a delivery.

    Types that we do not know are legal (Gladly may add some at any time), and their content may have any
    form: what does not read like a conversation's is left out. Of conversations closed and reopened the
    content must be right.

    Raises:
        InvalidWebhook: not JSON, or not the envelope that Gladly documents, or a closing without its
        conversation.
    """
    envelope = _read(body, _Envelope, at="")
    if envelope.type != PING:
        _require("id", envelope.id)
        _require("timestamp", envelope.timestamp)
    strict = envelope.type in MUST_NAME_A_CONVERSATION
    content = _read_part(envelope.content, _Content, at="content", strict=strict)
    if strict:
        _require("content.customerId", content.customer_id)
        _require("content.conversationId", content.conversation_id)
    initiator = _read_part(envelope.initiator, _Initiator, at="initiator", strict=False)
    assignee = (content.context or _Context()).assignee or _Assignee()
    return WebhookEvent(
        type=envelope.type,
        id=envelope.id,
        occurred_at=None if envelope.timestamp is None else _utc(envelope.timestamp),
        initiator_type=initiator.type,
        initiator_id=initiator.id,
        customer_id=content.customer_id,
        conversation_id=content.conversation_id,
        agent_id=assignee.agent_id,
        inbox_id=assignee.inbox_id,
    )


def _read(body: bytes | msgspec.Raw, kind: type[Part], *, at: str) -> Part:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        raise InvalidWebhook(words, f"{at}{path.rstrip('`')}".lstrip(".")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidWebhook("the body is not JSON") from None


def _read_part(raw: msgspec.Raw, kind: type[Part], *, at: str, strict: bool) -> Part:
    if raw == b"null" and not strict:
        return kind()
    try:
        return _read(raw, kind, at=at)
    except InvalidWebhook:
        if strict:
            raise
        return kind()


def _require(path: str, value: object) -> None:
    if not value:
        raise InvalidWebhook("is missing", path)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidWebhook("is out of range", "timestamp") from None
