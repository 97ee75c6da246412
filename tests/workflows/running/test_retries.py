"""When a task is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.workflows.running.retries import JITTER, SCHEDULE, delay_before_next


def middle() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 0), (2, 5), (3, 30), (4, 300), (5, 1800), (6, 7200), (7, 21600), (8, 43200), (9, 86400), (10, None)],
)
def test_ten_attempts_are_made_with_these_waits_between(attempt: int, seconds: float | None) -> None:
    assert delay_before_next(attempt, asked_for=None, outcome_unknown=False, random=middle) == seconds


def test_what_the_vendor_asks_for_is_obeyed_in_full() -> None:
    assert delay_before_next(2, asked_for=400, outcome_unknown=False, random=middle) == 400


def test_a_vendor_that_asks_for_less_than_the_schedule_does_not_shorten_it() -> None:
    assert delay_before_next(3, asked_for=1, outcome_unknown=False, random=middle) == 30


def test_after_an_unknown_outcome_the_other_side_gets_a_moment() -> None:
    assert delay_before_next(1, asked_for=None, outcome_unknown=True, random=middle) == 1


@given(
    attempt=st.integers(1, len(SCHEDULE)),
    asked_for=st.none() | st.floats(0, 10_000),
    chance=st.floats(0, 1),
    scale=st.floats(0.001, 1),
)
def test_a_wait_is_the_scheduled_one_give_or_take_a_fifth_or_longer_when_asked(
    attempt: int, asked_for: float | None, chance: float, scale: float
) -> None:
    delay = delay_before_next(
        attempt, asked_for=asked_for, outcome_unknown=False, random=lambda: chance, scale=scale
    )
    scheduled = SCHEDULE[attempt - 1] * scale
    assert delay is not None
    assert delay >= max(scheduled * (1 - JITTER) * 0.999, asked_for or 0)
    assert delay <= max(scheduled * (1 + JITTER) * 1.001, asked_for or 0)
