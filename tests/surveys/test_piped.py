"""What a Response offers to piped text, by Qualtrics' paths."""

import pytest

from afterword.piped_text import Pipe, UnknownPipe, render
from afterword.surveys.outlines import AnsweredSurvey, OutlinedChoice, OutlinedQuestion, SurveyOutline
from afterword.surveys.piped import paths, response_source, survey_source

YES_NO = (
    OutlinedChoice("1", "Yes", "10"),
    OutlinedChoice("2", "No", "20"),
    OutlinedChoice("3", "Other", "30"),
)
SURVEY = SurveyOutline(
    "SV_1",
    "Survey",
    (
        OutlinedQuestion("QID1", "Happy?", "Score", YES_NO),
        OutlinedQuestion("QID2", "Why?"),
        OutlinedQuestion("QID3", "Which?", choices=YES_NO),
        OutlinedQuestion(
            "QID4",
            "How was it?",
            choices=(OutlinedChoice("1", "Speed", "1"), OutlinedChoice("2", "Price", "2")),
            answers=(OutlinedChoice("1", "Bad", "-1"), OutlinedChoice("2", "Good", "1")),
        ),
        OutlinedQuestion("QID5", "How far?", choices=(OutlinedChoice("1", "Distance", "1"),)),
    ),
    ("CustomerId", "Order id"),
)
ANSWERED = AnsweredSurvey(
    response_id="R_1",
    survey=SURVEY,
    values={
        "QID1": 10,
        "QID2_TEXT": "Quick & kind",
        "QID3": ["10", "30"],
        "QID3_3_TEXT": "a third way",
        "QID4_1": 1,
        "QID5_1": 4.0,
    },
    embedded_data={"CustomerId": "c1"},
    metadata={"ResponseID": "R_1", "SurveyID": "SV_1", "Q_CHL": "email"},
    contact={"FirstName": "Ada", "Email": "ada@example.com"},
)


@pytest.mark.parametrize(
    ("pipe", "text"),
    [
        ("${q://QID1/ChoiceGroup/SelectedChoices}", "Yes"),
        ("${q://QID1/SelectedChoicesRecode}", "10"),
        ("${q://QID1/ChoiceNumericEntryValue}", "10"),
        ("${q://QID1/QuestionText}", "Happy?"),
        ("${q://QID1/QuestionDescription}", "Score"),
        ("${q://QID2/QuestionDescription}", "Why?"),
        ("${q://QID1/ChoiceDescription/2}", "No"),
        ("${q://QID2/ChoiceTextEntryValue}", "Quick & kind"),
        ("${q://QID3/ChoiceGroup/SelectedChoices}", "Yes, Other"),
        ("${q://QID3/ChoiceGroup/SelectedChoicesTextEntry}", "Yes, a third way"),
        ("${q://QID3/ChoiceGroup/UnselectedChoices}", "No"),
        ("${q://QID3/ChoiceGroup/AllChoices}", "Yes, No, Other"),
        ("${q://QID3/ChoiceGroup/EnteredChoices}", "Other"),
        ("${q://QID3/SelectedChoicesRecode}", "10, 30"),
        ("${q://QID3/SelectedChoicesCount}", "2"),
        ("${q://QID3/ChoiceTextEntryValue/3}", "a third way"),
        ("${q://QID3/ChoiceTextEntryValue/1}", ""),
        ("${q://QID4/ChoiceGroup/SelectedAnswers/1}", "Good"),
        ("${q://QID4/SelectedAnswerRecode/1}", "1"),
        ("${q://QID4/ChoiceGroup/SelectedAnswers/2?d=not said}", "not said"),
        ("${q://QID4/AnswerDescription/1}", "Bad"),
        ("${q://QID5/ChoiceNumericEntryValue/1}", "4"),
        ("${e://Field/customerid}", "c1"),
        ("${e://Field/Order%20id?d=none}", "none"),
        ("${e://Field/ResponseID}", "R_1"),
        ("${e://Field/Q_CHL}", "email"),
        ("${rm://Field/ResponseID}", "R_1"),
        ("${m://FirstName} <${m://Email}>", "Ada <ada@example.com>"),
        ("${m://Phone?d=-}", "-"),
    ],
)
def test_an_answer_is_told_by_qualtrics_path(pipe: str, text: str) -> None:
    assert render(pipe, response_source(ANSWERED)) == text


@pytest.mark.parametrize(
    "pipe",
    [
        "${q://QID9/QuestionText}",
        "${q://QID1}",
        "${q://QID1/ChoiceTextEntryValue}",
        "${q://QID1/ChoiceDescription/9}",
        "${q://QID1/SelectedAnswers/1}",
        "${q://QID2/ChoiceGroup/SelectedChoices}",
        "${q://QID4/ChoiceGroup/SelectedChoices}",
        "${q://QID4/ChoiceGroup/SelectedAnswers/7}",
        "${e://CustomerId}",
        "${rm://Field/Nothing}",
        "${m://ShoeSize}",
        "${loc://City}",
    ],
)
def test_what_a_question_cannot_answer_is_unknown(pipe: str) -> None:
    with pytest.raises(UnknownPipe):
        render(pipe, response_source(ANSWERED))


def test_an_unanswered_survey_knows_the_same_paths_and_is_empty() -> None:
    source = survey_source(AnsweredSurvey(response_id="R", survey=SURVEY, values={}, embedded_data={}))
    for question in SURVEY.questions:
        for path in paths(question):
            found = source(Pipe("q", f"{question.id}/{path}"))
            assert found is not None, path
            assert path == "QuestionText" or found == ""


def test_embedded_data_that_no_flow_declares_is_empty_in_a_response_and_unknown_on_saving() -> None:
    asked = Pipe("e", "Field/Undeclared")
    assert response_source(ANSWERED)(asked) == ""
    assert survey_source(ANSWERED)(asked) is None
    assert survey_source(ANSWERED)(Pipe("e", "Field/ORDER ID")) == ""
