"""Days gathered into periods, and scores added up."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.surveys.results import (
    MOST_PERIODS,
    Period,
    Unit,
    beginning_of,
    by_period,
    fitting_unit,
    total,
)
from afterword.surveys.statistics import Scores, Share

scores = st.dictionaries(st.integers(1, 5), st.integers(1, 9), min_size=1).map(Scores)
days = st.dictionaries(st.dates(date(2020, 1, 1), date(2026, 12, 31)), scores, max_size=30).map(
    lambda by_day: [Period(day, by_day[day]) for day in sorted(by_day)]
)
units = st.sampled_from(["day", "week", "month"])


@given(days, units)
def test_periods_hold_what_the_days_held_each_once_and_in_order(days: list[Period], unit: Unit) -> None:
    periods = by_period(days, unit)
    assert total([one.scores for one in periods]) == total([one.scores for one in days])
    assert [one.begins for one in periods] == sorted({beginning_of(unit, one.begins) for one in days})


@pytest.mark.parametrize(
    ("unit", "begins"),
    [("day", date(2026, 11, 25)), ("week", date(2026, 11, 23)), ("month", date(2026, 11, 1))],
)
def test_a_week_begins_on_monday_and_a_month_on_the_first(unit: Unit, begins: date) -> None:
    assert beginning_of(unit, date(2026, 11, 25)) == begins


@given(st.integers(0, 4000), st.one_of(st.none(), units))
def test_a_chart_never_has_more_periods_than_fit(length: int, wanted: Unit | None) -> None:
    first = date(2016, 1, 1)
    ends = [Period(first, Scores({5: 1})), Period(first + timedelta(days=length), Scores({5: 1}))]
    unit = fitting_unit(ends, wanted)
    assert length / {"day": 1, "week": 7, "month": 28}[unit] <= MOST_PERIODS


def test_scores_are_told_as_shares_and_as_their_mean() -> None:
    given_scores = Scores({5: 3, 1: 1})
    assert given_scores.share_of(4, 5) == Share(3, 4)
    assert given_scores.average == 4
    assert Scores().average is None
    assert Scores().share_of(5).interval is None
