"""Times as Gladly writes them: RFC 3339 in UTC, with milliseconds and ``Z``; and the present, which a past
conversation may pretend to be another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_pretended: ContextVar[datetime | None] = ContextVar("pretended", default=None)


def format_time(moment: datetime) -> str:
    """Write a time as Gladly does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def present() -> datetime:
    """Return the present time, or the one that is pretended."""
    return _pretended.get() or datetime.now(UTC)


def now() -> str:
    """Return `present` as Gladly writes it."""
    return format_time(present())


def is_pretended() -> bool:
    """Say whether what happens now happens in the past."""
    return _pretended.get() is not None


@contextmanager
def pretend(moment: datetime) -> Iterator[None]:
    """Let what happens inside happen at this moment: items and events carry it. No ``await`` belongs inside."""
    token = _pretended.set(moment)
    try:
        yield
    finally:
        _pretended.reset(token)


def parse_time(text: str) -> datetime | None:
    """Read an RFC 3339 time; None when it is none, or says no time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if "T" in text.upper() and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
