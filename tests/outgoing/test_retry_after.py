from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outgoing.answers import LONGEST_HOLD, parse_retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("999999999", LONGEST_HOLD),
        ("9" * 400, LONGEST_HOLD),
    ],
)
def test_seconds_are_read(value: str, seconds: float) -> None:
    assert parse_retry_after(value) == seconds


def test_a_date_is_read() -> None:
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert parse_retry_after(format_datetime(later, usegmt=True)) == pytest.approx(90, abs=5)
    assert parse_retry_after(later.strftime("%a, %d %b %Y %H:%M:%S -0000")) == pytest.approx(90, abs=5)


def test_a_date_that_passed_is_no_wait() -> None:
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "Wed, 99 Oct 2015", "٣"])
def test_what_makes_no_sense_is_not_there(value: str | None) -> None:
    assert parse_retry_after(value) is None


@given(value=st.text())
def test_it_never_raises_and_never_holds_longer_than_a_day(value: str) -> None:
    seconds = parse_retry_after(value)
    assert seconds is None or 0 <= seconds <= LONGEST_HOLD
