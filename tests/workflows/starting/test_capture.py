"""Capture: fields are picked from what one sample request holds."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from afterword.workflows.definitions import JsonField
from afterword.workflows.starting.capture import MOST_SUGGESTED, Suggestion, pick, suggest_fields
from afterword.workflows.values.fields import extract

SAMPLE = {
    "customer": {"id": "c1", "name": {"first": "Ada", "middle": None}},
    "order": {
        "id": 7,
        "paid": True,
        "items": [{"unit price": 1.5, 'it\'s "big"': "yes"}, {"unit price": 2}],
        "tags": ["a", "b", "c", "d"],
        "notes": [],
    },
}


def test_every_value_is_offered_with_a_name_of_its_own_and_the_path_to_it() -> None:
    assert suggest_fields(SAMPLE) == [
        Suggestion("id", "$.customer.id", "c1"),
        Suggestion("first", "$.customer.name.first", "Ada"),
        Suggestion("middle", "$.customer.name.middle", ""),
        Suggestion("orderId", "$.order.id", "7"),
        Suggestion("paid", "$.order.paid", "true"),
        Suggestion("unitPrice", "$.order.items[0]['unit price']", "1.5"),
        Suggestion("itSBig", "$.order.items[0]['it\\'s \"big\"']", "yes"),
        Suggestion("items2UnitPrice", "$.order.items[1]['unit price']", "2"),
        Suggestion("tags1", "$.order.tags[0]", "a"),
        Suggestion("tags2", "$.order.tags[1]", "b"),
        Suggestion("tags3", "$.order.tags[2]", "c"),
        Suggestion("notes", "$.order.notes", "[]"),
    ]


def test_a_sample_that_is_very_large_or_deep_offers_so_much_and_no_more() -> None:
    assert len(suggest_fields({f"k{number}": number for number in range(10_000)})) == MOST_SUGGESTED + 1
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"d": deep}
    (only,) = suggest_fields(deep)
    assert only.path == "$" + ".d" * 20
    assert len(only.value) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_each_suggestion_finds_the_value_that_it_was_made_from(document: dict[str, Any]) -> None:
    document = msgspec.json.decode(msgspec.json.encode(document))
    suggested = suggest_fields(document)
    assert len({one.name.casefold() for one in suggested}) == len(suggested)
    for one in suggested:
        value = extract([JsonField("x", one.path)], document)["x"]
        assert value == one.value or one.value == f"{value[:199]}…"


@given(
    st.dictionaries(
        st.from_regex(r"[\w \-']{1,10}", fullmatch=True), st.text(max_size=100), min_size=1, max_size=8
    )
)
def test_no_value_is_left_out_whatever_its_key_is_made_of(document: dict[str, str]) -> None:
    assert [one.value for one in suggest_fields(document)] == list(document.values())


def test_picked_fields_come_after_those_there_are_and_replace_those_of_their_name() -> None:
    fields = (JsonField("a", "$.a"), JsonField("b", "$.b"))
    assert pick(fields, [JsonField("c", "$.c"), JsonField("a", "$.other")]) == (
        JsonField("a", "$.other"),
        JsonField("b", "$.b"),
        JsonField("c", "$.c"),
    )
