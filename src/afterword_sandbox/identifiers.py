"""Ids as Gladly makes them: slugs of 22 characters, a UUID in URL-safe base64."""

import base64
import re
import uuid

_SEED = uuid.UUID("5f3b3c9e-6d0a-5a53-9d0e-1a2f8f6f2b11")
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
MAX_LENGTH = 49


def _slug(value: uuid.UUID) -> str:
    """Encode a UUID; its first bit is 0, so that no id begins with a dash, which a command line would
    misread.
    """
    nice = bytes([value.bytes[0] & 0x7F]) + value.bytes[1:]
    return base64.urlsafe_b64encode(nice).rstrip(b"=").decode("ascii")


def new_id() -> str:
    """Make a random id."""
    return _slug(uuid.uuid4())


def seeded_id(name: str) -> str:
    """Make the id that ``name`` has in every sandbox."""
    return _slug(uuid.uuid5(_SEED, name))


def is_url_safe(value: str) -> bool:
    """Say whether every character of a caller's own id is URL safe."""
    return _URL_SAFE.fullmatch(value) is not None
