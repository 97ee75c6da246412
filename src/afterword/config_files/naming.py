"""What files call things by: their names, where a name is one thing's alone, else their ids."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

ReferenceKind = str
REFERENCES: frozenset[ReferenceKind] = frozenset(
    {"gladly-account", "qualtrics-account", "web-service-account", "mailing-list", "survey"}
)
"""The ``format`` of a configuration field that refers to something."""


class Named(msgspec.Struct, frozen=True):
    """Something that can be referred to."""

    kind: ReferenceKind
    id: str
    name: str


class UnknownReference(LookupError):
    """There is nothing of this name or id; the message says what to do."""


class Names:
    """Names and ids of all that can be referred to."""

    def __init__(self, things: Iterable[Named]) -> None:
        self.things = tuple(things)
        self._counts = Counter((thing.kind, thing.name) for thing in self.things)

    def name_of(self, kind: ReferenceKind, thing_id: str) -> str:
        """What a file calls it by; what is not known is called by its id."""
        found = next((thing for thing in self.things if (thing.kind, thing.id) == (kind, thing_id)), None)
        return thing_id if found is None or self._counts[kind, found.name] > 1 else found.name

    def id_of(self, kind: ReferenceKind, called: str) -> str:
        """The id of what a file calls so.

        Raises:
            UnknownReference: nothing is called so, or several things are.
        """
        of_kind = [thing for thing in self.things if thing.kind == kind]
        if any(thing.id == called for thing in of_kind):
            return called
        found = [thing.id for thing in of_kind if thing.name == called]
        if len(found) == 1:
            return found[0]
        words = kind.replace("-", " ")
        if found:
            raise UnknownReference(
                f"several have the name {called!r} ({words}); name one by its id: {', '.join(found)}"
            )
        there = ", ".join(sorted(thing.name for thing in of_kind)[:5]) or "none"
        raise UnknownReference(f"there is no {words} {called!r}; there is: {there}")


def replaced(value: Any, changes: Mapping[str, str], path: str = "") -> Any:
    """The value with what stands at these paths (``embedded_data[0].value``) replaced."""
    if path in changes:
        return changes[path]
    if isinstance(value, Mapping):
        return {
            key: replaced(item, changes, f"{path}.{key}" if path else str(key)) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [replaced(item, changes, f"{path}[{number}]") for number, item in enumerate(value)]
    return value
