"""When a schedule is due, told as moments and in words. Pure: what time it is, the caller says.

Clocks that are put forward or back are treated as Debian's cron does. A time of day that does not exist on a day comes
at the first moment that does (02:30 becomes 03:00); one that exists twice comes once, at its first. What recurs within
the day (``*/15 * * * *``) recurs by the real time that passes.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from afterword.translating import ENGLISH, N_, ngettext, spoken, translated
from afterword.translating import gettext as _
from afterword.workflows.cron_words import every_hour, every_hours, every_minutes, words_for
from afterword.workflows.definitions import Schedule

FIELDS = 5
LONGEST_CRON = 200
MOST_COUNTED = 10_000
"""So many missed moments are counted one by one; more are told as that many or more."""
LOOK_BACK = tuple(timedelta(days=days) for days in (2, 32, 366, 366 * 9))
FIRST = datetime(2000, 1, 1, tzinfo=UTC)

EVERY_N_MINUTES = re.compile(r"\*/([0-9]+) \* \* \* \*")
EVERY_N_HOURS = re.compile(r"0 \*/([0-9]+) \* \* \*")
AT_TIMES = re.compile(r"At (?P<times>[0-9:, and]+?) (?P<days>(?:on|every) .+)")


class Due(msgspec.Struct, frozen=True):
    """The latest moment that is due, how many before it were missed, and the next that is to come; all in UTC."""

    latest: datetime
    missed: int
    first_missed: datetime
    following: datetime


FIELD_WORDS = frozenset({N_("minute"), N_("hour"), N_("day of month"), N_("month"), N_("day of week")})
"""What the library calls the fields, here to be translated."""


def check_schedule(schedule: Schedule) -> list[tuple[str, str]]:
    """All that is wrong with a schedule: the field, and what to do, for saving."""
    mistakes = []
    try:
        _zone(schedule.time_zone)
    except ValueError:
        mistakes.append(
            (
                "time_zone",
                _(
                    "“%(name)s” is no time zone; write one of the IANA names, such as Europe/Berlin",
                    name=schedule.time_zone[:100],
                ),
            )
        )
    try:
        _simulated(schedule.cron, FIRST)
    except ValueError as error:
        mistakes.append(("cron", str(error)))
    return mistakes


def next_moment(schedule: Schedule, after: datetime) -> datetime:
    """The first moment after this one, in UTC.

    Raises:
        ValueError: the schedule cannot be read.
    """
    return next(_moments(schedule, after))


def next_moments(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """The first ``count`` moments after this one, on the schedule's own clock.

    Raises:
        ValueError: the schedule cannot be read.
    """
    zone = _zone(schedule.time_zone)
    return [moment.astimezone(zone) for moment in islice(_moments(schedule, after), count)]


def _moments(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Every moment after this one. Where a clock was put back, the library may begin before it: those are left out."""
    before = after.astimezone(UTC)
    for moment in _simulated(schedule.cron, after.astimezone(_zone(schedule.time_zone))):
        found = moment.astimezone(UTC)
        if found > before:
            yield found
            before = found


def due(schedule: Schedule, expected: datetime, now: datetime) -> Due | None:
    """What is due of a schedule whose next moment was to be ``expected``; ``None`` before that.

    Raises:
        ValueError: the schedule cannot be read.
    """
    if now < expected:
        return None
    latest, missed = expected, 0
    for moment in _moments(schedule, expected):
        if moment > now:
            return Due(latest, missed, expected, moment)
        if missed == MOST_COUNTED:
            break
        latest, missed = moment, missed + 1
    latest = _latest(schedule, now) or latest
    return Due(latest, missed, expected, next_moment(schedule, now))


def _latest(schedule: Schedule, now: datetime) -> datetime | None:
    """The latest moment up to now, sought in ever longer spans, as there are too many since the one expected."""
    for span in LOOK_BACK:
        latest = None
        for moment in _moments(schedule, now - span):
            if moment > now:
                break
            latest = moment
        if latest is not None:
            return latest
    return None


def words_of(schedule: Schedule) -> str:
    """The schedule as people say it: ``every day at 09:00 (Europe/Berlin)``; as it stands where it cannot be read."""
    cron = " ".join(schedule.cron.split())
    try:
        words = _words(cron)
    except ValueError:
        words = cron
    return f"{words} ({schedule.time_zone})"


def _words(cron: str) -> str:
    if (every := EVERY_N_MINUTES.fullmatch(cron)) and int(every[1]) > 1 and 60 % int(every[1]) == 0:
        return every_minutes(int(every[1]))
    if (every := EVERY_N_HOURS.fullmatch(cron)) and int(every[1]) > 1 and 24 % int(every[1]) == 0:
        return every_hours(int(every[1]))
    if cron == "0 * * * *":
        return every_hour()
    simulated = _simulated(cron, FIRST)
    if spoken() != ENGLISH:
        return words_for(simulated, cron) or cron
    explained = simulated.explain()
    if at_times := AT_TIMES.fullmatch(explained):
        return f"{at_times['days']} at {at_times['times']}"
    return explained[:1].lower() + explained[1:]


def _simulated(cron: str, after: datetime) -> CronSim:
    if len(cron) > LONGEST_CRON:
        raise ValueError(_("a schedule has %(most)s characters at most", most=LONGEST_CRON))
    if len(cron.split()) != FIELDS:
        raise ValueError(
            ngettext(
                "“%(cron)s” has %(num)s field; write five: minute, hour, day of the month, month and day of the week",
                "“%(cron)s” has %(num)s fields; write five: minute, hour, day of the month, month and day of the week",
                len(cron.split()),
                cron=cron,
            )
        )
    try:
        simulated = CronSim(cron, after)
        next(CronSim(cron, FIRST))
    except CronSimError as error:
        field = translated(str(error).removeprefix("Bad ").replace("-", " "))
        raise ValueError(
            _("“%(cron)s” cannot be read: look at the %(field)s", cron=cron, field=field)
        ) from None
    except (StopIteration, RecursionError, OverflowError, AssertionError):
        raise ValueError(_("“%(cron)s” never comes", cron=cron)) from None
    return simulated


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    """The time zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(name) from None
