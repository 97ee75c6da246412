"""Which of Gladly's records is read for which part of a span of time. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Literal

import msgspec

EVENTS_ARE_KEPT = timedelta(hours=24)
EVENTS_MARGIN = timedelta(minutes=5)
"""Inside the last 24 hours by so much: the vendor's clock decides what lies in them, and a call may have to wait."""
OVERLAP = timedelta(minutes=30)
"""How far the last report reaches into what the list of events has: for so long reading a report may take."""
EVENTS_AT_ONCE = timedelta(hours=6)
REPORTS_ARE_BEHIND = timedelta(hours=1)


class Span(msgspec.Struct, frozen=True, order=True):
    """A span of time, in UTC; ``until`` is not counted in."""

    since: datetime
    until: datetime


class Slice(msgspec.Struct, frozen=True):
    """What is read next, and where: one day's report, or a part of the list of events."""

    record: Literal["report", "events"]
    span: Span


def next_slice(since: datetime, until: datetime, now: datetime) -> Slice | None:
    """What to read next of what lies between; ``None`` when nothing is left.

    Reports count whole days: here days of UTC, which have neither gaps nor hours that come twice.
    """
    if since >= until:
        return None
    events_from = now - EVENTS_ARE_KEPT + EVENTS_MARGIN
    if since >= events_from:
        return Slice("events", Span(since, min(until, since + EVENTS_AT_ONCE)))
    return Slice("report", Span(since, min(until, _midnight_after(since), events_from + OVERLAP)))


def days_of(span: Span) -> list[Span]:
    """The parts of a span that lie in one day of UTC each."""
    days, since = [], span.since
    while since < span.until:
        until = min(span.until, _midnight_after(since))
        days.append(Span(since, until))
        since = until
    return days


def _midnight_after(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def uncovered(wanted: Span, covered: Iterable[Span]) -> list[Span]:
    """The parts of a span that none of the others covers."""
    left, begin = [], wanted.since
    for span in sorted(covered):
        if span.since > begin:
            left.append(Span(begin, min(span.since, wanted.until)))
        begin = max(begin, span.until)
        if begin >= wanted.until:
            break
    if begin < wanted.until:
        left.append(Span(begin, wanted.until))
    return [span for span in left if span.since < span.until]
