"""What looks like piped text and is not read as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.piped_text.malformed import malformed


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Hi ~{aedj://name, thanks", "never closed"),
        ("${E://Field/X}", "cannot be read"),
        ("${ e://Field/X}", "cannot be read"),
        ("${e://Field/${e://Field/Y}}", "cannot be read"),
        ("{aedj://name}", "lacks its sign"),
        ("$e{ 1 + 2 }", "arithmetic"),
        ("~{ch://T-1/$['a}", "cannot be read"),
    ],
)
def test_it_is_told_with_what_is_wrong(text: str, word: str) -> None:
    assert [found for found in malformed(text) if word in found.words]


@pytest.mark.parametrize(
    "text",
    ["", "costs ${5}", "${}", "a { b }", "$5 {x}", "~{ch://T-1/$['{aedj://x}']}", "${e://Field/X?d=$5}"],
)
def test_what_is_meant_as_it_stands_is_left_alone(text: str) -> None:
    assert not list(malformed(text))


def test_a_bare_name_is_told_as_a_name() -> None:
    assert [found.name for found in malformed("${CustomerId} and ~{order id}")] == ["CustomerId", "order id"]


@given(st.lists(st.sampled_from(["${", "~{", "{", "}", "e://", "aedj://x", "$e{", " ", "?d=", "name", "'"])))
def test_no_text_raises(pieces: list[str]) -> None:
    for found in malformed("".join(pieces)):
        assert found.words or found.name
