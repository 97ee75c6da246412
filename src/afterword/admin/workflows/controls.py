"""A configuration as a form, and read back from it.

What is read is what was shown: each group carries the names that are said in it, so that what is left out stays left
out (it may mean something else once a default changes), and what no field can show is edited as JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from afterword.admin.workflows.fields import Field
from afterword.admin.workflows.values import NotJson, Typed, as_json, read, read_json, shown
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.saving.checking import Mistake

Tree = dict[str, Any]
Offers = Mapping[str, Mapping[str, str]]
"""What can be chosen, by id, for each kind of thing that a field may name."""

KINDS = frozenset(
    {
        N_("created"),
        N_("updated"),
        N_("preview"),
        N_("test"),
        N_("partial"),
        N_("imported"),
    }
)
"""The kinds of Responses; here to be translated."""

LONGEST_SHOWN = 40
"""Characters of what was typed that a mistake tells."""

PAIR = (
    Field(name="key", title=N_("Name"), kind="text"),
    Field(name="value", title=N_("Value"), kind="text"),
)


class Option(msgspec.Struct, frozen=True):
    """One of the values that a field can have."""

    value: str
    words: str
    is_chosen: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One of a list: its fields, and which of them are said."""

    path: str
    controls: tuple["Control", ...]
    said: str = ""
    rest: str = ""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A field with its value. ``path`` is its name in the form, and where its mistakes are told.

    ``said``: which fields of a group are said. ``rest``, as JSON: what stands in it that it has no field for.
    ``otherwise`` is what stands for it when it is left empty.
    """

    path: str
    field: Field
    text: str = ""
    is_json: bool = False
    is_on: bool = False
    options: tuple[Option, ...] = ()
    rows: tuple[Row, ...] = ()
    controls: tuple["Control", ...] = ()
    said: str = ""
    rest: str = ""
    otherwise: str = ""


def show_group(
    fields: Sequence[Field], values: Mapping[str, object], path: str, offers: Offers
) -> tuple[Control, ...]:
    """The fields of a group with what is said, or else their defaults."""
    return tuple(
        _control(
            field,
            values.get(field.name, _nothing(field) if field.default is UNSET else field.default),
            f"{path}.{field.name}",
            offers,
            is_said=field.name in values,
        )
        for field in fields
    )


def said_in(fields: Sequence[Field], values: Mapping[str, object]) -> str:
    """Which fields are said, as the form carries it."""
    return " ".join(field.name for field in fields if field.name in values)


def rest_of(fields: Sequence[Field], values: Mapping[str, object]) -> str:
    """What there is no field for, as JSON; empty when there is nothing."""
    names = {field.name for field in fields}
    rest = {name: value for name, value in values.items() if name not in names}
    return as_json(rest) if rest else ""


def _nothing(field: Field) -> object:
    match field.kind:
        case "group":
            return None if field.may_be_none else {}
        case "rows" | "choices" | "texts":
            return []
        case "pairs":
            return {}
        case "boolean":
            return False
        case _:
            return None if field.may_be_none or field.kind in {"number", "json"} else ""


def _control(field: Field, value: object, path: str, offers: Offers, *, is_said: bool) -> Control:
    if not isinstance(value, NotJson):
        made = _structured(field, value, path, offers)
        if made is not None:
            return made
        text = shown(field, value) if is_said or value is not None else ""
        if text is not None and field.kind in {"text", "number", "choice", "texts"}:
            return Control(path=path, field=field, text=text, options=_options(field, text, offers))
    return Control(path=path, field=field, text=as_json(value) if is_said else "", is_json=True)


def _structured(field: Field, value: object, path: str, offers: Offers) -> Control | None:  # noqa: PLR0911 - a table
    match field.kind, value:
        case "group", None if field.may_be_none:
            return Control(path=path, field=field, controls=show_group(field.fields, {}, path, offers))
        case "group", dict():
            return Control(
                path=path,
                field=field,
                is_on=True,
                controls=show_group(field.fields, value, path, offers),
                said=said_in(field.fields, value),
                rest=rest_of(field.fields, value),
            )
        case "rows", list() if all(isinstance(one, dict) for one in value):
            return Control(path=path, field=field, rows=_rows(field, value, path, offers))
        case "pairs", dict() if all(isinstance(one, str) for pair in value.items() for one in pair):
            return Control(path=path, field=field, rows=_pair_rows(field, list(value.items()), path))
        case "pairs", list():
            return Control(path=path, field=field, rows=_pair_rows(field, value, path))
        case "boolean", bool():
            return Control(path=path, field=field, is_on=value)
        case "choices", list() if all(isinstance(one, str) for one in value) and len(set(value)) == len(
            value
        ):
            return Control(path=path, field=field, options=_boxes(field, value))
        case _:
            return None


def _rows(field: Field, value: list[Tree], path: str, offers: Offers) -> tuple[Row, ...]:
    return tuple(
        Row(
            path=f"{path}[{number}]",
            controls=show_group(field.fields, one, f"{path}[{number}]", offers),
            said=said_in(field.fields, one),
            rest=rest_of(field.fields, one),
        )
        for number, one in enumerate(value)
    )


def _pair_rows(field: Field, pairs: Sequence[Sequence[str]], path: str) -> tuple[Row, ...]:
    name, value = PAIR[0], msgspec.structs.replace(PAIR[1], piped=field.piped)
    return tuple(
        Row(
            path=f"{path}[{number}]",
            controls=(
                Control(path=f"{path}[{number}].key", field=name, text=pair[0]),
                Control(path=f"{path}[{number}].value", field=value, text=pair[1]),
            ),
        )
        for number, pair in enumerate(pairs)
    )


def _options(field: Field, text: str, offers: Offers) -> tuple[Option, ...]:
    """One that is not to be had any more stays to be seen, as it is what is saved."""
    if field.offers in offers:
        found = offers[field.offers]
        gone = {text: _("%(id)s (not found)", id=text)} if text and text not in found else {}
        nothing = {"": N_("Choose …") if field.is_required else N_("None")}
        return tuple(Option(*one, one[0] == text) for one in {**nothing, **found, **gone}.items())
    if field.kind != "choice":
        return ()
    values = (*([""] if field.may_be_none or not text else []), *field.options)
    others = [text] if text not in values else []
    return tuple(Option(one, field.choice(one), one == text) for one in (*values, *others))


def _boxes(field: Field, chosen: Sequence[str]) -> tuple[Option, ...]:
    """What is ticked comes first and in its order, which may mean something."""
    rest = [one for one in field.options if one not in chosen]
    return tuple(
        Option(one, field.choice(one), number < len(chosen)) for number, one in enumerate([*chosen, *rest])
    )


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A form to be read; what cannot be is added to ``mistakes``.

    ``drops_blank``: rows in which nothing was filled in are left out, as on saving; otherwise each row that was shown
    is there, as when one of them is to be removed.
    """

    typed: Typed
    mistakes: list[Mistake]
    drops_blank: bool = False


def read_group(fields: Sequence[Field], reading: Reading, path: str, *, in_row: bool = False) -> Tree:
    """What a group says: what was said before, and what is not its default now."""
    said = set(reading.typed.text(f"said:{path}").split(" "))
    values: Tree = {}
    for field in fields:
        value = _read(field, reading, f"{path}.{field.name}")
        is_said = field.name in said
        if value is UNSET or _is_missing(field, value, kept=is_said and in_row and not field.offers):
            continue
        if is_said or not _is_default(field, value):
            values[field.name] = value
    rest = reading.typed.text(f"rest:{path}")
    if rest:
        found = read_json(path, rest, reading.mistakes)
        values |= found if isinstance(found, dict) else {}
    return values


def _is_missing(field: Field, value: object, *, kept: bool) -> bool:
    """What is empty where something is required is not said at all, so that it is told to be missing."""
    is_empty = not value.strip() if isinstance(value, str) else value in ([], {})
    return field.is_required and is_empty and not kept


def _is_default(field: Field, value: object) -> bool:
    default = _nothing(field) if field.default is UNSET else field.default
    if field.is_required or (field.kind in {"rows", "pairs"} and value):
        return False
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


def _read(field: Field, reading: Reading, path: str) -> object:  # noqa: PLR0911 - a table
    typed = reading.typed
    if typed.has(f"json:{path}"):
        return read_json(path, typed.text(path), reading.mistakes)
    match field.kind:
        case "group":
            if field.may_be_none and not typed.has(f"on:{path}"):
                return None
            return read_group(field.fields, reading, path)
        case "rows":
            return _read_rows(field, reading, path)
        case "pairs":
            return _read_pairs(reading, path)
        case "boolean":
            return typed.has(path)
        case "choices":
            return typed.all(path)
        case _:
            value = read(field, typed.text(path))
            if field.kind == "number" and isinstance(value, str):
                reading.mistakes.append(Mistake(path, _no_number(field, value[:LONGEST_SHOWN])))
            return value


def _no_number(field: Field, typed: str) -> str:
    if field.is_whole:
        return _("“%(typed)s” is not a whole number; write it as 24", typed=typed)
    return _("“%(typed)s” is not a number; write it as 24", typed=typed)


def _read_rows(field: Field, reading: Reading, path: str) -> list[Tree]:
    rows = [
        read_group(field.fields, reading, f"{path}[{number}]", in_row=True)
        for number in range(reading.typed.count(path))
    ]
    return [row for row in rows if not _is_blank(row)] if reading.drops_blank else rows


def _is_blank(row: Tree) -> bool:
    return all(value in ("", None, [], {}) for value in row.values())


def _read_pairs(reading: Reading, path: str) -> dict[str, str] | list[list[str]]:
    """Names with values; where a name is there twice, all of them, so that none is lost."""
    typed = reading.typed
    pairs = [
        [typed.text(f"{path}[{number}].key"), typed.text(f"{path}[{number}].value")]
        for number in range(typed.count(path))
    ]
    if reading.drops_blank:
        pairs = [pair for pair in pairs if any(pair)]
        for number, pair in enumerate(pairs):
            if not pair[0]:
                reading.mistakes.append(Mistake(f"{path}[{number}].key", _("this is missing")))
    names = [pair[0] for pair in pairs]
    if len(set(names)) == len(names):
        return dict(pairs)
    twice = next(name for name in names if names.count(name) > 1)
    if twice or reading.drops_blank:
        reading.mistakes.append(Mistake(path, _("“%(name)s” is there twice", name=twice)))
    return pairs
