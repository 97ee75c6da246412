"""Quiet hours: by the clock on the wall, over midnight, over weekends, and when clocks are put forward or back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.eligibility.quiet_hours import quiet_hours, quiet_until
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Postponed
from afterword.eligibility.week import WEEKDAYS, QuietHours, is_always_quiet
from afterword.outcomes import Reason

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(begin="20:00", end="08:00")
WEEKEND = QuietHours(days=("saturday", "sunday"), begin="00:00", end="24:00")


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "hours", "until"),
    [
        ("2026-11-25T19:59:59", [NIGHT], None),
        ("2026-11-25T20:00", [NIGHT], "2026-11-26T08:00"),
        ("2026-11-26T07:59:59", [NIGHT], "2026-11-26T08:00"),
        ("2026-11-26T08:00", [NIGHT], None),
        ("2026-11-27T21:00", [NIGHT, WEEKEND], "2026-11-30T08:00"),
        ("2026-11-27T21:00", [WEEKEND], None),
        ("2026-11-28T00:00", [WEEKEND], "2026-11-30T00:00"),
        ("2026-11-28T10:00", [QuietHours(days=("friday",), begin="20:00", end="08:00")], None),
        (
            "2026-11-28T07:00",
            [QuietHours(days=("friday",), begin="20:00", end="08:00")],
            "2026-11-28T08:00",
        ),
        ("2026-11-25T12:00", [QuietHours(begin="12:00", end="12:01")], "2026-11-25T12:01"),
        ("2026-03-28T22:00", [NIGHT], "2026-03-29T08:00"),
        ("2026-10-24T22:00", [NIGHT], "2026-10-25T08:00"),
        ("2026-03-29T01:30", [QuietHours(begin="01:00", end="02:30")], "2026-03-29T03:30"),
    ],
)
def test_they_end_when_the_clock_on_the_wall_says_so(
    now: str, hours: list[QuietHours], until: str | None
) -> None:
    assert quiet_until(local(now), hours, BERLIN) == (until and local(until))


def test_the_zone_is_the_given_one_or_else_the_organizations(facts_of: Any) -> None:
    facts = facts_of(now=datetime(2026, 11, 25, 3, 30, tzinfo=UTC), time_zone="America/New_York")
    there = quiet_hours(Eligibility(quiet_hours=(QuietHours(begin="22:00", end="23:00"),)), facts)
    assert isinstance(there, Postponed)
    assert there.until == datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    given_zone = Eligibility(quiet_hours=(QuietHours(begin="08:00", end="09:30"),), time_zone="Asia/Kolkata")
    here = quiet_hours(given_zone, facts_of(now=facts.now))
    assert isinstance(here, Postponed)
    assert here.until == datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    assert "09:30 (Asia/Kolkata)" in here.reason.words


def test_a_closing_that_will_be_too_old_by_then_is_told_so_at_once(facts_of: Any) -> None:
    friday = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
    facts = facts_of(now=friday, closed_at=friday - timedelta(minutes=1), time_zone="UTC")
    wanted = Eligibility(quiet_hours=(WEEKEND, NIGHT))
    verdict = quiet_hours(wanted, facts)
    assert isinstance(verdict, Reason)
    assert verdict.code == "closing-too-old"
    assert verdict.values["quietUntil"].startswith("2026-11-30T08:00")
    later = msgspec.structs.replace(wanted, longest_age_hours=72)
    assert isinstance(quiet_hours(later, facts), Postponed)


times = st.integers(0, 24 * 60 - 1).map(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}")
windows = st.builds(
    QuietHours, days=st.lists(st.sampled_from(WEEKDAYS), max_size=3).map(tuple), begin=times, end=times
)


@given(
    st.lists(windows, max_size=4),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)),  # noqa: DTZ001 - it is given one below
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_when_they_are_over_it_is_quiet_no_longer(
    hours: list[QuietHours], moment: datetime, name: str
) -> None:
    if is_always_quiet(tuple(hours)):
        return
    zone, now = ZoneInfo(name), moment.replace(tzinfo=UTC)
    until = quiet_until(now, hours, zone)
    if until is not None:
        assert now < until <= now + timedelta(days=8)
        assert quiet_until(until, hours, zone) is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"quiet_hours": [{"begin": "00:00", "end": "24:00"}]}, "leave no time in the week"),
        (
            {"quiet_hours": [{"begin": "08:00", "end": "20:00"}, {"begin": "19:00", "end": "09:00"}]},
            "no time",
        ),
        ({"quiet_hours": [{"begin": "8:00", "end": "20:00"}]}, "regex"),
        ({"quiet_hours": [{"begin": "24:00", "end": "20:00"}]}, "write it so"),
        ({"time_zone": "Berlin"}, "is no time zone"),
    ],
)
def test_what_cannot_be_is_refused_in_words(told: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(told, Eligibility)
