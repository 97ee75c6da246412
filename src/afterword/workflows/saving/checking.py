"""All that is wrong with a definition, found before it is saved: nothing is left to be a blank in a customer's mail."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from afterword.accounts.connected import Kind
from afterword.piped_text import Pipe, Place, author_mistake, parse
from afterword.piped_text.malformed import malformed
from afterword.sending.allow_lists import known as known_entry
from afterword.sending.brakes import Brakes
from afterword.surveys.outlines import SurveyOutline
from afterword.tasks.contract import AnyTaskType
from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.conditions import Group, check_conditions, comparisons
from afterword.workflows.cron import check_schedule
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    JsonField,
    Schedule,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.names import Names, invitation_names, run_names, survey_of
from afterword.workflows.saving.saved import embedded_data_names, misfits, saved_references, saved_texts
from afterword.workflows.saving.unknown_names import meant_by, problem
from afterword.workflows.values.fields import InvalidPath, compile_path

MOST_TASKS = 100
MOST_FIELDS = 200
LONGEST_NAME = 200
LONGEST_TEXT = 100_000
"""Characters of one text of a configuration."""
LARGEST_DEFINITION = 1_000_000
"""Bytes of JSON."""
TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

ACCOUNT_KINDS: Mapping[str, tuple[Kind, str]] = {
    "gladly-account": ("gladly", N_("Gladly account")),
    "qualtrics-account": ("qualtrics", N_("Qualtrics account")),
    "web-service-account": ("web-service", N_("account for web services")),
}
"""The ``format`` of a configuration field that names a connected account, and the kind of account that it may name."""


class Mistake(msgspec.Struct, frozen=True):
    """Something that has to change before a definition can be saved.

    ``path`` is where it stands, as ``tasks[0].configuration.email``, empty for the whole; ``words`` say what is wrong
    and what to do, without a full stop.
    """

    path: str
    words: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the installation has that a definition may name, by id.

    ``accounts`` tells each connected account's kind (``gladly``, ``qualtrics``, ``web-service``). ``surveys`` are those
    of our own, ``account_surveys`` those of connected Qualtrics accounts, by account and survey, as far as they are
    known; ``switched_off`` names task types. ``endpoints`` is ``None`` where an endpoint is made together with the
    workflow.
    """

    accounts: Mapping[str, str] = {}
    surveys: Mapping[str, SurveyOutline] = {}
    account_surveys: Mapping[tuple[str, str], SurveyOutline] = {}
    mailing_lists: frozenset[str] = frozenset()
    switched_off: frozenset[str] = frozenset()
    endpoints: frozenset[str] | None = None


def check_definition(
    definition: Definition, task_types: Mapping[str, AnyTaskType], known: Known
) -> list[Mistake]:
    """All that is wrong with a definition, in its order; empty when it can be saved."""
    if len(msgspec.json.encode(definition)) > LARGEST_DEFINITION:
        return [Mistake("", _("the workflow is larger than 1 MB; shorten its texts"))]
    return list(_mistakes(definition, task_types, known))


def _mistakes(
    definition: Definition, task_types: Mapping[str, AnyTaskType], known: Known
) -> Iterator[Mistake]:
    event, survey = definition.event, None
    if isinstance(event, SurveyResponse):
        survey = survey_of(event, known.surveys, known.account_surveys)
    yield from _event(definition, known)
    if definition.conditions is not None:
        yield from _conditions("", definition.conditions, run_names(definition, 0, task_types, survey))
    if len(definition.tasks) > MOST_TASKS:
        yield Mistake(
            "tasks",
            _(
                "there are %(len)s tasks; %(most_tasks)s are the most there may be",
                len=len(definition.tasks),
                most_tasks=MOST_TASKS,
            ),
        )
    seen = Counter(task.id for task in definition.tasks)
    for number, task in enumerate(definition.tasks[:MOST_TASKS]):
        path = f"tasks[{number}]"
        if not TASK_ID.fullmatch(task.id):
            yield Mistake(
                f"{path}.id",
                _("a task's id is made of letters, digits, “-”, “_” and “.”, 64 at most, such as T-1"),
            )
        elif seen[task.id] > 1:
            yield Mistake(
                f"{path}.id",
                _("more than one task is called “%(task_id)s”; give each an id of its own", task_id=task.id),
            )
        names = run_names(definition, number, task_types, survey)
        if task.conditions is not None:
            yield from _conditions(f"{path}.", task.conditions, names)
        if task.type in known.switched_off:
            yield Mistake(
                f"{path}.type",
                _("the task type “%(type)s” is switched off under Settings, Extensions", type=task.type),
            )
        yield from _task(task, path, task_types.get(task.type), names, known)
    yield from _brakes(definition.brakes)


def _brakes(brakes: Brakes) -> Iterator[Mistake]:
    for number, entry in enumerate(brakes.allowed):
        if known_entry(entry) is None:
            words = _(
                "“%(entry)s” is no address and no domain; write name@company.example or @company.example",
                entry=entry,
            )
            yield Mistake(f"brakes.allowed[{number}]", words)


def _event(definition: Definition, known: Known) -> Iterator[Mistake]:
    match definition.event:
        case ConversationClosed(account=account):
            yield from _account("event.account", "gladly-account", account, known)
        case JsonEvent(endpoint=endpoint, fields=fields):
            if known.endpoints is not None and endpoint not in known.endpoints:
                yield Mistake(
                    "event.endpoint", _("there is no JSON Event endpoint “%(endpoint)s”", endpoint=endpoint)
                )
            yield from _json_fields(fields)
        case SurveyResponse() as event:
            yield from _survey_response(event, known)
        case Schedule() as schedule:
            yield from (Mistake(f"event.{field}", words) for field, words in check_schedule(schedule))


def _json_fields(fields: tuple[JsonField, ...]) -> Iterator[Mistake]:
    if len(fields) > MOST_FIELDS:
        yield Mistake(
            "event.fields",
            _(
                "there are %(len)s JSON fields; %(most_fields)s are the most there may be",
                len=len(fields),
                most_fields=MOST_FIELDS,
            ),
        )
    seen = Counter(field.name.casefold() for field in fields)
    for number, field in enumerate(fields[:MOST_FIELDS]):
        path = f"event.fields[{number}]"
        if not field.name.strip() or len(field.name) > LONGEST_NAME or set(field.name) & set("{}?\r\n"):
            yield Mistake(
                f"{path}.name",
                _(
                    "a JSON field's name has 1 to %(longest_name)s characters, without braces or “?”",
                    longest_name=LONGEST_NAME,
                ),
            )
        elif seen[field.name.casefold()] > 1:
            yield Mistake(
                f"{path}.name",
                _(
                    "more than one JSON field is called “%(field_name)s”; upper and lower case are alike",
                    field_name=field.name,
                ),
            )
        try:
            compile_path(field.path)
        except InvalidPath as error:
            yield Mistake(f"{path}.path", str(error))


def _survey_response(event: SurveyResponse, known: Known) -> Iterator[Mistake]:
    if event.account is not None:
        yield from _account("event.account", "qualtrics-account", event.account, known)
    elif event.survey not in known.surveys:
        yield Mistake("event.survey", _("there is no survey “%(survey)s”", survey=event.survey))
    if not event.kinds:
        yield Mistake(
            "event.kinds", _("no kind of response is ticked, so that nothing would start; tick “created”")
        )


def _account(path: str, wanted: str, account: str, known: Known) -> Iterator[Mistake]:
    kind, words = ACCOUNT_KINDS[wanted][0], translated(ACCOUNT_KINDS[wanted][1])
    found = known.accounts.get(account)
    if found is None:
        yield Mistake(path, _("there is no connected %(words)s “%(account)s”", words=words, account=account))
    elif found != kind:
        yield Mistake(
            path, _("“%(account)s” is no %(words)s; choose one that is", account=account, words=words)
        )


def _conditions(prefix: str, group: Group, names: Names) -> Iterator[Mistake]:
    yield from (Mistake(prefix + place, words) for place, words in check_conditions(group))
    for place, comparison in comparisons(group):
        texts = {"field": comparison.field, "value": comparison.value}
        texts |= {f"values[{number}]": value for number, value in enumerate(comparison.values)}
        for part, text in texts.items():
            yield from _text(f"{prefix}{place}.{part}", text, "text", names)


def _task(
    task: Task, path: str, task_type: AnyTaskType | None, names: Names, known: Known
) -> Iterator[Mistake]:
    if task_type is None:
        yield Mistake(f"{path}.type", _("no task type “%(type)s” is installed here", type=task.type))
        return
    model, saved, below = task_type.configuration, task.configuration, f"{path}.configuration"
    for misfit in misfits(model, saved):
        yield Mistake(f"{below}.{misfit.path}" if misfit.path else below, misfit.words)
    for where, kind, named in saved_references(model, saved):
        yield from _reference(f"{below}.{where}", kind, named, known)
    of_invitation = invitation_names(names, embedded_data_names(model, saved))
    for text in saved_texts(model, saved):
        its_names = of_invitation if text.piped.of == "invitation" else names
        yield from _text(f"{below}.{text.path}", text.text, text.place, its_names)


def _reference(path: str, kind: str, named: str, known: Known) -> Iterator[Mistake]:
    if kind in ACCOUNT_KINDS:
        yield from _account(path, kind, named, known)
    elif kind == "survey" and named not in known.surveys:
        yield Mistake(path, _("there is no survey “%(named)s”", named=named))
    elif kind == "mailing-list" and named not in known.mailing_lists:
        yield Mistake(path, _("there is no mailing list “%(named)s”", named=named))


def _text(path: str, text: str, place: Place, names: Names) -> Iterator[Mistake]:
    if len(text) > LONGEST_TEXT:
        yield Mistake(
            path,
            _(
                "the text has %(len)s characters; %(longest_text)s are the most there may be",
                len=len(text),
                longest_text=LONGEST_TEXT,
            ),
        )
        return
    unknown = (problem(names, piece) for piece in parse(text) if isinstance(piece, Pipe))
    yield from (Mistake(path, words) for words in dict.fromkeys(unknown) if words is not None)
    for found in malformed(text):
        meant = meant_by(names, found.name) if found.name is not None else None
        if meant is not None:
            yield Mistake(
                path, _("“%(text)s” would be shown as it is; write %(meant)s", text=found.text, meant=meant)
            )
        elif found.name is None:
            yield Mistake(path, found.words)
    unfit = author_mistake(text, place)
    if unfit is not None:
        yield Mistake(path, unfit)
