"""How pages write moments, durations and values: the filters that every template may use."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from afterword.translating import ENGLISH, spoken, translated, weekday_and_time
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from markupsafe import Markup


NOT_IN_ID = re.compile(r"[^A-Za-z0-9_]+")
LEAST_TOLD_IN_SECONDS = 0.9995
LEAST_TOLD_IN_MINUTES = 59.95


def moment(value: datetime) -> "Markup":
    """A moment as ``23 Nov 2026, 22:16:04 UTC``, marked up so that a script can tell the local time."""
    from markupsafe import Markup  # noqa: PLC0415

    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="milliseconds"), f"{date_and_time(utc)} UTC"
    )


def date_and_time(utc: datetime) -> str:
    """A moment without its zone, the way the reader's language writes it."""
    if spoken() == ENGLISH:
        return f"{utc:%-d %b %Y, %H:%M:%S}"
    from babel.dates import format_datetime  # noqa: PLC0415

    return format_datetime(utc, "medium", locale=spoken())


def day(value: date) -> str:
    """A day as ``23 Nov 2026``, the way the reader's language writes it."""
    if spoken() == ENGLISH:
        return f"{value:%-d %b %Y}"
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(value, "medium", locale=spoken())


def day_and_time(value: datetime) -> str:
    """A moment by its own clock, with the day of the week: ``Mon 23 Nov 2026, 22:16``."""
    return weekday_and_time(value, spoken())


def month(value: date) -> str:
    """A month as ``Nov 2026``, the way the reader's language writes it."""
    if spoken() == ENGLISH:
        return f"{value:%b %Y}"
    from babel.dates import format_skeleton  # noqa: PLC0415

    return format_skeleton("yMMM", value, locale=spoken())


def number(value: float) -> str:
    """A number with its thousands set apart, the way the reader's language writes it."""
    if spoken() == ENGLISH:
        return f"{value:,}"
    from babel.numbers import format_decimal  # noqa: PLC0415

    return format_decimal(value, locale=spoken())


def form_moment(value: datetime) -> str:
    """A moment as a form's field takes it, in UTC: ``2026-11-24T16:30``, with seconds where there are any."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="seconds" if utc.second or utc.microsecond else "minutes")


def duration(seconds: float) -> str:
    """A length of time with the two units that matter: ``84 ms``, ``1.2 s``, ``3 min 5 s``, ``2 d 4 h``."""
    if seconds < LEAST_TOLD_IN_SECONDS:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < LEAST_TOLD_IN_MINUTES:
        return f"{_fixed(seconds, 1)} s"
    whole = timedelta(seconds=round(seconds))
    minutes, rest = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if whole.days:
        return f"{whole.days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def hundredths(value: float) -> str:
    """A number with two decimals, the way the reader's language writes it."""
    return _fixed(value, 2)


def _fixed(value: float, decimals: int) -> str:
    if spoken() == ENGLISH:
        return f"{value:.{decimals}f}"
    from babel.numbers import format_decimal  # noqa: PLC0415

    return format_decimal(value, f"0.{'0' * decimals}", locale=spoken())


def sentence(words: str) -> str:
    """Words with a capital to begin a sentence with; the rest stays as it is."""
    return words[:1].upper() + words[1:]


def entries(values: Sequence[object]) -> Mapping[object, object]:
    """A list as a mapping: of *field* and *value* pairs, as Embedded Data is, by field, of all else from 1 on."""
    pairs = [one for one in values if isinstance(one, Mapping) and one.keys() == {"field", "value"}]
    if len(pairs) == len(values):
        return {pair["field"]: pair["value"] for pair in pairs}
    return dict(enumerate(values, start=1))


ALL_PERCENT = 100


def percent(share: float) -> str:
    """A share from 0 to 1 as whole per cents; a little is never told as nothing, nor nearly all as all."""
    rounded = round(share * ALL_PERCENT)
    if share > 0 and rounded == 0:
        return _("under 1 %%")
    return _("over 99 %%") if share < 1 and rounded == ALL_PERCENT else f"{rounded} %"


def as_json(value: object) -> str:
    """A number or truth value as JSON writes it."""
    return msgspec.json.encode(value).decode()


def anchor(path: str) -> str:
    """The id of a place in a page, made of a path such as ``tasks[0].configuration.email``."""
    return NOT_IN_ID.sub("-", path).strip("-")


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "form_moment": form_moment,
    "day": day,
    "number": number,
    "hundredths": hundredths,
    "duration": duration,
    "sentence": sentence,
    "entries": entries,
    "anchor": anchor,
    "as_json": as_json,
    "percent": percent,
    "translated": translated,
}
