"""Quiet hours: what is due in them waits until they are over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from afterword.eligibility.closing_rules import too_old_at
from afterword.eligibility.facts import Facts, needed
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Postponed, Verdict
from afterword.eligibility.week import WEEKDAYS, QuietHours
from afterword.outcomes import Reason
from afterword.translating import ENGLISH, said, weekday_and_time

MOST_IN_A_ROW = 100
"""Quiet hours that follow each other without a break; a week has no more."""


def quiet_hours(wanted: Eligibility, facts: Facts) -> Verdict:
    """Wait until they are over. A closing that would be too old by then is told so at once."""
    if not wanted.quiet_hours:
        return None
    zone = wanted.time_zone or needed(facts.time_zone, "time zone")
    until = quiet_until(facts.now, wanted.quiet_hours, ZoneInfo(zone))
    if until is None:
        return None
    closing = facts.closing
    late = too_old_at(wanted, closing, until - (closing.closed_at or until))
    if isinstance(late, Reason):
        words = said(
            "the quiet hours end %(shown)s, and nothing is sent for a closing that is so old by then",
            shown=_shown(until, zone),
        )
        return Reason(late.code, words, {**late.values, "quietUntil": until.isoformat()})
    return Postponed(
        until,
        Reason(
            "quiet-hours",
            said("nothing is sent in the quiet hours, which end %(shown)s", shown=_shown(until, zone)),
            {"until": until.isoformat(), "timeZone": zone},
        ),
    )


def quiet_until(now: datetime, hours: Sequence[QuietHours], zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end (UTC), those that follow without a break included; ``None`` when it is not quiet now.

    They go by the clock on the wall: when clocks are put forward or back, quiet hours are shorter or longer.
    """
    moment = now
    for _ in range(MOST_IN_A_ROW):
        end = max(
            (end for begin, end in _windows(moment, hours, zone) if begin <= moment < end), default=None
        )
        if end is None:
            break
        moment = end
    return None if moment == now else moment.astimezone(UTC)


def _windows(
    moment: datetime, hours: Sequence[QuietHours], zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """The quiet hours that began on the day of a moment, or on the day before."""
    today = moment.astimezone(zone).date()
    windows = []
    for date in (today - timedelta(days=1), today):
        for one in hours:
            if one.days and WEEKDAYS[date.weekday()] not in one.days:
                continue
            begin = datetime.combine(date, one.begins_at)
            end = begin + timedelta(minutes=one.minutes)
            windows.append(tuple(wall.replace(tzinfo=zone).astimezone(UTC) for wall in (begin, end)))
    return [(begin, end) for begin, end in windows]


def _shown(moment: datetime, zone: str) -> str:
    return f"{weekday_and_time(moment.astimezone(ZoneInfo(zone)), ENGLISH)} ({zone})"
