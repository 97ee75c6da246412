"""What a Survey and its Responses offer to piped text: embedded data, questions and answers."""

import msgspec

from afterword.piped_text import Pipe, Source
from afterword.surveys.definitions import ScoreQuestion, Survey
from afterword.surveys.responses import Response


class OutlinedChoice(msgspec.Struct, frozen=True):
    """A choice of a question or a row of a matrix; ``recode`` is what stands for it in a Response."""

    id: str
    text: str
    recode: str


class OutlinedQuestion(msgspec.Struct, frozen=True):
    """A question as piped text sees it.

    ``choices`` are empty for a question that is answered by a text. In a matrix they are the rows, and ``answers`` the
    points of its scale.
    """

    id: str
    text: str
    description: str = ""
    choices: tuple[OutlinedChoice, ...] = ()
    answers: tuple[OutlinedChoice, ...] = ()


class SurveyOutline(msgspec.Struct, frozen=True):
    """A Survey as piped text sees it, our own or a real Qualtrics': its questions, and the Embedded Data that its Survey
    Flow declares.
    """

    id: str
    name: str
    questions: tuple[OutlinedQuestion, ...] = ()
    embedded_data: tuple[str, ...] = ()


def response_source(survey: Survey, response: Response) -> Source:
    """Embedded data (``e://Field/…``), the response's own fields (``rm://Field/…``) and answers (``q://QID…/…``)."""
    embedded = {name.casefold(): value for name, value in response.embedded_data.items()}
    own = {"responseid": response.id, "surveyid": response.survey_id}

    def value(pipe: Pipe) -> str | None:
        match pipe.scheme:
            case "e":
                name = pipe.path.removeprefix("Field/").casefold()
                return own.get(name, embedded.get(name, ""))
            case "rm":
                return own.get(pipe.path.removeprefix("Field/").casefold())
            case "q":
                return _answer(survey, response, *pipe.path.split("/", 1))
            case _:
                return None

    return value


def _answer(survey: Survey, response: Response, question_id: str, part: str = "") -> str | None:
    question = survey.definition.question(question_id)
    if question is None:
        return None
    if part in {"QuestionText", "QuestionDescription"}:
        return question.text
    if isinstance(question, ScoreQuestion):
        return _score(question, response, part)
    return str(response.answers.get(f"{question_id}_TEXT", "")) if part == "ChoiceTextEntryValue" else None


def _score(question: ScoreQuestion, response: Response, part: str) -> str | None:
    answer = response.answers.get(question.id)
    choice = question.choice(answer) if isinstance(answer, int) else None
    match part:
        case "ChoiceGroup/SelectedChoices":
            return choice.text if choice else ""
        case "SelectedChoicesRecode" | "ChoiceGroup/SelectedChoicesRecode" | "ChoiceNumericEntryValue":
            return str(choice.recode) if choice else ""
        case _:
            return None
