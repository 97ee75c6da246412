"""What a Response offers to piped text: embedded data, the response's own fields, its contact, and answers.

The paths are Qualtrics' (``q://QID1/ChoiceGroup/SelectedChoices``). One that a question cannot answer, such as the
choices of a question that has none, is unknown; one that was not answered is empty.
"""

from collections.abc import Callable, Iterable, Mapping

from afterword.piped_text import Pipe, Source
from afterword.qualtrics.responses import as_text
from afterword.surveys.outlines import (
    CONTACT_FIELDS,
    METADATA,
    AnsweredSurvey,
    OutlinedChoice,
    OutlinedQuestion,
    SurveyOutline,
)

JOINED = ", "
"""Between several choices, as Qualtrics joins them."""

Values = Mapping[str, object]


def response_source(answered: AnsweredSurvey) -> Source:
    """Embedded data (``e://Field/…``), the response's own fields (``rm://Field/…``), the contact (``m://…``) and
    answers (``q://QID…/…``).

    Embedded Data that the Response does not have is empty, as with Qualtrics: whether its Survey Flow declares it is
    looked at when a workflow is saved (:func:`survey_source`).
    """
    known = _named_source(answered.survey, answered.embedded_data, answered.metadata, answered.contact)

    def value(pipe: Pipe) -> str | None:
        if pipe.scheme == "q":
            return answer(answered.survey, answered.values, pipe.path)
        found = known(pipe)
        return "" if found is None and pipe.scheme == "e" and pipe.path.startswith("Field/") else found

    return value


def survey_source(samples: AnsweredSurvey) -> Source:
    """What any Response to this Survey offers, and nothing else, with sample values."""
    known = _named_source(samples.survey, samples.embedded_data, samples.metadata, samples.contact)
    return lambda pipe: (
        answer(samples.survey, samples.values, pipe.path) if pipe.scheme == "q" else known(pipe)
    )


def _named_source(
    survey: SurveyOutline,
    embedded_data: Mapping[str, str],
    metadata: Mapping[str, str],
    contact: Mapping[str, str],
) -> Source:
    own = {name.casefold(): metadata.get(name, "") for name in METADATA}
    declared = {name.casefold(): "" for name in survey.embedded_data}
    embedded = {**declared, **{name.casefold(): value for name, value in embedded_data.items()}, **own}
    person = {name: contact.get(name, "") for name in CONTACT_FIELDS}

    def value(pipe: Pipe) -> str | None:
        match pipe.scheme:
            case "e" if pipe.path.startswith("Field/"):
                return embedded.get(pipe.path.removeprefix("Field/").casefold())
            case "rm" if pipe.path.startswith("Field/"):
                return own.get(pipe.path.removeprefix("Field/").casefold())
            case "m":
                return person.get(pipe.path)
            case _:
                return None

    return value


def answer(survey: SurveyOutline, values: Values, path: str) -> str | None:
    """The text for ``QID1/ChoiceGroup/SelectedChoices`` and its like; ``None`` when there is no such question, or it
    cannot answer that.
    """
    question_id, _, part = path.partition("/")
    question = survey.question(question_id)
    if question is None:
        return None
    part = part.removeprefix("ChoiceGroup/")
    if part in _WHOLE:
        return _WHOLE[part](question, values)
    name, slash, which = part.partition("/")
    return _OF_ONE[name](question, values, which) if slash and name in _OF_ONE else None


def paths(question: OutlinedQuestion) -> list[str]:
    """The paths to a question's answer, the usual first, for a choice of piped text."""
    if question.answers:
        parts = ("SelectedAnswers", "SelectedAnswerRecode")
        return [f"{part}/{row.id}" for part in parts for row in question.choices]
    return list(_LISTED_WITH_CHOICES if question.choices else _LISTED_WITHOUT)


def _recodes(values: Values, name: str) -> list[str]:
    value = values.get(name)
    if value is None or value == "":
        return []
    return [as_text(one) for one in value] if isinstance(value, list | tuple) else [as_text(value)]


def _picked(question: OutlinedQuestion, values: Values) -> list[OutlinedChoice]:
    recodes = set(_recodes(values, question.id))
    return [choice for choice in question.choices if choice.recode in recodes]


def _typed(question: OutlinedQuestion, values: Values, choice: OutlinedChoice) -> str:
    return as_text(values.get(f"{question.id}_{choice.id}_TEXT"))


def _texts(choices: Iterable[OutlinedChoice]) -> str:
    return JOINED.join(choice.text for choice in choices)


def _question_text(question: OutlinedQuestion, _: Values) -> str:
    return question.text


def _description(question: OutlinedQuestion, _: Values) -> str:
    return question.description or question.text


def _selected(question: OutlinedQuestion, values: Values) -> str:
    return _texts(_picked(question, values))


def _selected_with_text(question: OutlinedQuestion, values: Values) -> str:
    picked = _picked(question, values)
    return JOINED.join(_typed(question, values, choice) or choice.text for choice in picked)


def _unselected(question: OutlinedQuestion, values: Values) -> str:
    picked = _picked(question, values)
    return _texts(choice for choice in question.choices if choice not in picked)


def _all_choices(question: OutlinedQuestion, _: Values) -> str:
    return _texts(question.choices)


def _entered(question: OutlinedQuestion, values: Values) -> str:
    return _texts(choice for choice in question.choices if _typed(question, values, choice))


def _recode(question: OutlinedQuestion, values: Values) -> str:
    return JOINED.join(choice.recode for choice in _picked(question, values))


def _count(question: OutlinedQuestion, values: Values) -> str:
    return str(len(_picked(question, values)))


def _text_entry(question: OutlinedQuestion, values: Values) -> str | None:
    return None if question.choices else as_text(values.get(f"{question.id}_TEXT"))


def _number_entry(question: OutlinedQuestion, values: Values) -> str:
    return as_text(values.get(question.id, values.get(f"{question.id}_TEXT")))


Part = Callable[[OutlinedQuestion, Values], str | None]
PartOfOne = Callable[[OutlinedQuestion, Values, str], str | None]


def _of_choices(part: Callable[[OutlinedQuestion, Values], str]) -> Part:
    """Only for questions that have choices to pick; a matrix has rows instead."""
    return lambda question, values: (
        part(question, values) if question.choices and not question.answers else None
    )


def _one(choices: Iterable[OutlinedChoice], choice_id: str) -> OutlinedChoice | None:
    return next((choice for choice in choices if choice.id == choice_id), None)


def _text_entry_of(question: OutlinedQuestion, values: Values, which: str) -> str | None:
    if _one(question.choices, which) is None:
        return None
    name = f"{question.id}_{which}"
    return as_text(values.get(f"{name}_TEXT", values.get(name)))


def _number_entry_of(question: OutlinedQuestion, values: Values, which: str) -> str | None:
    return None if _one(question.choices, which) is None else as_text(values.get(f"{question.id}_{which}"))


def _choice_description(question: OutlinedQuestion, _: Values, which: str) -> str | None:
    choice = _one(question.choices, which)
    return None if choice is None else choice.text


def _answer_description(question: OutlinedQuestion, _: Values, which: str) -> str | None:
    point = _one(question.answers, which)
    return None if point is None else point.text


def _points(question: OutlinedQuestion, values: Values, row: str) -> list[OutlinedChoice] | None:
    if not question.answers or _one(question.choices, row) is None:
        return None
    recodes = set(_recodes(values, f"{question.id}_{row}"))
    return [point for point in question.answers if point.recode in recodes]


def _selected_answers(question: OutlinedQuestion, values: Values, row: str) -> str | None:
    points = _points(question, values, row)
    return None if points is None else _texts(points)


def _selected_answer_recode(question: OutlinedQuestion, values: Values, row: str) -> str | None:
    points = _points(question, values, row)
    return None if points is None else JOINED.join(point.recode for point in points)


_WHOLE: dict[str, Part] = {
    "SelectedChoices": _of_choices(_selected),
    "SelectedChoicesTextEntry": _of_choices(_selected_with_text),
    "SelectedChoicesRecode": _of_choices(_recode),
    "SelectedChoicesCount": _of_choices(_count),
    "UnselectedChoices": _of_choices(_unselected),
    "AllChoices": _of_choices(_all_choices),
    "DisplayedChoices": _of_choices(_all_choices),
    "EnteredChoices": _of_choices(_entered),
    "ChoiceTextEntryValue": _text_entry,
    "ChoiceNumericEntryValue": _number_entry,
    "QuestionText": _question_text,
    "QuestionDescription": _description,
}
_LISTED_WITH_CHOICES = (
    "ChoiceGroup/SelectedChoices",
    "SelectedChoicesRecode",
    "ChoiceGroup/SelectedChoicesTextEntry",
    "QuestionText",
)
_LISTED_WITHOUT = ("ChoiceTextEntryValue", "ChoiceNumericEntryValue", "QuestionText")
_OF_ONE: dict[str, PartOfOne] = {
    "ChoiceTextEntryValue": _text_entry_of,
    "ChoiceNumericEntryValue": _number_entry_of,
    "ChoiceDescription": _choice_description,
    "AnswerDescription": _answer_description,
    "SelectedAnswers": _selected_answers,
    "SelectedAnswerRecode": _selected_answer_recode,
}
