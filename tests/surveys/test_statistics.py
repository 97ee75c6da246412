"""Shares of Responses, and how sure they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.surveys.definitions import Choice, ScoreQuestion, csat_survey
from afterword.surveys.statistics import Share, satisfied_scores, wilson


@pytest.mark.parametrize(
    ("number", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_the_interval_is_that_of_the_published_examples(
    number: int, of: int, low: float, high: float
) -> None:
    """The examples of R. G. Newcombe (1998), method 3."""
    found = wilson(number, of)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00006)


@given(st.integers(0, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_it_holds_the_share_and_stays_within_nothing_and_all(counted: tuple[int, int]) -> None:
    share = Share(*counted)
    if share.value is None or share.interval is None:
        assert share == Share(0, 0)
        return
    assert 0 <= share.interval.low <= share.value + 1e-12
    assert share.value - 1e-12 <= share.interval.high <= 1


def test_more_than_all_is_no_share() -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)


def test_satisfied_are_the_upper_two_fifths_of_a_scale() -> None:
    question = csat_survey().score_question()
    assert question is not None
    assert satisfied_scores(question) == (4, 5)
    for points, satisfied in [(2, (2,)), (3, (3,)), (7, (5, 6, 7)), (10, (7, 8, 9, 10))]:
        scale = ScoreQuestion("QID1", "?", tuple(Choice(n, str(n)) for n in range(1, points + 1)))
        assert satisfied_scores(scale) == satisfied
    assert satisfied_scores(ScoreQuestion("QID1", "?", ())) == ()
