"""Times as Gladly writes them: RFC 3339 in UTC, with milliseconds and ``Z``."""

from datetime import UTC, datetime


def format_time(moment: datetime) -> str:
    """Write a time as Gladly does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return the present time as Gladly writes it."""
    return format_time(datetime.now(UTC))


def parse_time(text: str) -> datetime | None:
    """Read an RFC 3339 time; None when it is none, or says no time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if "T" in text.upper() and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
