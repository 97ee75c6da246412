"""JSON fields by JSONPath."""

import pytest

from afterword.piped_text import Json
from afterword.workflows.definitions import JsonField
from afterword.workflows.values.fields import InvalidPath, compile_path, extract

EVENT = {
    "customerId": "c1",
    "number": 4.5,
    "yes": True,
    "nothing": None,
    "list": [{"sku": "a"}, {"sku": "b"}],
    "with space": "found",
    "object": {"a": [1]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.customerId", "c1"),
        ("$.number", "4.5"),
        ("$.yes", "true"),
        ("$.nothing", ""),
        ("$.missing", ""),
        ("$.list[1].sku", "b"),
        ("$.list[*].sku", "a"),
        ("$['with space']", "found"),
        ('$["with space"]', "found"),
        ("$.object", '{"a":[1]}'),
    ],
)
def test_a_field_is_the_first_value_its_path_finds_as_text(path: str, value: str) -> None:
    assert extract([JsonField("field", path)], EVENT) == {"field": value}


@pytest.mark.parametrize("path", ["customerId", "", "$.", "$.a[", "$..", "$['a'"])
def test_what_is_no_jsonpath_is_refused_with_the_path_named(path: str) -> None:
    with pytest.raises(InvalidPath, match="JSONPath"):
        compile_path(path)


def test_a_path_that_joins_several_or_is_too_long_is_refused() -> None:
    for path in ("$.a | $.b", "$" + ".a" * 600):
        with pytest.raises(InvalidPath):
            compile_path(path)


def test_what_was_no_text_is_known_to_be_json() -> None:
    fields = [JsonField(name, f"$.{name}") for name in ("customerId", "number", "object", "nothing")]
    found = extract(fields, EVENT)
    assert [name for name, value in found.items() if isinstance(value, Json)] == ["number", "object"]


def test_a_pattern_that_other_libraries_never_finish_is_answered_at_once() -> None:
    document = {"list": ["a" * 5000 + "!"]}
    assert extract([JsonField("x", "$.list[?match(@, '(a+)+')]")], document) == {"x": ""}
    assert extract([JsonField("x", "$.list[?search(@, '(a|aa)+$')]")], document) == {"x": ""}
