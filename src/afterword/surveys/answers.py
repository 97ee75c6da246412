"""What a respondent sent, read: each question's answer, or why it is none."""

from collections.abc import Mapping

from afterword.surveys.definitions import ScoreQuestion, SurveyDefinition, TextQuestion, value_name
from afterword.translating import gettext as _

LONGEST_SCORE = 4
"""Digits."""


class InvalidAnswer(ValueError):
    """An answer that the survey does not allow; ``question_id`` tells which, the message what to do."""

    def __init__(self, question_id: str, message: str) -> None:
        super().__init__(message)
        self.question_id = question_id


def read_answers(definition: SurveyDefinition, form: Mapping[str, str]) -> dict[str, int | str]:
    """Make answers of what a form holds: a field for each question, named by its id.

    Raises:
        InvalidAnswer: a score is missing or is none of the choices, or a text is too long.
    """
    answers: dict[str, int | str] = {}
    for question in definition.questions:
        given = form.get(question.id, "")
        match question:
            case ScoreQuestion():
                answers[question.id] = _score(question, given)
            case TextQuestion():
                text = given.replace("\r\n", "\n").replace("\x00", "").strip()
                if len(text) > question.max_length:
                    raise InvalidAnswer(
                        question.id,
                        _(
                            "Please keep it to %(most)s characters; it has %(number)s.",
                            most=question.max_length,
                            number=len(text),
                        ),
                    )
                if text:
                    answers[value_name(question)] = text
    return answers


def _score(question: ScoreQuestion, given: str) -> int:
    recode = int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_SCORE else None
    if recode is None or question.choice(recode) is None:
        raise InvalidAnswer(question.id, _("Please choose one of the scores."))
    return recode
