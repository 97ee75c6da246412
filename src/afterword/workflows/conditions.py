"""Conditions: groups of comparisons, all or any of which have to hold."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Operator = Literal[
    "equals",
    "does not equal",
    "is one of",
    "is not one of",
    "contains",
    "does not contain",
    "matches",
    "does not match",
    "is greater than",
    "is not greater than",
    "is less than",
    "is not less than",
    "is empty",
    "is not empty",
]
ValueType = Literal["text", "number", "date"]


class Comparison(msgspec.Struct, frozen=True, tag="comparison", tag_field="is"):
    """A value held against another.

    ``field`` is piped text, such as ``~{aedj://inboxId}``; so is ``value``. ``values`` is for *is one of*. Both sides
    are read as ``type`` says.
    """

    field: Annotated[str, Meta(min_length=1, max_length=1000)]
    operator: Operator
    value: Annotated[str, Meta(max_length=10_000)] = ""
    values: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()
    type: ValueType = "text"


class Group(msgspec.Struct, frozen=True, tag="group", tag_field="is"):
    """Conditions of which *all* or *any* have to hold; groups may stand in groups."""

    join: Literal["all", "any"]
    conditions: "tuple[Comparison | Group, ...]"


class Compared(msgspec.Struct, frozen=True):
    """How one comparison came out, with the values that decided it."""

    field: str
    operator: Operator
    found: str
    wanted: tuple[str, ...]
    holds: bool
    problem: str = ""
    """Why the values could not be compared, as when a number was wanted; such a comparison does not hold."""


class Evaluation(msgspec.Struct, frozen=True):
    """How conditions came out: the whole, and every comparison that was looked at, in order."""

    holds: bool
    compared: tuple[Compared, ...]
