"""Piped text: values put into a text, each made harmless for its place."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.piped_text import Pipe, Ready, Source, UnknownPipe, parse, render


def source(**values: str) -> Source:
    return lambda pipe: values.get(pipe.path) if pipe.scheme == "aedj" else None


def test_both_ways_of_writing_a_pipe_are_understood() -> None:
    assert render("a ${aedj://x} b ~{aedj://x}", source(x="1")) == "a 1 b 1"


def test_a_default_stands_in_for_an_empty_value_only() -> None:
    template = "Hi ${aedj://name?d=there%21}"
    assert render(template, source(name="")) == "Hi there!"
    assert render(template, source(name="Ada")) == "Hi Ada"


def test_a_name_with_spaces_may_be_written_plain_or_encoded() -> None:
    assert parse("${aedj://with space}") == parse("${aedj://with%20space}") == (Pipe("aedj", "with space"),)


def test_an_unknown_name_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(UnknownPipe) as caught:
        render("${aedj://nmae}", source(name="Ada"))
    assert str(caught.value.pipe) == "aedj://nmae"


def test_a_value_is_escaped_and_the_default_too_but_ready_text_is_not() -> None:
    ready: Source = lambda pipe: Ready("<a>") if pipe.scheme == "l" else None  # noqa: E731
    text = render("${aedj://x} ${aedj://y?d=<} ${l://z}", source(x="<b>", y=""), ready, escape=html.escape)
    assert text == "&lt;b&gt; &lt; <a>"


@given(st.text())
def test_a_value_is_never_read_as_piped_text_again(value: str) -> None:
    assert render("[${aedj://x}]", source(x=value + "${aedj://x}")) == f"[{value}${{aedj://x}}]"


@given(st.lists(st.sampled_from(["${aedj://x}", "~{aedj://x?d=1}", "${", "}", "$", "~", "text", "{", "\n"])))
def test_whatever_is_no_pipe_stays_as_it_is(pieces: list[str]) -> None:
    template = "".join(pieces)
    expected = "".join("V" if "aedj" in piece else piece for piece in pieces)
    assert render(template, source(x="V")) == expected
