"""Dates and random numbers for piped text: ``date://CurrentDate/m%2Fd%2FY``, ``rand://int/1:6``.

Formats are made of PHP's letters, as Qualtrics' are, or are one of its presets. Months and days have English names.
Nothing here asks a clock or rolls dice: the moment and the seed are given, so that the same text can be made again.
"""

import calendar
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from afterword.piped_text.filling import Source
from afterword.piped_text.grammar import Pipe

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

PRESETS = {
    "DS": "Y-n-j",
    "SL": "n/j/Y",
    "SH": "M j, Y",
    "PT": "F j, Y",
    "DL": "l, F j, Y",
    "ST": "g:i A",
    "SS": "g:i:s A",
    "MT": "H:i",
    "MS": "H:i:s",
}
"""Qualtrics' presets. ``DS`` and ``MS`` are known from texts in use; what the others look like there is unsure."""

_OFFSET = re.compile(r"([+-]?) ?(\d{1,6}) ?(second|sec|minute|min|hour|day|week|month|year)s?", re.IGNORECASE)
_RANGE = re.compile(r"int/(-?\d{1,15}):(-?\d{1,15})")
_LETTER = re.compile(r"\\(.)|([A-Za-z])", re.DOTALL)


def dates_source(now: datetime, time_zone: tzinfo = UTC) -> Source:
    """``date://CurrentDate/<format>``, ``date://CurrentTime/<format>`` and ``date://OtherDate/<format>/<offset>``.

    ``now`` has a time zone of its own; dates are told on the clocks of ``time_zone``. An offset is like ``+1 day`` or
    ``-2 weeks``. A day that the month reached does not have becomes its last (January 31 ``+1 month``: February 28).
    """

    def value(pipe: Pipe) -> str | None:
        if pipe.scheme != "date":
            return None
        kind, _, rest = pipe.path.partition("/")
        if kind in {"CurrentDate", "CurrentTime"} and rest:
            return format_moment(now.astimezone(time_zone), rest)
        if kind == "OtherDate":
            wanted, _, offset = rest.rpartition("/")
            other = shifted(now.astimezone(time_zone), offset) if wanted else None
            return None if other is None else format_moment(other, wanted)
        return None

    return value


def random_source(seed: str) -> Source:
    """``rand://int/min:max``: a whole number that hangs on the seed, so that it is the same whenever it is asked for.

    ``seed`` is whatever the text belongs to, such as its run.
    """

    def value(pipe: Pipe) -> str | None:
        asked = _RANGE.fullmatch(pipe.path) if pipe.scheme == "rand" else None
        if asked is None:
            return None
        least, most = int(asked[1]), int(asked[2])
        if least > most:
            return None
        digest = hashlib.blake2b(f"{seed}\n{pipe.path}".encode("utf-8", "replace"), digest_size=16).digest()
        return str(least + int.from_bytes(digest) % (most - least + 1))

    return value


def shifted(moment: datetime, offset: str) -> datetime | None:
    """The moment so much later or earlier; ``None`` when that is no offset, or no date we can tell."""
    asked = _OFFSET.fullmatch(offset.strip())
    if asked is None:
        return None
    number = int(asked[2]) * (-1 if asked[1] == "-" else 1)
    try:
        match asked[3].lower():
            case "month":
                return _months_later(moment, number)
            case "year":
                return _months_later(moment, 12 * number)
            case "day" | "week" as unit:
                return moment + timedelta(days=number * (7 if unit == "week" else 1))
            case unit:
                seconds = {"h": 3600, "m": 60, "s": 1}[unit[0]] * number
                return (moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(moment.tzinfo)
    except (ValueError, OverflowError):
        return None


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def format_moment(moment: datetime, wanted: str) -> str:
    """A moment in PHP's letters (``date()``) or by a preset; a backslash before a letter has it stand for itself."""
    return _LETTER.sub(
        lambda found: found[1] or (LETTERS[found[2]](moment) if found[2] in LETTERS else found[2]),
        PRESETS.get(wanted, wanted),
    )


def _ordinal(moment: datetime) -> str:
    if moment.day in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")


def _offset(moment: datetime, colon: str = "") -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"


def _zone(moment: datetime) -> str:
    return str(getattr(moment.tzinfo, "key", None) or moment.tzname() or _offset(moment, ":"))


LETTERS: dict[str, Callable[[datetime], str]] = {
    "d": lambda moment: f"{moment.day:02}",
    "D": lambda moment: DAYS[moment.weekday()][:3],
    "j": lambda moment: str(moment.day),
    "l": lambda moment: DAYS[moment.weekday()],
    "N": lambda moment: str(moment.isoweekday()),
    "S": _ordinal,
    "w": lambda moment: str(moment.isoweekday() % 7),
    "z": lambda moment: str(moment.timetuple().tm_yday - 1),
    "W": lambda moment: f"{moment.isocalendar().week:02}",
    "F": lambda moment: MONTHS[moment.month - 1],
    "m": lambda moment: f"{moment.month:02}",
    "M": lambda moment: MONTHS[moment.month - 1][:3],
    "n": lambda moment: str(moment.month),
    "t": lambda moment: str(calendar.monthrange(moment.year, moment.month)[1]),
    "L": lambda moment: str(int(calendar.isleap(moment.year))),
    "o": lambda moment: str(moment.isocalendar().year),
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "a": lambda moment: "am" if moment.hour < 12 else "pm",  # noqa: PLR2004
    "A": lambda moment: "AM" if moment.hour < 12 else "PM",  # noqa: PLR2004
    "g": lambda moment: str(moment.hour % 12 or 12),
    "h": lambda moment: f"{moment.hour % 12 or 12:02}",
    "G": lambda moment: str(moment.hour),
    "H": lambda moment: f"{moment.hour:02}",
    "i": lambda moment: f"{moment.minute:02}",
    "s": lambda moment: f"{moment.second:02}",
    "u": lambda moment: f"{moment.microsecond:06}",
    "v": lambda moment: f"{moment.microsecond // 1000:03}",
    "e": _zone,
    "I": lambda moment: str(int(bool(moment.dst()))),
    "O": _offset,
    "P": lambda moment: _offset(moment, ":"),
    "T": lambda moment: moment.tzname() or _offset(moment, ":"),
    "Z": lambda moment: str(int((moment.utcoffset() or timedelta()).total_seconds())),
    "c": lambda moment: format_moment(moment, r"Y-m-d\TH:i:sP"),
    "r": lambda moment: format_moment(moment, "D, d M Y H:i:s O"),
    "U": lambda moment: str(int(moment.timestamp())),
}
"""PHP's letters and what each stands for (the manual of ``DateTimeInterface::format``)."""
