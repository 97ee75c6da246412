"""A survey as a form: its fields in order, and what was typed read back, with each mistake beside its field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from litestar.datastructures import FormMultiDict

from afterword.admin.forms import text_of
from afterword.piped_text.escaping import belongs_in_a_line
from afterword.surveys.definitions import (
    Choice,
    Question,
    ScoreQuestion,
    Survey,
    SurveyDefinition,
    SurveyTexts,
)
from afterword.translating import N_, translated
from afterword.translating import gettext as _

LONGEST_NAME = 200
LONGEST_TEXT = 1_000
LONGEST_LANGUAGE = 35
MOST_EMBEDDED_DATA = 100
MOST_HOURS = 8784
TEXT_LABELS: Mapping[str, str] = {
    "title": N_("Heading"),
    "submit": N_("Button that sends the answer"),
    "thanks_title": N_("Heading of the thank-you"),
    "thanks": N_("Thank-you"),
    "more": N_("Asks for a comment that was not given"),
    "add": N_("Button that adds it"),
    "enough": N_("Button for nothing to add"),
    "change": N_("Link to change the answer"),
    "language": N_("Language (a code such as en or de-AT)"),
}
LONG_TEXTS = frozenset({"thanks"})


class Field(msgspec.Struct, frozen=True):
    """A field of the form; ``lines`` is more than 1 for a text of several lines."""

    name: str
    label: str
    value: str
    lines: int = 1
    hint: str = ""


class Section(msgspec.Struct, frozen=True):
    """Fields that belong together, under a heading."""

    heading: str
    fields: tuple[Field, ...]


class Draft(msgspec.Struct, frozen=True):
    """What was typed: the survey as far as it can be, and what is wrong, by field."""

    survey: Survey
    typed: Mapping[str, str]
    errors: Mapping[str, str]


def sections(survey: Survey) -> list[Section]:
    """The form of a survey as it is."""
    definition = survey.definition
    texts = msgspec.to_builtins(definition.texts)
    shown = {
        name: Field(f"text.{name}", translated(label), texts[name], lines=3 if name in LONG_TEXTS else 1)
        for name, label in TEXT_LABELS.items()
    }
    page = [shown[name] for name in ("title", "submit", "language")]
    after = [shown[name] for name in TEXT_LABELS if name not in {"title", "submit", "language"}]
    settings = (
        Field("name", _("Name (customers do not see it)"), survey.name),
        Field(
            "changeable_hours",
            _("Hours for which an answer can be changed by its link"),
            f"{definition.changeable_hours:g}",
            hint=_("0: never. A comment that comes within this time still reaches the card on the Timeline."),
        ),
        Field(
            "embedded_data",
            _("Embedded Data, one name a line"),
            "\n".join(definition.embedded_data),
            lines=5,
            hint=_(
                "What the Survey Flow declares: values that come with an invitation and stay with its Response."
            ),
        ),
    )
    return [
        Section(_("What is asked"), (*page[:1], *_question_fields(definition.questions), *page[1:])),
        Section(_("After the answer"), tuple(after)),
        Section(_("Settings"), settings),
    ]


def values_of(survey: Survey) -> dict[str, str]:
    """What the form of a survey is filled in with, by field."""
    fields = (field for section in sections(survey) for field in section.fields)
    active = {"is_active": "yes"} if survey.is_active else {}
    return {field.name: field.value for field in fields} | active


def read_draft(survey: Survey, form: FormMultiDict | Any) -> Draft:
    """The survey with what was typed; a field with a mistake keeps what the survey has."""
    typed = {name: text_of(form, name).replace("\r\n", "\n").strip() for name in values_of(survey)}
    if text_of(form, "is_active"):
        typed["is_active"] = "yes"
    else:
        typed.pop("is_active", None)
    errors = dict(_mistakes(survey, typed))
    right = {**values_of(survey), **{name: text for name, text in typed.items() if name not in errors}}
    definition = SurveyDefinition(
        questions=tuple(_question(one, right) for one in survey.definition.questions),
        texts=SurveyTexts(**{name: right[f"text.{name}"] for name in TEXT_LABELS}),
        embedded_data=tuple(_lines(right["embedded_data"])),
        changeable_hours=float(right["changeable_hours"]),
    )
    changed = msgspec.structs.replace(
        survey, name=right["name"], is_active="is_active" in typed, definition=definition
    )
    return Draft(changed, typed, errors)


def _question_fields(questions: Sequence[Question]) -> Iterator[Field]:
    for number, question in enumerate(questions, start=1):
        yield Field(
            f"question.{question.id}", _("Question %(number)s", number=number), question.text, lines=2
        )
        if isinstance(question, ScoreQuestion):
            for choice in question.choices:
                name = f"choice.{question.id}.{choice.recode}"
                yield Field(name, _("Words of %(score)s", score=choice.recode), choice.text)


def _question(question: Question, typed: Mapping[str, str]) -> Question:
    text = typed[f"question.{question.id}"]
    if not isinstance(question, ScoreQuestion):
        return msgspec.structs.replace(question, text=text)
    choices = tuple(
        Choice(one.recode, typed[f"choice.{question.id}.{one.recode}"]) for one in question.choices
    )
    return msgspec.structs.replace(question, text=text, choices=choices)


def _mistakes(survey: Survey, typed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in values_of(survey):
        text = typed.get(name, "")
        match name:
            case "is_active":
                mistake = ""
            case "embedded_data":
                mistake = _mistake_in_names(_lines(text))
            case "changeable_hours":
                mistake = _mistake_in_hours(text)
            case _:
                mistake = _mistake_in_text(name, text)
        if mistake:
            yield name, mistake


def _mistake_in_text(name: str, text: str) -> str:
    most = {"name": LONGEST_NAME, "text.language": LONGEST_LANGUAGE}.get(name, LONGEST_TEXT)
    if not text:
        return _("Write something here.")
    if len(text) > most:
        return _("Keep it to %(most)s characters; it has %(number)s.", most=most, number=len(text))
    if not all(belongs_in_a_line(character) or character == "\n" for character in text):
        return _("There is a character in it that cannot be shown.")
    if name == "text.language" and not text.replace("-", "").isascii():
        return _("Write a code such as en or de-AT.")
    return ""


def _mistake_in_hours(text: str) -> str:
    try:
        hours = float(text)
    except ValueError:
        hours = -1
    return "" if 0 <= hours <= MOST_HOURS else _("Write a number from 0 to %(most)s.", most=MOST_HOURS)


def _mistake_in_names(names: Sequence[str]) -> str:
    if len(names) > MOST_EMBEDDED_DATA:
        return _(
            "There can be %(most)s names; these are %(number)s.", most=MOST_EMBEDDED_DATA, number=len(names)
        )
    for name in names:
        if len(name) > LONGEST_NAME or not name.isprintable():
            return _("A name has 1 to %(most)s printable characters.", most=LONGEST_NAME)
    folded = [name.casefold() for name in names]
    twice = next((name for name in names if folded.count(name.casefold()) > 1), None)
    return (
        "" if twice is None else _("%(name)s is there twice; upper and lower case are the same.", name=twice)
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
