"""Dates and random numbers in piped text."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.piped_text import Pipe, dates_source, random_source, render

NOW = datetime(2026, 1, 31, 23, 5, 9, 123456, tzinfo=UTC)


def told(path: str, now: datetime = NOW, zone: str = "UTC") -> str | None:
    return dates_source(now, ZoneInfo(zone))(Pipe("date", path))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("${date://CurrentDate/m%2Fd%2FY}", "01/31/2026"),
        ("${date://CurrentDate/Y-m-d}", "2026-01-31"),
        ("${date://CurrentDate/F%20j, Y}", "January 31, 2026"),
        ("${date://CurrentDate/c}", "2026-01-31T23:05:09+00:00"),
        ("${date://CurrentDate/DS}", "2026-1-31"),
        ("${date://CurrentTime/MS}", "23:05:09"),
        ("${date://CurrentTime/g:i A}", "11:05 PM"),
        ("${date://OtherDate/Y%2Fm%2Fd/+1 day}", "2026/02/01"),
        ("${date://OtherDate/Y-m-d/-1%20year}", "2025-01-31"),
        ("${date://OtherDate/Y-m-d/+1 month}", "2026-02-28"),
        ("${date://OtherDate/Y-m-d/-2 weeks}", "2026-01-17"),
        ("${date://OtherDate/Y-m-d H/+3 hours}", "2026-02-01 02"),
    ],
)
def test_a_date_is_told_in_phps_letters(written: str, text: str) -> None:
    assert render(written, dates_source(NOW)) == text


def test_a_date_is_told_on_the_clocks_of_the_time_zone() -> None:
    assert told("CurrentDate/D, d M Y H:i T P e I", zone="Europe/Berlin") == (
        "Sun, 01 Feb 2026 00:05 CET +01:00 Europe/Berlin 0"
    )
    other = datetime(2026, 1, 31, 23, 5, tzinfo=timezone(timedelta(hours=-5)))
    assert told("CurrentDate/Y-m-d H:i", other) == "2026-02-01 04:05"


def test_a_day_later_is_the_same_time_of_day_also_when_clocks_change() -> None:
    before = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)
    assert told("OtherDate/Y-m-d H:i P/+1 day", before, "Europe/Berlin") == "2026-03-29 12:00 +02:00"
    assert told("OtherDate/Y-m-d H:i P/+24 hours", before, "Europe/Berlin") == "2026-03-29 13:00 +02:00"


def test_a_backslash_has_a_letter_stand_for_itself() -> None:
    assert told(r"CurrentDate/\D\a\y j") == "Day 31"


def test_every_letter_is_told() -> None:
    assert told("CurrentDate/dDjlNSwzWFmMntLoYyaAgGhHisuveIOPTZrU") == (
        "31Sat31Saturday6st63005January01Jan131020262026"
        "26pmPM11231123050912345612" + "3UTC0+0000+00:00UTC0Sat, 31 Jan 2026 23:05:09 +00001769900709"
    )


@pytest.mark.parametrize(
    "path",
    [
        "CurrentDate",
        "CurrentDate/",
        "Tomorrow/Y",
        "OtherDate/Y-m-d",
        "OtherDate/Y-m-d/soon",
        "OtherDate/Y/+99999 years",
        "OtherDate//+1 day",
    ],
)
def test_what_is_no_date_is_unknown(path: str) -> None:
    assert told(path) is None


@given(st.text(max_size=50), st.text(max_size=20), st.datetimes(timezones=st.timezones()))
def test_no_format_or_offset_raises(wanted: str, offset: str, now: datetime) -> None:
    source = dates_source(now)
    source(Pipe("date", f"OtherDate/{wanted}/{offset}"))
    source(Pipe("date", f"CurrentDate/{wanted}"))


def test_a_random_number_is_in_its_range_and_the_same_for_one_seed() -> None:
    numbers = [random_source(str(seed))(Pipe("rand", "int/1:6")) for seed in range(200)]
    assert set(numbers) == {"1", "2", "3", "4", "5", "6"}
    assert numbers == [random_source(str(seed))(Pipe("rand", "int/1:6")) for seed in range(200)]
    assert random_source("x")(Pipe("rand", "int/6:1")) is None
    assert random_source("x")(Pipe("rand", "float/1:2")) is None
