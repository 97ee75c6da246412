"""What a JSON body must be to be kept."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.intake.json_bodies import DEEPEST, BadJson, read_json_object


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain text",
        b"[1]",
        b'"text"',
        b"null",
        b'{"a": 1',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b"\xff\xfe{}",
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": {"b": ["\\u0000"]}}',
        b'{"a": "\x00"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00x"}',
        b'{"a": "\\ud83dx"}',
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
def test_what_a_later_reader_could_not_take_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson):
        read_json_object(body)


def test_as_deep_as_allowed_is_taken() -> None:
    body = b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST
    read_json_object(body)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_json_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(st.characters()),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=12,
)


def keepable(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case str():
            return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
        case list():
            return all(keepable(item) for item in value)
        case dict():
            return all(keepable(name) and keepable(item) for name, item in value.items())
        case _:
            return True


@given(st.dictionaries(st.text(st.characters()), json_values, max_size=4), st.booleans())
def test_an_object_is_taken_exactly_when_everything_in_it_can_be_kept(
    document: dict[str, object], ascii_only: bool
) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if keepable(document):
        assert read_json_object(body) == document
    else:
        with pytest.raises(BadJson):
            read_json_object(body)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    try:
        read_json_object(body)
    except BadJson:
        return
    assert isinstance(json.loads(body), dict)
