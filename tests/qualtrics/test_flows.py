"""The Survey Flow: which Embedded Data it declares, and what to paste when it does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError

from afterword.qualtrics.flows import element_to_paste, read_flow

NEEDED = ("CustomerId", "ConversationId")


def embedded(*names: str) -> dict[str, Any]:
    return {
        "Type": "EmbeddedData",
        "FlowID": "FL_2",
        "EmbeddedData": [{"Description": name, "Type": "Recipient", "Field": name} for name in names],
    }


def root(*elements: object, **more: object) -> bytes:
    flow = {"Type": "Root", "FlowID": "FL_1", "Flow": elements, "Properties": {"Count": 7}, **more}
    return json.dumps(flow).encode()


def test_names_are_found_in_groups_too_and_their_case_makes_no_difference() -> None:
    block = {"Type": "Standard", "ID": "BL_1", "FlowID": "FL_3", "Autofill": []}
    flow = read_flow(
        root(block, {"Type": "Group", "Flow": [embedded("customerID")]}, embedded("CONVERSATIONID"))
    )
    assert flow.missing(NEEDED) == []
    assert flow.only_sometimes(NEEDED) == []
    assert flow.always == ("customerID", "CONVERSATIONID")


def test_names_within_a_branch_are_declared_for_some_alone() -> None:
    branch = {
        "Type": "Branch",
        "BranchLogic": {},
        "Flow": [{"Type": "Group", "Flow": [embedded("CustomerId")]}],
    }
    randomizer = {"Type": "BlockRandomizer", "SubSet": 1, "Flow": [embedded("ConversationId")]}
    flow = read_flow(root(branch, randomizer, embedded("conversationid")))
    assert flow.missing(NEEDED) == []
    assert flow.only_sometimes(NEEDED) == ["CustomerId"]


@pytest.mark.parametrize(
    "flow",
    [
        root(),
        b"{}",
        root(Flow=None),
        root({"Type": "EmbeddedData", "EmbeddedData": {}}, {"Type": "Unheard", "Flow": {}}, 5, None),
        root({"Type": "EmbeddedData", "EmbeddedData": [{"Field": None}, "x", {"Description": "CustomerId"}]}),
        root(Properties=[]),
    ],
)
def test_a_flow_that_declares_nothing_is_read_however_it_is_written(flow: bytes) -> None:
    assert read_flow(flow).missing(NEEDED) == list(NEEDED)


def test_an_object_may_stand_where_a_list_is_documented() -> None:
    element = {"Type": "EmbeddedData", "EmbeddedData": {"1": {"Field": "CustomerId"}}}
    assert read_flow(root(Flow={"0": element})).always == ("CustomerId",)


def test_the_element_to_paste_declares_what_was_missing_and_takes_the_next_number() -> None:
    flow = read_flow(root(embedded("AgentId")))
    element = json.loads(element_to_paste(flow.missing(NEEDED), flow.count))
    assert element["FlowID"] == "FL_8"
    assert read_flow(root(element)).missing(NEEDED) == []


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["Type", "Flow", "EmbeddedData", "Field", "Properties", "Count"]), inner
            )
        ),
    ).map(json.dumps)
)
def test_any_json_is_read_or_refused_as_no_flow(body: str) -> None:
    try:
        read_flow(body.encode())
    except DecodeError:
        return


def test_a_flow_in_a_flow_without_end_is_read_as_far_as_makes_sense() -> None:
    deep = embedded("CustomerId")
    for _ in range(100):
        deep = {"Type": "Group", "Flow": [deep]}
    assert read_flow(root(deep)).missing(["CustomerId"]) == ["CustomerId"]
