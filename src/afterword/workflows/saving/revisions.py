"""Two revisions of a workflow held side by side: what was added, removed, changed or moved, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

import msgspec

from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition

Change = Literal["added", "removed", "changed", "moved"]
NAMING_KEYS = ("id", "name", "field")
"""What tells the elements of a list apart: tasks have an id, JSON fields a name, embedded data a field."""
LONGEST_SHOWN = 2000
NO_TITLES: Mapping[str, str] = {}
WORDS = frozenset(
    {
        N_("event"),
        N_("account"),
        N_("endpoint"),
        N_("fields"),
        N_("survey"),
        N_("kinds"),
        N_("cron"),
        N_("time zone"),
        N_("type"),
        N_("name"),
        N_("path"),
        N_("conditions"),
        N_("is"),
        N_("join"),
        N_("field"),
        N_("operator"),
        N_("value"),
        N_("values"),
        N_("tasks"),
        N_("id"),
        N_("label"),
        N_("configuration"),
        N_("on failure"),
        N_("after unknown outcome"),
        N_("brakes"),
        N_("in test"),
        N_("allowed"),
        N_("invitations per hour"),
    }
)
"""What the fields of a definition are called, here to be translated."""


class Difference(msgspec.Struct, frozen=True):
    """One difference: where, as a path (``tasks[T-1].configuration.subject``) and in words, and both values.

    ``before`` and ``after`` are texts or JSON; ``None`` where there was or is nothing.
    """

    path: str
    where: str
    change: Change
    before: str | None
    after: str | None


class _Place(msgspec.Struct, frozen=True):
    titles: Mapping[str, str] = NO_TITLES
    path: str = ""
    words: tuple[str, ...] = ()

    def field(self, name: str) -> "_Place":
        path = f"{self.path}.{name}" if self.path else name
        title = self.titles.get(name) if ".configuration" in self.path else None
        words = translated(title or name.replace("_", " "))
        return _Place(self.titles, path, (*self.words, words))

    def element(self, key: str | int, words: str) -> "_Place":
        return _Place(self.titles, f"{self.path}[{key}]", (*self.words[:-1], words))

    def told(self, change: Change, before: object, after: object) -> Difference:
        return Difference(self.path, ", ".join(self.words), change, _shown(before), _shown(after))


def compare(before: Definition, after: Definition, titles: Mapping[str, str] = NO_TITLES) -> list[Difference]:
    """What ``after`` says differently, in the order in which it stands there; empty when they say the same.

    ``titles`` are what forms call the fields of configurations, by name.
    """
    return list(_differences(_Place(titles), msgspec.to_builtins(before), msgspec.to_builtins(after)))


def compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The same for any two things that are JSON."""
    return list(_differences(_Place(), before, after))


def _differences(place: _Place, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if before is None:
        yield place.told("added", None, after)
    elif after is None:
        yield place.told("removed", before, None)
    elif isinstance(before, Mapping) and isinstance(after, Mapping) and _are_alike(before, after):
        for name in {**after, **before}:
            yield from _differences(place.field(name), before.get(name), after.get(name))
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _lists(place, before, after)
    else:
        yield place.told("changed", before, after)


def _are_alike(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether they are of one kind, to be compared field by field: two events are not if their types differ."""
    return all(before.get(tag) == after.get(tag) for tag in ("type", "is"))


def _lists(place: _Place, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    naming = next((key for key in NAMING_KEYS if _names(key, before) and _names(key, after)), None)
    if naming is None:
        yield from _unnamed(place, before, after)
    else:
        yield from _named(
            place, {item[naming]: item for item in before}, {item[naming]: item for item in after}
        )


def _names(key: str, items: Sequence[Any]) -> bool:
    """Whether each element has a name of its own by this key; conditions have none, they stand where they stand."""
    if not all(isinstance(item, Mapping) and "is" not in item for item in items):
        return False
    names = {name for item in items if isinstance(name := item.get(key), str)}
    return len(names) == len(items)


def _named(place: _Place, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    stayed = [name for name in before if name in after], [name for name in after if name in before]
    if stayed[0] != stayed[1]:
        yield place.told("moved", ", ".join(stayed[0]), ", ".join(stayed[1]))
    for name in {**after, **before}:
        item = after.get(name) or before[name]
        yield from _differences(
            place.element(name, _called(place, item, name)), before.get(name), after.get(name)
        )


def _called(place: _Place, item: Mapping[str, Any], name: str) -> str:
    if place.path == "tasks":
        called = translated(str(item.get("label") or item.get("type")))
        return _("task “%(task)s” (%(id)s)", task=called, id=name)
    return f"{place.words[-1]} “{name}”"


def _unnamed(place: _Place, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    """Elements that stayed are found by what they are; those between them are compared one by one."""
    old_texts, new_texts = (
        [msgspec.json.encode(item).decode() for item in items] for items in (before, after)
    )
    for tag, begin, end, begins, ends in SequenceMatcher(
        None, old_texts, new_texts, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        for number, (old, new) in enumerate(zip_longest(before[begin:end], after[begins:ends])):
            index = begins + number if new is not None else begin + number
            yield from _differences(place.element(index, f"{place.words[-1]} {index + 1}"), old, new)


def _shown(value: object) -> str | None:
    if value is None:
        return None
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…"
