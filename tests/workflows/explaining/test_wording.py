"""The words of explain: whatever stands in a value, a sentence stays one line and ends where it should."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.workflows.conditions import Compared, Evaluation
from afterword.workflows.explaining.wording import (
    HAD_TO,
    LONGEST_VALUE,
    comparison,
    comparisons,
    duration,
    field_name,
    list_of,
    moment,
    quoted,
    sent,
)


@given(st.text())
def test_a_value_is_quoted_on_one_line_and_cut(text: str) -> None:
    shown = quoted(text)
    assert shown.startswith("“")
    assert shown.endswith("”")
    assert len(shown) <= LONGEST_VALUE + 2
    assert len(shown.splitlines()) == 1


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_list_of_names_tells_how_many_there_are(names: list[str]) -> None:
    shown = list_of(names)
    assert shown.count("“") >= min(3, len(names))
    assert shown.endswith(f" and {len(names) - 3} more") is (len(names) > 3)


def test_two_names_are_joined_by_and() -> None:
    assert list_of(["A"]) == "“A”"
    assert list_of(["A", "B"]) == "“A” and “B”"
    assert list_of(["A", "B", "C"]) == "“A”, “B” and “C”"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a second"),
        (1, "1 s"),
        (90, "2 min"),
        (3600, "1 h"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_a_length_of_time_is_told_in_the_unit_that_matters(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_moment_is_told_in_utc() -> None:
    assert moment(datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)) == "3 Nov 2026, 09:05:07 UTC"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("~{aedj://inboxId}", "inboxId"),
        ("${e://Field/CustomerId}", "CustomerId"),
        ("${q://QID1/ChoiceNumericEntryValue}", "QID1/ChoiceNumericEntryValue"),
        ("a ~{aedj://b} c", "a ~{aedj://b} c"),
        ("plain", "plain"),
    ],
)
def test_a_field_is_called_by_its_name(field: str, name: str) -> None:
    assert field_name(field) == name


def test_every_operator_has_words() -> None:
    from typing import get_args  # noqa: PLC0415

    from afterword.workflows.comparing import Operator  # noqa: PLC0415

    assert set(HAD_TO) == set(get_args(Operator))


def test_a_comparison_is_told_with_what_was_found_and_what_was_wanted() -> None:
    def told(found: str, wanted: tuple[str, ...], problem: str = "") -> str:
        return comparison(
            Compared("~{aedj://score}", "is greater than", found, wanted, holds=False, problem=problem)
        )

    assert told("2", ("3",)) == "“score” was “2” and had to be greater than “3”"
    assert told("", ("3",)) == "“score” was empty and had to be greater than “3”"
    assert told("x", ("3",), "“x” is no number") == "“score” could not be compared: “x” is no number"
    empty = Compared("~{aedj://score}", "is empty", "2", (), holds=False)
    assert comparison(empty) == "“score” was “2” and had to be empty"


def test_only_what_decided_is_told() -> None:
    yes = Compared("~{aedj://a}", "equals", "1", ("1",), holds=True)
    no = Compared("~{aedj://b}", "equals", "1", ("2",), holds=False)
    assert comparisons(Evaluation(holds=False, compared=(yes, no))) == ("“b” was “1” and had to equal “2”.",)
    assert comparisons(Evaluation(holds=True, compared=(yes, no))) == ("“a” was “1” and had to equal “1”.",)
    assert comparisons(Evaluation(holds=False, compared=())) == ()


@given(
    st.dictionaries(st.text(), st.text() | st.none() | st.integers()), st.dictionaries(st.text(), st.text())
)
def test_whatever_a_task_sent_is_told(values: dict[str, object], output: dict[str, object]) -> None:
    words, details = sent(values, output)
    assert isinstance(words, str)
    assert all(isinstance(detail, str) for detail in details)


@pytest.mark.parametrize("there", [True, "true"])
def test_a_card_that_stood_there_already_is_told_as_such(there: object) -> None:
    words, _ = sent({"title": "Score", "body": "Fine"}, {"itemId": "i1", "alreadyThere": there})
    assert words == ": “Score” and “Fine” stood already on the Customer's Timeline in Gladly, item i1"
