"""The catalogue: which piped texts may be used at a task of a workflow (``unknown_names.py`` tells which may not).

What is known is decided by the very sources that fill texts in, holding sample values: the two cannot differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from afterword.distributions.mail import CONTACT_NAMES, LINK_NAMES
from afterword.piped_text import Pipe, Source, dates_source, random_source
from afterword.surveys.outlines import CONTACT_FIELDS, METADATA, AnsweredSurvey, SurveyOutline
from afterword.surveys.piped import paths, survey_source
from afterword.tasks.contract import AnyTaskType
from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    Schedule,
    SurveyResponse,
    Task,
)
from afterword.workflows.values.event_data import CONVERSATION_FIELDS, fields_source

SAMPLE_MOMENT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SCHEDULE_FIELDS = ("scheduledFor", "workflowId", "missed")
"""What a due moment offers (``schedules.ScheduleTold``)."""
DATES = ("CurrentDate/Y-m-d", "CurrentDate/F j, Y", "CurrentTime/H:i", "OtherDate/Y-m-d/+1 day")


PARTS: Mapping[str, str] = {
    "SelectedChoices": N_("choice"),
    "SelectedChoicesRecode": N_("number of the choice"),
    "SelectedChoicesTextEntry": N_("choice, with what was typed"),
    "ChoiceTextEntryValue": N_("text"),
    "ChoiceNumericEntryValue": N_("number"),
    "QuestionText": N_("the question"),
}
"""What of a question a piped text gives, in words."""


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A piped text that may be used: as it is written, what people call it, a sample value, where it comes from."""

    pipe: str
    label: str
    origin: str
    sample: str = ""


class Earlier(msgspec.Struct, frozen=True):
    """A task that comes before: its id, what people call it, the names at the top of its output if they are known."""

    id: str
    label: str
    outputs: tuple[str, ...] | None


class Names(msgspec.Struct, frozen=True):
    """What piped text may ask for at one place of a definition.

    ``offered`` is for a choice; more than it lists is known: other date formats, paths into outputs. ``later`` are the
    tasks that do not come before. Of ``unknowable`` schemes nobody can say, as the Survey is missing.
    """

    offered: tuple[Name, ...]
    sources: tuple[Source, ...]
    earlier: tuple[Earlier, ...] = ()
    later: frozenset[str] = frozenset()
    unknowable: frozenset[str] = frozenset()


def survey_of(
    event: SurveyResponse,
    surveys: Mapping[str, SurveyOutline],
    account_surveys: Mapping[tuple[str, str], SurveyOutline],
) -> SurveyOutline | None:
    """The Survey that a workflow starts with, where it is known."""
    if event.account is None:
        return surveys.get(event.survey)
    return account_surveys.get((event.account, event.survey))


def run_names(
    definition: Definition,
    position: int,
    task_types: Mapping[str, AnyTaskType],
    survey: SurveyOutline | None = None,
    samples: Mapping[str, str] | None = None,
) -> Names:
    """What piped text may ask for at the task of this position; at 0 also the workflow's own conditions.

    ``survey`` is the one that the workflow starts with, if it starts with one. ``samples`` are the fields of an event
    that came, to show what they look like.
    """
    event_names, event_sources, unknowable = _event_names(definition, survey, samples or {})
    earlier = tuple(_earlier(task, task_types) for task in definition.tasks[:position])
    zone = definition.event.time_zone if isinstance(definition.event, Schedule) else "UTC"
    always = (dates_source(SAMPLE_MOMENT), random_source(""))
    return Names(
        (*event_names, *_output_names(earlier), *_date_names(zone)),
        (*event_sources, *always),
        earlier,
        frozenset(task.id for task in definition.tasks[position:]),
        unknowable,
    )


def invitation_names(run: Names, embedded_data: Sequence[str]) -> Names:
    """What the mail of a *Distribute survey* task may ask for: contact, Embedded Data, links, the event's fields.

    ``run`` is what the task itself may ask for, ``embedded_data`` the names that it sends along.
    """
    embedded = frozenset(name.casefold() for name in embedded_data)

    def value(pipe: Pipe) -> str | None:
        match pipe.scheme:
            case "m":
                return "" if pipe.path in CONTACT_NAMES else None
            case "l":
                return "" if pipe.path in LINK_NAMES else None
            case "e" if pipe.path.startswith("Field/"):
                return "" if pipe.path.removeprefix("Field/").casefold() in embedded else None
            case "aedj" | "date" | "rand":
                return next((found for source in run.sources if (found := source(pipe)) is not None), None)
            case _:
                return None

    shared = (one for one in run.offered if one.pipe[2:].startswith(("aedj:", "date:", "rand:")))
    offered = (
        *(Name(pipe=f"${{m://{name}}}", label=name, origin=_("Contact")) for name in CONTACT_NAMES),
        *(Name(pipe=f"${{l://{name}}}", label=name, origin=_("Link")) for name in LINK_NAMES),
        *(
            Name(pipe=f"${{e://Field/{_written(name)}}}", label=name, origin=_("Embedded Data"))
            for name in embedded_data
        ),
        *shared,
    )
    return Names(offered, (value,), unknowable=run.unknowable & {"aedj"})


def _event_names(
    definition: Definition, survey: SurveyOutline | None, samples: Mapping[str, str]
) -> tuple[list[Name], tuple[Source, ...], frozenset[str]]:
    match definition.event:
        case ConversationClosed():
            return *_field_names(CONVERSATION_FIELDS, _("Conversation"), samples), frozenset()
        case JsonEvent(fields=fields):
            return *_field_names([field.name for field in fields], _("JSON event"), samples), frozenset()
        case Schedule():
            return *_field_names(SCHEDULE_FIELDS, _("Schedule"), samples), frozenset()
        case SurveyResponse() if survey is None:
            return [], (), frozenset({"e", "rm", "m", "q", "aedj"})
        case SurveyResponse():
            return *_survey_names(survey, samples), frozenset()


def _field_names(
    fields: Sequence[str], origin: str, samples: Mapping[str, str]
) -> tuple[list[Name], tuple[Source, ...]]:
    values = {name: samples.get(name, "") for name in fields}
    names = [
        Name(pipe=f"~{{aedj://{_written(name)}}}", label=name, origin=origin, sample=sample)
        for name, sample in values.items()
    ]
    return names, (fields_source(values),)


def _survey_names(survey: SurveyOutline, samples: Mapping[str, str]) -> tuple[list[Name], tuple[Source, ...]]:
    answers = [
        Name(
            pipe=f"${{q://{question.id}/{path}}}",
            label=f"{question.text} ({_words(path)})",
            origin=survey.name,
        )
        for question in survey.questions
        for path in paths(question)
    ]
    embedded = [
        Name(
            pipe=f"${{e://Field/{_written(name)}}}",
            label=name,
            origin=_("Embedded Data"),
            sample=samples.get(name, ""),
        )
        for name in survey.embedded_data
    ]
    own = [Name(pipe=f"${{rm://Field/{name}}}", label=name, origin=_("Response")) for name in METADATA]
    contact = [Name(pipe=f"${{m://{name}}}", label=name, origin=_("Contact")) for name in CONTACT_FIELDS]
    sample = AnsweredSurvey(response_id="R_sample", survey=survey, values={}, embedded_data={})
    fields = dict.fromkeys((*survey.embedded_data, "responseId", "surveyId"), "")
    return [*answers, *embedded, *own, *contact], (survey_source(sample), fields_source(fields))


def _words(path: str) -> str:
    part = path.removeprefix("ChoiceGroup/")
    return translated(PARTS.get(part, part))


def _earlier(task: Task, task_types: Mapping[str, AnyTaskType]) -> Earlier:
    task_type = task_types.get(task.type)
    outputs: tuple[str, ...] | None = None
    if task_type is not None:
        try:
            outputs = task_type.outputs(msgspec.convert(task.configuration, task_type.configuration))
        except msgspec.ValidationError:
            outputs = None
    return Earlier(task.id, task.label or task.id, outputs)


def _output_names(earlier: Iterable[Earlier]) -> Iterator[Name]:
    for task in earlier:
        for output in task.outputs or ():
            rest = f"$.{output}" if output.isidentifier() else f'$["{output}"]'
            yield Name(pipe=f"~{{ch://{task.id}/{rest}}}", label=output, origin=translated(task.label))


def _date_names(zone: str) -> Iterator[Name]:
    source = dates_source(SAMPLE_MOMENT)
    for path in DATES:
        pipe = Pipe("date", path)
        yield Name(
            pipe=f"${{date://{path}}}",
            label=path,
            origin=_("Date (%(zone)s)", zone=zone),
            sample=source(pipe) or "",
        )


def _written(name: str) -> str:
    """A name as it stands in piped text, where ``%`` and two digits, braces and ``?`` mean something."""
    return "".join(quote(character) if character in "%{}?" else character for character in name)
