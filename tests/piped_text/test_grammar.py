"""What is piped text and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.piped_text import Pipe, parse

PIECES = [
    "${",
    "~{",
    "}",
    "ch://",
    "aedj://",
    "e://Field/X",
    "$",
    "?",
    "?d=",
    "'",
    '"',
    "\\",
    "[",
    "]",
    "@",
    " ",
    "x",
    "%7D",
]


@pytest.mark.parametrize(
    ("text", "pipe"),
    [
        ("${e://Field/Order%20Id}", Pipe("e", "Field/Order Id")),
        ("~{aedj://customerId?d=nobody}", Pipe("aedj", "customerId", "nobody")),
        ("~{aedj://a?d=}", Pipe("aedj", "a", "")),
        ("${q://QID1/ChoiceGroup/SelectedChoices}", Pipe("q", "QID1/ChoiceGroup/SelectedChoices")),
        ("${date://OtherDate/m%2Fd%2FY/-1%20year}", Pipe("date", "OtherDate/m/d/Y/-1 year")),
        ("~{ch://T-1/$.a.b}", Pipe("ch", "T-1/$.a.b")),
        ('~{ch://T-1/$["Key with space"]}', Pipe("ch", 'T-1/$["Key with space"]')),
        ("~{ch://T-1/$['}{']}", Pipe("ch", "T-1/$['}{']")),
        ("~{ch://T-1/$.l[?(@.a=='?d=x')].b?d=none}", Pipe("ch", "T-1/$.l[?(@.a=='?d=x')].b", "none")),
        (r"~{ch://T-1/$['it\'s }']}", Pipe("ch", r"T-1/$['it\'s }']")),
        ("${l://SurveyLink?d=Take%20it}", Pipe("l", "SurveyLink", "Take it")),
    ],
)
def test_a_pipe_is_read(text: str, pipe: Pipe) -> None:
    assert parse(f"a {text} b") == ("a ", pipe, " b")


@pytest.mark.parametrize(
    "text",
    [
        "${}",
        "${x}",
        "${E://Field/X}",
        "${e:/Field/X}",
        "${e://Field/X",
        "${e://Field/{X}}",
        "${e://a?b}",
        "~{ch://T-1/$['}",
        "$ {e://Field/X}",
        "${e://" + "x" * 2000 + "}",
    ],
)
def test_what_is_no_pipe_stays_text(text: str) -> None:
    assert parse(text) == (text,)


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_nothing_is_lost_or_made_up(pieces: list[str]) -> None:
    text = "".join(pieces)
    kept = [piece for piece in parse(text) if isinstance(piece, str)]
    rest = text
    for piece in kept:
        assert piece in rest
        rest = rest[rest.index(piece) + len(piece) :]
    assert all("${e://Field/X}" not in piece for piece in kept)


@pytest.mark.parametrize(
    "piece", ["~{ch://'\"", "~{ch://\"'~{ch://'", "${e://", "~{ch://$[?", "~{ch://\\'", "${e://a?d="]
)
def test_a_long_text_is_read_in_time_that_grows_with_its_length_alone(piece: str) -> None:
    """Read to the end from every opening, this text would outlast the tests' patience."""
    assert len(parse(piece * (300_000 // len(piece)))) == 1
