"""By what a delivery is known again: a second one with the same key, at the same origin, is a redelivery."""

import hashlib
import secrets

import msgspec

from afterword.events.models import senders_key

LONGEST_IDEMPOTENCY_KEY = 255


class InvalidKey(ValueError):
    """The sender's ``Idempotency-Key`` cannot be one; the message says why."""


class Key(msgspec.Struct, frozen=True):
    """``window`` is in seconds, counted from the first delivery; ``None`` is for ever."""

    value: bytes
    window: int | None


def by_sender(idempotency_key: str) -> Key:
    """The sender says what is the same, for ever.

    Raises:
        InvalidKey: it is empty, or longer than 255 characters.
    """
    if not idempotency_key.strip():
        raise InvalidKey("Idempotency-Key is empty; leave it out, or send one for each event.")
    if len(idempotency_key) > LONGEST_IDEMPOTENCY_KEY:
        raise InvalidKey(f"Idempotency-Key is longer than {LONGEST_IDEMPOTENCY_KEY} characters.")
    return Key(senders_key(idempotency_key), None)


def by_body(body: bytes, window: int) -> Key:
    """The same bytes are the same event for a while; with a window of 0, never."""
    return Key(b"body:" + hashlib.sha256(body).digest(), window) if window else once()


def once() -> Key:
    """A key of this delivery alone: nothing is a redelivery of it.

    It is still needed: when the connection is lost while the event is being committed, the event is committed
    again, and the key keeps it from being there twice.
    """
    return Key(b"once:" + secrets.token_bytes(16), None)
