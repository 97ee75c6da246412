"""One closing: closings within 120 s of each other, with no reopening between."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from afterword.events.closings import Closing, sort_out

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def closing(event_id: int, seconds: float) -> Closing:
    return Closing(event_id, at(seconds))


def test_a_first_closing_is_new() -> None:
    assert sort_out([], [closing(1, 0)], []) == {1: None}


def test_a_closing_with_another_id_within_two_minutes_is_the_same() -> None:
    assert sort_out([closing(1, 0)], [closing(2, 120)], []) == {2: 1}


def test_a_closing_after_two_minutes_is_another() -> None:
    assert sort_out([closing(1, 0)], [closing(2, 120.001)], []) == {2: None}


def test_a_reopening_between_makes_two_of_them() -> None:
    assert sort_out([closing(1, 0)], [closing(2, 30)], [at(20)]) == {2: None}


def test_a_reopening_before_or_after_both_does_not() -> None:
    assert sort_out([closing(1, 0)], [closing(2, 30)], [at(-5), at(40)]) == {2: 1}


def test_an_earlier_closing_that_arrives_later_is_the_same() -> None:
    assert sort_out([closing(5, 60)], [closing(6, 0)], []) == {6: 5}


def test_repeats_do_not_stretch_the_two_minutes() -> None:
    assert sort_out([], [closing(1, 0), closing(2, 100), closing(3, 200)], []) == {1: None, 2: 1, 3: None}


def test_a_batch_is_held_against_itself() -> None:
    assert sort_out([], [closing(2, 10), closing(1, 0), closing(3, 40)], [at(20)]) == {1: None, 2: 1, 3: None}


seconds = st.integers(min_value=0, max_value=600)


@given(st.lists(seconds, max_size=12), st.lists(seconds, max_size=4))
def test_no_two_accepted_closings_are_one_and_every_repeat_has_its_original(
    closed: list[int], reopened: list[int]
) -> None:
    closings = {number: at(when) for number, when in enumerate(closed)}
    verdicts = sort_out([], [Closing(*item) for item in closings.items()], [at(when) for when in reopened])

    def are_one(one: int, other: int) -> bool:
        earlier, later = sorted((closings[one], closings[other]))
        between = any(earlier < at(when) < later for when in reopened)
        return later - earlier <= timedelta(seconds=120) and not between

    assert verdicts.keys() == closings.keys()
    accepted = [number for number, original in verdicts.items() if original is None]
    assert not any(are_one(one, other) for one in accepted for other in accepted if one != other)
    repeats = {number: original for number, original in verdicts.items() if original is not None}
    assert all(original in accepted and are_one(number, original) for number, original in repeats.items())
