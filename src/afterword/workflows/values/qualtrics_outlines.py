"""Surveys and Responses of a real Qualtrics, in the form that piped text knows."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from afterword.qualtrics.models import Choice, Question, Survey, SurveyResponse
from afterword.qualtrics.responses import Sorted, as_text, question_of
from afterword.qualtrics.texts import plain_text
from afterword.surveys.outlines import AnsweredSurvey, OutlinedChoice, OutlinedQuestion, SurveyOutline


def outline_survey(survey: Survey, declared: tuple[str, ...] = ()) -> SurveyOutline:
    """The outline of a survey; ``declared`` are names of Embedded Data that its flow was found to declare."""
    names = {name.casefold(): name for name in (*survey.embedded_data, *declared)}
    questions = (_question(id_, question) for id_, question in survey.questions.items())
    return SurveyOutline(survey.id, plain_text(survey.name), tuple(questions), tuple(names.values()))


def answered(
    outline: SurveyOutline, response: SurveyResponse, sorted_: Sorted, version: int = 1
) -> AnsweredSurvey:
    """A response to this survey; ``version`` counts what was read of it."""
    told = sorted_.metadata
    metadata = {
        "ResponseID": response.response_id,
        "SurveyID": outline.id,
        "StartDate": told.get("startDate", ""),
        "RecordedDate": told.get("recordedDate", ""),
        "Q_CHL": told.get("distributionChannel", ""),
        "Q_Language": told.get("userLanguage", ""),
    }
    contact = {
        "FirstName": told.get("recipientFirstName", ""),
        "LastName": told.get("recipientLastName", ""),
        "Email": told.get("recipientEmail", ""),
        "ExternalDataReference": told.get("externalDataReference", ""),
        "Language": told.get("userLanguage", ""),
    }
    return AnsweredSurvey(
        response_id=response.response_id,
        survey=_completed(outline, response),
        values=sorted_.answers,
        embedded_data=sorted_.embedded_data,
        metadata=metadata,
        contact=contact,
        version=version,
        is_finished=sorted_.is_finished,
        recorded_at=_moment(told.get("recordedDate", "")),
    )


def _moment(text: str) -> datetime | None:
    """``recordedDate``: a moment in UTC where it says nothing else; what cannot be read is not known."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def unknown_questions(outline: SurveyOutline, response: SurveyResponse) -> set[str]:
    """Questions that a response answers and the outline does not know: it is older than the survey."""
    asked = {question_of(name) for name in response.values}
    return {id_ for id_ in asked if id_ and outline.question(id_) is None}


def _question(id_: str, question: Question) -> OutlinedQuestion:
    choices, rows = _choices(question.choices), _choices(question.rows)
    is_matrix = bool(rows and choices)
    return OutlinedQuestion(
        id_,
        plain_text(question.question_text),
        plain_text(question.question_label),
        choices=rows or choices,
        answers=choices if is_matrix else (),
    )


def _choices(choices: Mapping[str, Choice]) -> tuple[OutlinedChoice, ...]:
    return tuple(
        OutlinedChoice(
            id_, plain_text(choice.choice_text or choice.description), as_text(choice.recode) or id_
        )
        for id_, choice in choices.items()
    )


def _completed(outline: SurveyOutline, response: SurveyResponse) -> SurveyOutline:
    """The outline with what only the response knows: questions and choices that were taken out of the survey since."""
    known = {question.id: question for question in outline.questions}
    for name, value in response.values.items():
        if question_of(name) != name:
            continue
        question = known.get(name, OutlinedQuestion(name, ""))
        known[name] = _with_answers(question, value, response.labels.get(name))
    for id_ in unknown_questions(outline, response):
        known.setdefault(id_, OutlinedQuestion(id_, ""))
    return msgspec.structs.replace(outline, questions=tuple(known.values()))


def _with_answers(question: OutlinedQuestion, value: object, label: object) -> OutlinedQuestion:
    """The question with a choice for each of its answers that has a label."""
    recodes = [as_text(one) for one in (value if isinstance(value, list) else [value])]
    labels = [as_text(one) for one in (label if isinstance(label, list) else [label])]
    there = {choice.recode for choice in question.choices}
    new = (
        OutlinedChoice(recode, plain_text(text), recode)
        for recode, text in zip(recodes, labels, strict=False)
        if text and recode not in there
    )
    return msgspec.structs.replace(question, choices=(*question.choices, *new))
