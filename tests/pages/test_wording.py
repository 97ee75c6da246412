import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.pages.wording import as_json, duration, entries, moment, sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-0.001, "0 ms"),
        (0, "0 ms"),
        (0.0842, "84 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (7 * 3600 + 150, "7 h 2 min"),
        (2 * 86400 + 4 * 3600 + 59, "2 d 4 h"),
    ],
)
def test_a_duration_is_told_in_the_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 1e8))
def test_a_duration_never_has_sixty_of_a_unit(seconds: float) -> None:
    words = duration(seconds)
    assert not re.search(r"\b(60 (s|min)|24 h|1000 ms)\b", words)


def test_a_moment_is_told_in_utc_and_marked_up_for_the_reader() -> None:
    berlin = timezone(timedelta(hours=1))
    told = moment(datetime(2026, 11, 24, 0, 16, 4, 120000, tzinfo=berlin))
    assert told == '<time datetime="2026-11-23T23:16:04.120+00:00">23 Nov 2026, 23:16:04 UTC</time>'
    assert "5 Jan 2026" in moment(datetime(2026, 1, 5, tzinfo=UTC))


def test_a_sentence_begins_with_a_capital_and_keeps_the_rest() -> None:
    assert sentence("the API of Gladly") == "The API of Gladly"
    assert sentence("") == ""


def test_a_list_is_told_by_number_and_embedded_data_by_field() -> None:
    assert entries(["a", True]) == {1: "a", 2: True}
    assert entries([{"field": "CustomerId", "value": "C1"}]) == {"CustomerId": "C1"}
    assert entries([{"field": "CustomerId", "value": "C1"}, 7]) == {
        1: {"field": "CustomerId", "value": "C1"},
        2: 7,
    }


def test_what_is_no_text_is_told_as_json() -> None:
    assert [as_json(value) for value in (True, 1, 0.5)] == ["true", "1", "0.5"]
