"""Times as Gladly writes them: RFC 3339 in UTC with milliseconds."""

from datetime import UTC, datetime


def rfc3339_millis(moment: datetime) -> str:
    """Write a time that knows its zone."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
