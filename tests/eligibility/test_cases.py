"""What one case is, and that nobody is asked twice in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.eligibility.conftest import NOW

from afterword.eligibility.asked_rules import asked_about_conversation, same_case
from afterword.eligibility.cases import case_of
from afterword.eligibility.facts import Asked
from afterword.eligibility.settings import Eligibility
from afterword.outcomes import Reason

DAY = timedelta(hours=24)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def verdict(
    facts_of: Any, *, closed: float, closings: tuple[float, ...], asked: tuple[float, ...], **wanted: Any
) -> Any:
    facts = facts_of(
        closed_at=hours_ago(closed),
        asked=Asked(tuple(map(hours_ago, closings)), tuple(map(hours_ago, asked))),
    )
    eligibility = Eligibility(**wanted)
    found = same_case(eligibility, facts) or asked_about_conversation(eligibility, facts)
    return found.code if isinstance(found, Reason) else found


def test_closed_again_within_a_day_it_is_the_same_case(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(20, 0), asked=(20,)) == "same-case"


def test_each_closing_carries_the_case_on_whether_or_not_it_was_asked_about(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(40, 20, 0), asked=(40,)) == "same-case"
    assert verdict(facts_of, closed=0, closings=(40, 0), asked=(40,)) is None


def test_a_case_in_which_nobody_was_asked_so_far_is_asked_about_at_its_next_closing(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(20, 10, 0), asked=()) is None


def test_a_closing_that_is_dealt_with_after_a_later_one_was_asked_about_is_the_same_case(
    facts_of: Any,
) -> None:
    assert verdict(facts_of, closed=30, closings=(30, 10), asked=(10,)) == "same-case"


def test_two_workflows_may_ask_about_one_and_the_same_closing(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(0,), asked=(0,)) is None


def test_reopened_later_it_is_asked_again_or_not_as_it_is_set(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(100, 0), asked=(100,)) is None
    assert (
        verdict(facts_of, closed=0, closings=(100, 0), asked=(100,), reopened_later="do-not-ask")
        == "conversation-asked-before"
    )


def test_with_no_window_every_closing_is_a_case_of_its_own(facts_of: Any) -> None:
    assert verdict(facts_of, closed=0, closings=(1, 0), asked=(1,), same_case_hours=0) is None


moments = st.integers(0, 10_000).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(st.lists(moments, min_size=1), st.integers(1, 2000))
def test_every_closing_of_a_case_finds_the_same_case(closings: list[datetime], minutes: int) -> None:
    within = timedelta(minutes=minutes)
    for closing in closings:
        first, last = case_of(closing, closings, within)
        members = [one for one in closings if first <= one <= last]
        assert {case_of(one, closings, within) for one in members} == {(first, last)}
        assert all(one < first - within or one > last + within for one in closings if one not in members)
