"""What a report is about: a stretch of time, and what it is narrowed to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from afterword_sandbox.clock import format_time, parse_time

Rows = Iterator[list[Sequence[object]]]
"""The rows of a report, a page at a time, so that others are served between two pages."""

TimeStyle = Literal["utc", "zoned", "local"]


@dataclass(frozen=True)
class Window:
    """Asked-for times as Gladly writes them (``until`` is no more in it), the zone they are shown in, filters.

    An empty filter takes everything.
    """

    since: str
    until: str
    zone: ZoneInfo
    channels: frozenset[str] = frozenset()
    inbox_ids: frozenset[str] = frozenset()
    agent_ids: frozenset[str] = frozenset()
    time_style: TimeStyle = "utc"
    link_base: str = ""

    def takes(
        self, *, channel: str | None = None, inbox_id: str | None = None, agent_id: str | None = None
    ) -> bool:
        """Say whether the filters let something through."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.inbox_ids or inbox_id in self.inbox_ids)
            and (not self.agent_ids or agent_id in self.agent_ids)
        )

    def shown(self, timestamp: str | None) -> str:
        """Return a time as the report shows it; "" when there is none."""
        moment = parse_time(timestamp) if timestamp else None
        if moment is None:
            return ""
        if self.time_style == "utc":
            return format_time(moment)
        there = moment.astimezone(self.zone)
        if self.time_style == "zoned":
            return there.isoformat(timespec="milliseconds")
        return there.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def days(start: date, end: date, zone: ZoneInfo, *, not_after: datetime) -> tuple[str, str]:
    """Return when the first day begins and the last one ends in a zone, but no later than ``not_after``."""
    since = datetime.combine(start, time(), zone).astimezone(UTC)
    until = datetime.combine(end + timedelta(days=1), time(), zone).astimezone(UTC)
    return format_time(since), format_time(min(until, not_after))
