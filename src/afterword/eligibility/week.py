"""The week by the clock, and the hours of it in which nothing is sent."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from afterword.form_hints import in_forms
from afterword.translating import N_

WEEK_MINUTES = 7 * 24 * 60
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
DAYS = {
    "monday": N_("Mon"),
    "tuesday": N_("Tue"),
    "wednesday": N_("Wed"),
    "thursday": N_("Thu"),
    "friday": N_("Fri"),
    "saturday": N_("Sat"),
    "sunday": N_("Sun"),
}
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
MIDNIGHT = "24:00"


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which nothing is sent: from a time of day until another, which may be on the day after."""

    days: Annotated[
        tuple[Weekday, ...],
        Meta(
            title=N_("Days"),
            description=N_("The days on which they begin; without any, every day."),
            examples=[["saturday", "sunday"]],
            max_length=7,
            extra_json_schema=in_forms(choices=DAYS),
        ),
    ] = ()
    begin: Annotated[
        str,
        Meta(
            title=N_("From"),
            description=N_("When they begin, as HH:MM."),
            examples=["20:00"],
            pattern=TIME_OF_DAY,
        ),
    ]
    end: Annotated[
        str,
        Meta(
            title=N_("Until"),
            description=N_(
                "When they are over, as HH:MM; 24:00 is the end of the day, and a time that is not later than "
                "the beginning is the next day's."
            ),
            examples=["08:00"],
            pattern=TIME_OF_DAY,
        ),
    ]

    def __post_init__(self) -> None:
        if self.begin == MIDNIGHT:
            raise ValueError(
                N_("quiet hours that begin at 24:00 begin at 00:00 of the next day; write it so")
            )

    @property
    def begins_at(self) -> time:
        """When they begin."""
        return time.fromisoformat(self.begin)

    @property
    def minutes(self) -> int:
        """How long they are, by the clock."""
        begin, end = _minutes(self.begin), _minutes(self.end)
        return end - begin if end > begin else end - begin + 24 * 60


def is_time_zone(name: str) -> bool:
    """Whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_always_quiet(hours: tuple[QuietHours, ...]) -> bool:
    """Whether a week, by the clock, has no minute that is not quiet."""
    quiet: set[int] = set()
    for one in hours:
        for day in one.days or WEEKDAYS:
            begins = WEEKDAYS.index(day) * 24 * 60 + _minutes(one.begin)
            quiet.update((begins + minute) % WEEK_MINUTES for minute in range(one.minutes))
    return len(quiet) == WEEK_MINUTES


def _minutes(time_of_day: str) -> int:
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)
