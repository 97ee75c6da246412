"""What the editor's page shows of a draft: a card for the event and for each Task, with its form and its mistakes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from afterword.admin.workflows.conditions import ConditionGroup, condition_words, show_conditions
from afterword.admin.workflows.controls import Control, Offers, Tree, rest_of, said_in, show_group
from afterword.admin.workflows.draft import Draft, Forms, TaskTypes
from afterword.admin.workflows.events import event_fields, event_sentence, next_times
from afterword.admin.workflows.fields import Field
from afterword.admin.workflows.values import as_json
from afterword.pages.wording import anchor, sentence
from afterword.tasks.contract import Repetition, repetition_of
from afterword.tasks.describing import summary_of
from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.definitions import Event
from afterword.workflows.saving.checking import Mistake

EVENTS: Mapping[str, str] = {
    "gladly-conversation-closed": N_("Gladly conversation closed"),
    "json-event": N_("JSON Event"),
    "survey-response": N_("Survey Response"),
    "schedule": N_("Schedule"),
}
OF_VALUES = re.compile(r"(conditions\[[0-9]+\])\.values(?:\[[0-9]+\])?$")
"""The values of *is one of* are lines of one field."""
PIPE_FIRST = re.compile(r"[a-z]+://")
"""Words that begin with a piped text begin with no capital."""
RAW = Field(
    name="configuration",
    title=N_("Configuration"),
    kind="json",
    help=N_("This task type is not installed here; what it was told is kept as it is."),
)


class EventCard(msgspec.Struct, frozen=True, kw_only=True):
    """The event: what it says in a sentence, and its fields."""

    type: str
    title: str
    sentence: str
    condition_words: tuple[str, ...]
    next_times: tuple[datetime, ...]
    controls: tuple[Control, ...]
    said: str
    conditions: ConditionGroup
    endpoint: str = ""
    facts: tuple[tuple[str, str], ...] = ()


class TaskCard(msgspec.Struct, frozen=True, kw_only=True):
    """A Task: what it does in a sentence, what it names, and its fields. ``names`` are lists of Piped Text."""

    path: str
    id: str
    type: str
    title: str
    label: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    condition_words: tuple[str, ...]
    controls: tuple[Control, ...]
    said: str
    rest: str
    conditions: ConditionGroup
    on_failure: str
    after_unknown: str
    asks_after_unknown: bool
    is_installed: bool
    configuration: Tree
    names: Mapping[str, str]


class Told(msgspec.Struct, frozen=True):
    """A mistake as the summary above the form tells it, with the field to go to."""

    anchor: str
    where: str
    words: str


class Mistakes(msgspec.Struct, frozen=True):
    """Mistakes at their fields: by path, which are the parts to open, and where the first is."""

    by_path: Mapping[str, Sequence[str]]
    opened: frozenset[str]
    first: str
    summary: Sequence[Told]


def event_card(event: Event, tree: Tree, conditions: Tree | None, offers: Offers) -> EventCard:
    """The card of the event; ``tree`` is what the draft says of it."""
    fields = event_fields(event)
    return EventCard(
        type=tree["type"],
        title=EVENTS[tree["type"]],
        sentence=event_sentence(event, {**offers["gladly-account"], **offers["survey"]}),
        condition_words=_condition_words(conditions),
        next_times=tuple(next_times(event)),
        controls=show_group(fields, tree, "event", offers),
        said=said_in(fields, tree),
        conditions=show_conditions(conditions, "conditions"),
        endpoint=tree.get("endpoint", ""),
    )


def task_cards(draft: Draft, forms: Forms, task_types: TaskTypes, offers: Offers) -> tuple[TaskCard, ...]:
    """A card for each Task, in order."""
    return tuple(
        _task_card(task, f"tasks[{number}]", forms, task_types, offers)
        for number, task in enumerate(draft.tree["tasks"])
    )


def _task_card(task: Tree, path: str, forms: Forms, task_types: TaskTypes, offers: Offers) -> TaskCard:
    configuration, below = task["configuration"], f"{path}.configuration"
    fields = forms.of(task["type"])
    task_type = task_types.get(task["type"])
    if fields is None:
        controls: tuple[Control, ...] = (
            Control(path=below, field=RAW, text=as_json(configuration), is_json=True),
        )
    else:
        controls = show_group(fields, configuration, below, offers)
    asks = task_type is not None and repetition_of(task_type, configuration) is Repetition.NEITHER
    number = path.partition("[")[2].rstrip("]")
    return TaskCard(
        path=path,
        id=task["id"],
        type=task["type"],
        title=translated(task["label"] or forms.label(task["type"])),
        label=task["label"],
        sentence=_("No task type “%(name)s” is installed here.", name=task["type"])
        if task_type is None
        else translated(summary_of(task_type)),
        facts=tuple(_facts(fields or (), configuration, offers)),
        condition_words=_condition_words(task["conditions"]),
        controls=_with_otherwise(controls, task_types, task),
        said=said_in(fields or (), configuration),
        rest=rest_of(fields, configuration) if fields is not None else "",
        conditions=show_conditions(task["conditions"], f"{path}.conditions"),
        on_failure=task["on_failure"],
        after_unknown=task["after_unknown_outcome"] or "",
        asks_after_unknown=asks,
        is_installed=fields is not None,
        configuration=configuration,
        names={"run": f"names-{number}-run", "invitation": f"names-{number}-invitation"},
    )


def _condition_words(conditions: Tree | None) -> tuple[str, ...]:
    return () if conditions is None else tuple(condition_words(conditions))


def _facts(fields: Sequence[Field], configuration: Tree, offers: Offers) -> Iterable[tuple[str, str]]:
    """What a Task names, by the names that people know."""
    for field in fields:
        value = configuration.get(field.name)
        if field.offers and isinstance(value, str) and value:
            yield field.title, offers.get(field.offers, {}).get(value, value)


def _with_otherwise(controls: tuple[Control, ...], task_types: TaskTypes, task: Tree) -> tuple[Control, ...]:
    """What a field that is left empty stands for, where the model makes something of it, as by a preset."""
    task_type = task_types.get(task["type"])
    if task_type is None or not any(control.field.may_be_none for control in controls):
        return controls
    try:
        made: Any = msgspec.convert(task["configuration"], task_type.configuration)
    except msgspec.ValidationError:
        return controls
    values = msgspec.to_builtins(made)
    return tuple(
        msgspec.structs.replace(control, otherwise=str(values[control.field.name]))
        if control.field.may_be_none and not control.text and values.get(control.field.name)
        else control
        for control in controls
    )


def place(mistakes: Sequence[Mistake], cards: Sequence[TaskCard], event: EventCard) -> Mistakes:
    """Put each mistake where it can be seen: at its own field, or else at the nearest part that it is within."""
    titles = dict(_titles(cards, event))
    instead = dict(_instead(cards))
    order = {path: number for number, path in enumerate(titles, 1)}
    by_path: dict[str, list[str]] = {}
    summary = []
    placed = [(_nearest(OF_VALUES.sub(r"\1.value", mistake.path), titles), mistake) for mistake in mistakes]
    for path, mistake in sorted(placed, key=lambda one: order.get(one[0], 0)):
        words = by_path.setdefault(path, [])
        told = instead.get(mistake.path, mistake.words)
        told = told if PIPE_FIRST.match(told) else sentence(told)
        if told not in words:
            words.append(told)
            summary.append(
                Told(
                    anchor(path.removesuffix(".type").removesuffix(".id")),
                    titles.get(path, ""),
                    told,
                )
            )
    opened = {above for path in by_path for above in parts_above(path)}
    return Mistakes(by_path, frozenset(opened), next(iter(by_path), ""), summary)


def _nearest(path: str, titles: Mapping[str, str]) -> str:
    return next((above for above in parts_above(path) if above in titles), "")


def parts_above(path: str) -> Iterable[str]:
    """The path and everything that it is within, the nearest first."""
    while path:
        yield path
        end = max(path.rfind("."), path.rfind("["))
        path = path[:end] if end > 0 else ""


def _titles(cards: Sequence[TaskCard], event: EventCard) -> Iterable[tuple[str, str]]:
    yield from _control_titles(event.controls, _("Event"))
    yield "event", _("Event")
    yield from _condition_titles(event.conditions, _("Conditions of the Workflow"))
    for card in cards:
        yield card.path, card.title
        for part in ("type", "id", "label", "configuration"):
            yield f"{card.path}.{part}", card.title
        yield from _control_titles(card.controls, card.title)
        yield from _condition_titles(card.conditions, _("Conditions of %(task)s", task=card.title))


def _control_titles(controls: Sequence[Control], above: str) -> Iterable[tuple[str, str]]:
    for control in controls:
        title = f"{above}, {translated(control.field.title)}"
        yield control.path, title
        yield from _control_titles(control.controls, title)
        for number, row in enumerate(control.rows, 1):
            yield row.path, f"{title} {number}"
            yield from _control_titles(row.controls, f"{title} {number}")


def _instead(cards: Sequence[TaskCard]) -> Iterable[tuple[str, str]]:
    """What fields say themselves of what they cannot be, by path; it ends like other words of mistakes."""
    for card in cards:
        yield from _instead_of(card.controls)


def _instead_of(controls: Sequence[Control]) -> Iterable[tuple[str, str]]:
    for control in controls:
        if control.field.wrong:
            yield control.path, translated(control.field.wrong).removesuffix(".")
        yield from _instead_of(control.controls)
        for row in control.rows:
            yield from _instead_of(row.controls)


def _condition_titles(group: ConditionGroup, above: str) -> Iterable[tuple[str, str]]:
    yield group.path, above
    for number, row in enumerate(group.rows, 1):
        title = f"{above}, {number}"
        yield row.path, title
        if row.group is not None:
            yield from _condition_titles(row.group, title)
        elif not row.kept:
            names = {
                "field": _("Field"),
                "operator": _("Operator"),
                "value": _("Value"),
                "type": _("Compared as"),
            }
            yield from ((f"{row.path}.{name}", f"{title}, {words}") for name, words in names.items())
