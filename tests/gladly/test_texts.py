import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.texts import grapheme_start, length, one_line, rich_content

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
GRAPHEMES = [
    "a",
    "é",
    "e\u0301",
    "👍",
    "👍🏽",
    FAMILY,
    "🇫🇷",
    SCOTLAND,
    "\u1112\u1161\u11ab",
    "字",
    "❤\ufe0f",
    "नि",
]


def test_length_is_counted_in_utf16() -> None:
    assert length("a👍") == 3
    assert length("é字") == 2


def test_what_is_short_enough_stays() -> None:
    assert one_line("x" * 100, 100) == "x" * 100
    assert one_line("👍" * 50, 100) == "👍" * 50


def test_what_is_too_long_is_cut_with_an_ellipsis() -> None:
    assert one_line("x" * 101, 100) == "x" * 99 + "…"
    assert one_line("👍" * 51, 100) == "👍" * 49 + "…"


def test_a_title_is_one_line_without_controls() -> None:
    assert one_line(" CSAT\r\n Score:\x00 5 ", 100) == "CSAT Score: 5"


@pytest.mark.parametrize("grapheme", GRAPHEMES)
@pytest.mark.parametrize("before", range(6))
def test_no_grapheme_is_split(grapheme: str, before: int) -> None:
    text = "x" * before + grapheme * 40
    cut = one_line(text, 30)
    assert length(cut) <= 30
    rest = cut.removesuffix("…").removeprefix("x" * before)
    assert rest == grapheme * (len(rest) // len(grapheme))


def test_a_hundred_marks_on_one_letter_do_not_eat_what_is_before() -> None:
    assert len(one_line("good " + "z" + "\u0301" * 500, 400)) > 300


def test_markup_that_a_customer_wrote_is_escaped() -> None:
    assert rich_content("<script>alert('1')</script> & \"co\"") == (
        "&lt;script&gt;alert('1')&lt;/script&gt; &amp; \"co\""
    )


def test_lines_are_broken() -> None:
    assert rich_content("one\r\ntwo\rthree\n\nfour\n") == "one<br>two<br>three<br><br>four"


def test_what_is_escaped_is_cut_by_its_escaped_length() -> None:
    rich = rich_content("<" * 30_000)
    assert length(rich) <= 25_000
    assert rich == "&lt;" * ((25_000 - 1) // 4) + "…"


@given(text=st.text(), limit=st.integers(min_value=1, max_value=60))
def test_rich_content_fits_and_says_what_was_written(text: str, limit: int) -> None:
    rich = rich_content(text, limit)
    assert length(rich) <= limit
    plain = html.unescape(rich.replace("<br>", "\n")) if "&" not in text else None
    if plain is not None and not plain.endswith("…"):
        assert (
            plain.split()
            == "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text).split()
        )
    assert "<" not in rich.replace("<br>", "")


@given(text=st.lists(st.sampled_from(GRAPHEMES)).map("".join), index=st.integers(min_value=0, max_value=200))
def test_a_grapheme_begins_where_it_is_said_to(text: str, index: int) -> None:
    start = grapheme_start(text, min(index, len(text)))
    assert 0 <= start <= min(index, len(text))
    assert text.isascii() or not text[start:].startswith(("\u0301", "\u200d", "\ufe0f"))
