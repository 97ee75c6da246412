"""What a Response offers to piped text."""

from afterword.piped_text import Pipe, Source
from afterword.surveys.definitions import ScoreQuestion, Survey
from afterword.surveys.responses import Response


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
