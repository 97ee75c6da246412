"""JSON fields by JSONPath."""

import pytest

from afterword.workflows.definitions import JsonField
from afterword.workflows.fields import InvalidPath, compile_path, extract

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
