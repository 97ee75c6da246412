"""Surveys and responses as Qualtrics writes them, with all that it leaves out or writes otherwise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError

from afterword.qualtrics.models import read_response, read_survey
from afterword.qualtrics.responses import question_of, sort_values
from afterword.qualtrics.texts import plain_text


def test_metadata_answers_and_embedded_data_are_told_apart() -> None:
    values = {
        "startDate": "2026-11-23T10:00:00Z",
        "status": 0,
        "finished": 1,
        "duration": 12.0,
        "_recordId": "R_1",
        "QID1": 5,
        "QID2_TEXT": "good\x00",
        "QID3": ["1", "3"],
        "QID5_1": 2,
        "1_QID9": 4,
        "QID8_NPS_GROUP": 3,
        "CustomerId": "c1",
        "orders": 7.0,
        "vip": True,
        "nothing": None,
        "QIDs": "no answer",
    }
    sorted_ = sort_values(read_response(json.dumps({"values": values}).encode(), "R_1"))
    assert set(sorted_.answers) == {
        "QID1", "QID2_TEXT", "QID3", "QID5_1", "1_QID9", "QID8_NPS_GROUP", "QIDs",
    }  # fmt: skip
    assert sorted_.answers["QID2_TEXT"] == "good"
    assert sorted_.embedded_data == {"CustomerId": "c1", "orders": "7", "vip": "true", "nothing": ""}
    assert sorted_.metadata["duration"] == "12"
    assert sorted_.kind is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"status": 0, "finished": 1}, None),
        ({"status": "0", "finished": "True"}, None),
        ({"status": 8, "finished": 1}, None),
        ({"status": 16}, None),
        ({}, None),
        ({"status": 0, "finished": 0}, "partial"),
        ({"finished": False}, "partial"),
        ({"status": 1, "finished": 0}, "preview"),
        ({"status": 17}, "preview"),
        ({"status": 2.0}, "test"),
        ({"status": 4}, "imported"),
    ],
)
def test_a_response_tells_what_kind_it_is_of(values: dict[str, object], kind: str | None) -> None:
    assert sort_values(read_response(json.dumps({"values": values}).encode(), "R_1")).kind == kind


@pytest.mark.parametrize(
    "result", [b"{}", b'{"responseId":null,"values":[],"labels":[]}', b'{"values":null,"labels":"x"}']
)
def test_a_response_with_nothing_in_it_is_read(result: bytes) -> None:
    response = read_response(result, "R_asked")
    assert (response.response_id, response.values, response.labels) == ("R_asked", {}, {})


def test_the_question_that_a_value_answers_is_known_by_its_name() -> None:
    names = ["QID5", "QID5_TEXT", "QID5_1", "QID5_3_TEXT", "1_QID5", "CustomerId", "xQID5"]
    assert [question_of(name) for name in names] == ["QID5", "QID5", "QID5", "QID5", None, None, None]


def test_a_survey_is_read_with_empty_lists_for_objects_and_missing_keys() -> None:
    survey = read_survey(
        json.dumps(
            {
                "id": "SV_1",
                "questions": {
                    "QID1": {
                        "questionType": {"type": "MC", "selector": "SAVR"},
                        "questionText": "<b>How</b><br>was&nbsp;it?",
                        "choices": {
                            "1": {"recode": "5", "choiceText": "Good"},
                            "2": {"recode": 1},
                            "3": None,
                        },
                        "validation": {"doesForceResponse": True},
                    },
                    "QID2": {"questionType": [], "questionText": "Why?", "choices": [], "subQuestions": []},
                    "QID3": 5,
                    "QID4": {"choices": [{"recode": "9"}]},
                },
                "embeddedData": [
                    {"name": "CustomerId"},
                    {"noname": 1},
                    {"name": "Tier", "defaultValue": "x"},
                ],
                "flow": [],
            }
        ).encode()
    )
    first = survey.questions["QID1"]
    assert [choice.recode for choice in first.choices.values()] == ["5", 1, None]
    assert (survey.questions["QID2"].question_text, survey.questions["QID2"].choices) == ("Why?", {})
    assert survey.questions["QID4"].choices["1"].recode == "9"
    assert survey.embedded_data == ("CustomerId", "Tier")
    assert survey.name == "SV_1"
    empty = read_survey(b'{"id":"SV_1","name":"N","questions":[],"embeddedData":null}')
    assert (empty.questions, empty.embedded_data) == ({}, ())


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "questions",
                        "QID1",
                        "choices",
                        "1",
                        "recode",
                        "values",
                        "labels",
                        "status",
                        "finished",
                    ]
                ),
                inner,
            )
        ),
    ).map(json.dumps)
)
def test_any_json_is_read_or_refused(body: str) -> None:
    for read in (read_survey, lambda result: sort_values(read_response(result, "R_1"))):
        try:
            read(body.encode())
        except DecodeError:
            continue


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("How was it?", "How was it?"),
        ("<div>How <b>happy</b></div><div>are you?</div>", "How happy are you?"),
        ("a<br />b&nbsp;&amp; c", "a b & c"),
        ("2 < 3 & 4 > 1", "2 < 3 & 4 > 1"),
        ("<script>alert(1)</script>x<style>p{}</style>", "x"),
        ("${e://Field/Name}, hello", "${e://Field/Name}, hello"),
        (None, ""),
        ("\x00a", "a"),
    ],
)
def test_html_is_shown_as_text(html: str | None, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_any_text_becomes_one_line(html: str) -> None:
    text = plain_text(html)
    assert "\n" not in text
    assert "\x00" not in text
