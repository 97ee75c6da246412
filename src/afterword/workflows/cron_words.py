"""Usual schedules in words, in the languages that the library does not speak."""

from collections.abc import Collection, Sequence

from cronsim import CronSim

from afterword.translating import gettext as _
from afterword.translating import spoken

MOST_TIMES = 4
"""Times of a day that are told one by one."""
FEWEST_IN_A_ROW = 3
"""Days of the week that are told by the first and the last of them."""
DAYS_OF_WEEK = 7


def words_for(simulated: CronSim, cron: str) -> str | None:  # noqa: PLR0911 - a table
    """What a schedule means; ``None`` for one that is not usual."""
    if cron == "* * * * *":
        return _("every minute")
    _minute, _hour, day, month, weekday = cron.split()
    times = _times(simulated.hours, simulated.minutes)
    if times is None or month != "*":
        return None
    match day, weekday:
        case "*", "*":
            return _("every day at %(times)s", times=times)
        case "*", _weekday:
            days = _weekdays(simulated.weekdays)
            return None if days is None else _("%(days)s at %(times)s", days=days, times=times)
        case "L", "*":
            return _("on the last day of every month at %(times)s", times=times)
        case day, "*" if day.isdecimal():
            return _("on day %(day)s of every month at %(times)s", day=int(day), times=times)
        case _other:
            return None


def every_minutes(minutes: int) -> str:
    """``every 15 minutes``."""
    return _("every %(minutes)s minutes", minutes=minutes)


def every_hours(hours: int) -> str:
    """``every 2 hours``."""
    return _("every %(hours)s hours", hours=hours)


def every_hour() -> str:
    """``every hour``."""
    return _("every hour")


def _times(hours: Collection[int], minutes: Collection[int]) -> str | None:
    times = [f"{hour:02}:{minute:02}" for hour in sorted(hours) for minute in sorted(minutes)]
    return _listed(times) if len(times) <= MOST_TIMES else None


def _weekdays(days: Collection[object]) -> str | None:
    """Days of the week, from Monday on: cron's 0 and 7 are both Sunday. Such as *the last Friday* are not usual."""
    from babel.dates import get_day_names  # noqa: PLC0415

    numbers = sorted({(day - 1) % DAYS_OF_WEEK for day in days if isinstance(day, int)})
    if not numbers or not all(isinstance(day, int) for day in days):
        return None
    names = get_day_names("wide", locale=spoken())
    is_row = numbers == list(range(numbers[0], numbers[-1] + 1))
    if is_row and len(numbers) >= FEWEST_IN_A_ROW:
        return _("%(first)s to %(last)s", first=names[numbers[0]], last=names[numbers[-1]])
    return _listed([names[number] for number in numbers])


def _listed(names: Sequence[str]) -> str:
    from babel.lists import format_list  # noqa: PLC0415

    return format_list(names, locale=spoken())
