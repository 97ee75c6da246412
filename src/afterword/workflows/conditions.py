"""Conditions: groups of comparisons, all or any of which have to hold."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from afterword.piped_text import Pipe, Source, UnknownPipe, as_is, parse, render
from afterword.translating import gettext as _
from afterword.translating import translated
from afterword.workflows.comparing import (
    NEGATIONS,
    NotComparable,
    Operator,
    ValueType,
    compare,
    escape_for_pattern,
    misfit,
    pattern,
    read_date,
    read_number,
    shortened,
)

DEEPEST = 10
"""Groups within groups."""
MOST_COMPARISONS = 100
LONGEST_SHOWN = 500
"""Characters of a value that are kept of it in an evaluation."""


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
    """How one comparison came out, with the values that decided it (long ones are cut, and end in ``…``).

    ``place`` is where it stands: ``conditions[1].conditions[0]``.
    """

    field: str
    operator: Operator
    found: str
    wanted: tuple[str, ...]
    holds: bool
    problem: str = ""
    """Why the values could not be compared, as when a number was wanted; such a comparison does not hold."""
    place: str = ""


class Evaluation(msgspec.Struct, frozen=True):
    """How conditions came out: the whole, and every comparison, in order."""

    holds: bool
    compared: tuple[Compared, ...]


def evaluate(group: Group, sources: tuple[Source, ...]) -> Evaluation:
    """Hold values against conditions. Every comparison is made, whatever those before it say, so that all are told.

    Of no conditions *all* hold, and *any* does not. A comparison that cannot be made does not hold, and neither does
    its negation: ``problem`` tells why. No input raises.
    """
    compared: list[Compared] = []
    return Evaluation(_group_holds(group, sources, "", 1, compared), tuple(compared))


def _group_holds(
    group: Group, sources: tuple[Source, ...], place: str, depth: int, compared: list[Compared]
) -> bool:
    if depth > DEEPEST:
        compared.append(Compared("", "is empty", "", (), holds=False, problem=_too_deep(), place=place))
        return False
    outcomes = []
    for number, condition in enumerate(group.conditions):
        below = _below(place, number)
        if isinstance(condition, Group):
            outcomes.append(_group_holds(condition, sources, below, depth + 1, compared))
        else:
            compared.append(_compared(condition, sources, below))
            outcomes.append(compared[-1].holds)
    return all(outcomes) if group.join == "all" else any(outcomes)


def _too_deep() -> str:
    return _("groups stand in groups at most %(deepest)s deep", deepest=DEEPEST)


def _below(place: str, number: int) -> str:
    return f"{place}.conditions[{number}]" if place else f"conditions[{number}]"


def _compared(comparison: Comparison, sources: tuple[Source, ...], place: str) -> Compared:
    found, wanted, holds, problem = "", _wanted(comparison), False, ""
    try:
        found = render(comparison.field, *sources)
        escape = escape_for_pattern if _takes_pattern(comparison) else as_is
        wanted = tuple(render(value, *sources, escape=escape) for value in wanted)
        holds = compare(comparison.operator, comparison.type, found, wanted)
    except UnknownPipe as error:
        problem = _("this event has nothing that is called %(pipe)s", pipe=error.pipe)
    except NotComparable as error:
        problem = str(error)
    return Compared(
        field=comparison.field,
        operator=comparison.operator,
        found=shortened(found, LONGEST_SHOWN),
        wanted=tuple(shortened(value, LONGEST_SHOWN) for value in wanted[:MOST_COMPARISONS]),
        holds=holds,
        problem=problem,
        place=place,
    )


def _takes_pattern(comparison: Comparison) -> bool:
    return comparison.operator in {"matches", "does not match"}


def _wanted(comparison: Comparison) -> tuple[str, ...]:
    match NEGATIONS.get(comparison.operator, comparison.operator):
        case "is one of":
            return comparison.values
        case "is empty":
            return ()
        case _:
            return (comparison.value,)


def comparisons(group: Group) -> Iterator[tuple[str, Comparison]]:
    """Every comparison with its place (``conditions[1].conditions[0]``), as deep as groups may be."""
    yield from _comparisons(group, "", 1)


def _comparisons(group: Group, place: str, depth: int) -> Iterator[tuple[str, Comparison]]:
    for number, condition in enumerate(group.conditions):
        below = _below(place, number)
        if isinstance(condition, Comparison):
            yield below, condition
        elif depth < DEEPEST:
            yield from _comparisons(condition, below, depth + 1)


def check_conditions(group: Group) -> list[tuple[str, str]]:
    """All that is wrong with conditions, whatever the event: where it stands, and what to do, for saving.

    Whether the names in piped text are known is not looked at: that hangs on the event and the tasks.
    """
    mistakes = list(_group_mistakes(group, "", 1))
    found = list(comparisons(group))
    if len(found) > MOST_COMPARISONS:
        mistakes.append(
            (
                "conditions",
                _(
                    "there are %(len)s comparisons; %(most_comparisons)s are the most there may be",
                    len=len(found),
                    most_comparisons=MOST_COMPARISONS,
                ),
            )
        )
    for place, comparison in found[:MOST_COMPARISONS]:
        mistakes += [(f"{place}.{part}", words) for part, words in _mistakes(comparison)]
    return mistakes


def _group_mistakes(group: Group, place: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        yield place, _too_deep()
        return
    if not group.conditions:
        yield place or "conditions", _("a group needs at least one condition; take the group out, or fill it")
    for number, condition in enumerate(group.conditions):
        if isinstance(condition, Group):
            yield from _group_mistakes(condition, _below(place, number), depth + 1)


def _mistakes(comparison: Comparison) -> Iterator[tuple[str, str]]:
    if not any(isinstance(piece, Pipe) for piece in parse(comparison.field)):
        yield (
            "field",
            _("“%(field)s” names no value; choose one, such as ~{aedj://inboxId}", field=comparison.field),
        )
    if (problem := misfit(comparison.operator, comparison.type)) is not None:
        yield "operator", _("%(problem)s; choose another operator, or another type", problem=problem)
        return
    wanted = _wanted(comparison)
    match NEGATIONS.get(comparison.operator, comparison.operator):
        case "is empty":
            return
        case "is one of":
            if not wanted:
                yield (
                    "values",
                    _("“%(operator)s” needs at least one value", operator=translated(comparison.operator)),
                )
            for number, value in enumerate(wanted):
                if (problem := _value_problem(comparison, value)) is not None:
                    yield f"values[{number}]", problem
        case _:
            if not wanted[0]:
                yield (
                    "value",
                    _(
                        "“%(operator)s” needs a value; for none there is “is empty”",
                        operator=translated(comparison.operator),
                    ),
                )
            elif (problem := _value_problem(comparison, wanted[0])) is not None:
                yield "value", problem


def _value_problem(comparison: Comparison, value: str) -> str | None:
    """Why a value cannot be held against anything; one with piped text is only known when the event is."""
    has_pipes = any(isinstance(piece, Pipe) for piece in parse(value))
    try:
        if _takes_pattern(comparison):
            pattern("".join("x" if isinstance(piece, Pipe) else piece for piece in parse(value)))
        elif has_pipes:
            return None
        elif comparison.type == "number":
            read_number(value)
        elif comparison.type == "date":
            read_date(value)
    except NotComparable as error:
        return str(error)
    return None
