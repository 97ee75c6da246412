"""What a form's answers may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.surveys.answers import InvalidAnswer, read_answers
from afterword.surveys.definitions import csat_survey

SURVEY = csat_survey()


def test_a_score_and_a_comment_become_values_by_qualtrics_names() -> None:
    assert read_answers(SURVEY, {"QID1": "5", "QID2": " Great\r\nhelp "}) == {
        "QID1": 5,
        "QID2_TEXT": "Great\nhelp",
    }


def test_a_comment_may_be_left_out() -> None:
    assert read_answers(SURVEY, {"QID1": "1", "QID2": "  "}) == {"QID1": 1}


@pytest.mark.parametrize("score", ["", "0", "6", "five", "5.0", "-1", "٣", "5" * 5000, "²"])
def test_a_score_that_is_none_of_the_choices_is_refused_at_its_question(score: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        read_answers(SURVEY, {"QID1": score})
    assert caught.value.question_id == "QID1"


def test_a_comment_that_is_too_long_is_refused_at_its_question_with_the_limit() -> None:
    with pytest.raises(InvalidAnswer, match="5000") as caught:
        read_answers(SURVEY, {"QID1": "5", "QID2": "x" * 5001})
    assert caught.value.question_id == "QID2"


@given(st.dictionaries(st.sampled_from(["QID1", "QID2", "QID3"]), st.text()))
def test_any_form_gives_answers_of_the_survey_or_one_clear_error(form: dict[str, str]) -> None:
    wrong_at, answers = None, {}
    try:
        answers = read_answers(SURVEY, form)
    except InvalidAnswer as error:
        wrong_at = error.question_id
    if wrong_at is not None:
        assert wrong_at in {"QID1", "QID2"}
        return
    assert answers["QID1"] in range(1, 6)
    assert answers.keys() <= {"QID1", "QID2_TEXT"}
    assert "\x00" not in str(answers.get("QID2_TEXT", ""))


def test_embedded_data_matches_without_regard_to_case_and_keeps_the_flows_spelling() -> None:
    spelled = SURVEY.spell_embedded_data({"customerId": "c", "INBOXID": "i", "other": "o"})
    assert spelled == {"CustomerId": "c", "InboxId": "i", "other": "o"}
