"""A Workflow as it is being edited: read from the form, changed by its buttons, and checked.

A draft is what the form says, complete or not, as a tree of plain values: a definition that may not be one yet. It is
nowhere but in the form, so that nothing of it is saved before somebody saves it.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from afterword.admin.workflows.conditions import NEW, read_conditions
from afterword.admin.workflows.controls import Reading, Tree, read_group
from afterword.admin.workflows.events import read_event
from afterword.admin.workflows.fields import Field, fields_of
from afterword.admin.workflows.values import NotJson, Typed, read_json
from afterword.tasks.contract import AnyTaskType
from afterword.tasks.describing import configuration_schema
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition
from afterword.workflows.saving.checking import MOST_TASKS, Mistake
from afterword.workflows.saving.saved import plainly

LONGEST_LABEL = 200
STEP = re.compile(r"([a-z_A-Z][^.\[\]]*)|\[([0-9]{1,4})\]")
PATH = re.compile(r"(event|conditions|tasks)(\.[a-z_A-Z][^.\[\]]*|\[[0-9]{1,4}\])*")
TASK_NUMBER = re.compile(r"T-([0-9]{1,6})")
WHERE = re.compile(r" - at `\$\.?(.*)`$")

TaskTypes = Mapping[str, AnyTaskType]


class Forms:
    """The fields of each task type's form, made when they are first asked for."""

    def __init__(self, task_types: TaskTypes) -> None:
        self._task_types = task_types
        self._known: dict[str, tuple[Field, ...]] = {}

    def of(self, name: str) -> tuple[Field, ...] | None:
        """The fields of a task type; ``None`` for one that is not installed."""
        if name not in self._task_types:
            return None
        if name not in self._known:
            self._known[name] = fields_of(configuration_schema(self._task_types[name].configuration))
        return self._known[name]

    @functools.cached_property
    def titles(self) -> Mapping[str, str]:
        """What the fields of all task types are called, by name."""
        return {one.name: one.title for name in self._task_types for one in _with_inner(self.of(name) or ())}

    def label(self, name: str) -> str:
        """What people call a task type."""
        return self._task_types[name].label if name in self._task_types else name


def _with_inner(fields: Sequence[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from _with_inner(field.fields)


class Draft(msgspec.Struct, frozen=True):
    """What a form says; ``mistakes`` are those of the form itself: what could not be read."""

    tree: Tree
    mistakes: tuple[Mistake, ...] = ()


def draft_of(definition: Definition) -> Draft:
    """A definition as a draft."""
    return Draft(msgspec.json.decode(msgspec.json.encode(definition)))


def read_draft(typed: Typed, base: Definition, forms: Forms, *, drops_blank: bool = False) -> Draft:
    """What was typed. What has no field in the form (the kind of event, its endpoint, brakes) is ``base``'s.

    ``drops_blank``: rows in which nothing was filled in are left out, as on saving.
    """
    tree = draft_of(base).tree
    reading = Reading(typed=typed, mistakes=[], drops_blank=drops_blank)
    if typed.text("event.type") == tree["event"]["type"]:
        tree["event"] |= read_event(base.event, reading)
    tree["conditions"] = read_conditions(typed, "conditions", reading.mistakes, drops_blank=drops_blank)
    tree["tasks"] = [_read_task(reading, f"tasks[{number}]", forms) for number in range(typed.count("tasks"))]
    return Draft(tree, tuple(reading.mistakes))


def _read_task(reading: Reading, path: str, forms: Forms) -> Tree:
    typed = reading.typed
    fields, below = forms.of(typed.text(f"{path}.type")), f"{path}.configuration"
    if fields is None or typed.has(f"json:{below}"):
        configuration = read_json(below, typed.text(below), reading.mistakes)
        if not isinstance(configuration, dict | NotJson | UnsetType):
            reading.mistakes.append(Mistake(below, _("a group of fields is expected here, as {…}")))
            configuration = NotJson(typed.text(below))
    else:
        configuration = read_group(fields, reading, below)
    conditions = read_conditions(
        typed, f"{path}.conditions", reading.mistakes, drops_blank=reading.drops_blank
    )
    return {
        "id": typed.text(f"{path}.id"),
        "type": typed.text(f"{path}.type"),
        "label": typed.text(f"{path}.label"),
        "configuration": {} if configuration is UNSET else configuration,
        "conditions": conditions,
        "on_failure": typed.text(f"{path}.on_failure") or "continue",
        "after_unknown_outcome": typed.text(f"{path}.after_unknown_outcome") or None,
    }


def definition_of(draft: Draft) -> tuple[Definition | None, list[Mistake]]:
    """The draft as a definition, with what is wrong with it so far; ``None`` when it is none.

    A definition may still have mistakes: ``checking.py`` finds them.
    """
    mistakes = list(draft.mistakes)
    for number, task in enumerate(draft.tree["tasks"]):
        if len(task["label"]) > LONGEST_LABEL:
            words = _(
                "keep it to %(most)s characters; it has %(length)s",
                most=LONGEST_LABEL,
                length=len(task["label"]),
            )
            mistakes.append(Mistake(f"tasks[{number}].label", words))
    try:
        return msgspec.convert(_convertible(draft.tree), Definition), mistakes
    except msgspec.ValidationError as error:
        where = WHERE.search(str(error))
        path = (where[1] if where else "").replace("conditions.conditions[", "conditions[")
        if not any(mistake.path == path for mistake in mistakes):
            mistakes.append(Mistake(path, plainly(str(error).partition(" - at `")[0])))
        return None, mistakes


def _convertible(value: Any) -> Any:
    """A comparison whose field is still empty is no comparison; with a space it is one, and a mistake that is told."""
    if isinstance(value, list):
        return [_convertible(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _convertible(one) for name, one in value.items()}
    return changed | {"field": " "} if changed.get("is") == "comparison" and not changed["field"] else changed


class NoSuchPlace(ValueError):
    """A button names a place that the draft does not have."""


def change(draft: Draft, what: str, path: str, forms: Forms) -> str:
    """Do to a draft what a button says; answers the place to go on at.

    Raises:
        NoSuchPlace: the draft does not have it, as when a form was made up.
    """
    match what:
        case "add-row":
            return _add_row(draft, path)
        case "add-pair":
            return _add_pair(draft, path)
        case "add-condition" | "add-group":
            return _add_condition(draft, path, as_group=what == "add-group")
        case "remove":
            return _remove(draft, path)
        case "up" | "down":
            return _move(draft, path, -1 if what == "up" else 1)
        case "add-task":
            return _add_task(draft, path, forms)
        case _:
            raise NoSuchPlace(what)


def put(draft: Draft, path: str, value: object) -> None:
    """Put a value where a field of the draft is.

    Raises:
        NoSuchPlace: the draft does not have it.
    """
    *above, name = _steps(path)
    _at_or_made(draft, above)[str(name)] = value


def _steps(path: str) -> list[str | int]:
    """The way to a place in the tree. A list of conditions stands in its group, which paths leave out."""
    if not PATH.fullmatch(path):
        raise NoSuchPlace(path)
    steps: list[str | int] = []
    for name, number in STEP.findall(path):
        steps.append(int(number) if number else name)
    if "conditions" in steps and "configuration" not in steps:
        index = steps.index("conditions")
        return [*steps[:index], "conditions", *steps[index:]]
    return steps


def _at(draft: Draft, steps: list[str | int]) -> Any:
    found: Any = draft.tree
    for step in steps:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            raise NoSuchPlace(str(steps)) from None
    return found


def _add_row(draft: Draft, path: str) -> str:
    *above, name = _steps(path)
    rows = _at_or_made(draft, above).setdefault(str(name), [])
    if not isinstance(rows, list):
        raise NoSuchPlace(path)
    rows.append({"name": "", "path": ""} if path == "event.fields" else {})
    return f"{path}[{len(rows) - 1}]"


def _add_pair(draft: Draft, path: str) -> str:
    *above, name = _steps(path)
    pairs = _at_or_made(draft, above).setdefault(str(name), {})
    if isinstance(pairs, dict):
        pairs.setdefault("", "")
    elif isinstance(pairs, list):
        pairs.append(["", ""])
    else:
        raise NoSuchPlace(path)
    return f"{path}[{len(pairs) - 1}]"


def _at_or_made(draft: Draft, steps: list[str | int]) -> Tree:
    """The group at a place; one that is not said yet is made."""
    found: Any = draft.tree
    for step in steps:
        if isinstance(found, dict) and isinstance(step, str):
            found = found.setdefault(step, {})
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            raise NoSuchPlace(str(steps))
    if not isinstance(found, dict):
        raise NoSuchPlace(str(steps))
    return found


def _add_condition(draft: Draft, path: str, *, as_group: bool) -> str:
    steps = _steps(path)
    if steps[-2:] == ["conditions", "conditions"]:
        holder = _at(draft, steps[:-2])
        if not isinstance(holder, dict):
            raise NoSuchPlace(path)
        if holder.get("conditions") is None:
            holder["conditions"] = {"is": "group", "join": "all", "conditions": []}
    conditions = _at(draft, steps)
    if not isinstance(conditions, list):
        raise NoSuchPlace(path)
    row = msgspec.json.decode(msgspec.json.encode(NEW))
    conditions.append({"is": "group", "join": "any", "conditions": [row]} if as_group else row)
    return f"{path}[{len(conditions) - 1}]"


def _remove(draft: Draft, path: str) -> str:
    *above, number = _steps(path)
    found = _at(draft, above)
    if not isinstance(number, int) or not isinstance(found, list | dict) or number >= len(found):
        raise NoSuchPlace(path)
    if isinstance(found, dict):
        del found[list(found)[number]]
    else:
        del found[number]
    if above[-2:] == ["conditions", "conditions"] and not found:
        _at(draft, above[:-2])["conditions"] = None
    return path.rpartition("[")[0]


def _move(draft: Draft, path: str, by: int) -> str:
    *above, number = _steps(path)
    found = _at(draft, above)
    if not isinstance(number, int) or not 0 <= number < len(found):
        raise NoSuchPlace(path)
    other = min(max(number + by, 0), len(found) - 1)
    found[number], found[other] = found[other], found[number]
    return f"{path.rpartition('[')[0]}[{other}]"


def _add_task(draft: Draft, task_type: str, forms: Forms) -> str:
    tasks = draft.tree["tasks"]
    if forms.of(task_type) is None or len(tasks) >= MOST_TASKS:
        raise NoSuchPlace(task_type)
    numbers = [int(found[1]) for task in tasks if (found := TASK_NUMBER.fullmatch(task["id"]))]
    tasks.append(
        {
            "id": f"T-{max(numbers, default=0) + 1}",
            "type": task_type,
            "label": forms.label(task_type),
            "configuration": {},
            "conditions": None,
            "on_failure": "continue",
            "after_unknown_outcome": None,
        }
    )
    return f"tasks[{len(tasks) - 1}]"
