"""A task's configuration as it is saved, field by field: whether it fits its model, and the texts and references in it.

Unlike ``configuration.py``, which stops at what is wrong, this goes on, so that all mistakes are told at once.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Meta

from afterword.pages.wording import number
from afterword.piped_text import Place
from afterword.tasks.contract import EmbeddedDataName, Piped
from afterword.translating import N_, ngettext, retold, translated
from afterword.translating import gettext as _
from afterword.workflows.values.configuration import mark_of, place_of

DEEPEST = 8
"""Levels of models within models."""


class Misfit(msgspec.Struct, frozen=True):
    """A field that does not fit its model: where, and why."""

    path: str
    words: str


class SavedText(msgspec.Struct, frozen=True):
    """A piped text: where it stands (``headers[0].value``), the text, how it is marked, the place it goes to."""

    path: str
    text: str
    piped: Piped
    place: Place


class SavedField(msgspec.Struct, frozen=True):
    """A field of a model with what is saved in it, or its default."""

    path: str
    type: Any
    value: object
    siblings: Mapping[str, object]
    """All fields of the same model, by name."""


_BOUNDS: Mapping[str, str] = {
    ">=": N_("this has to be at least %(number)s"),
    "<=": N_("this has to be at most %(number)s"),
    ">": N_("this has to be more than %(number)s"),
    "<": N_("this has to be less than %(number)s"),
}
_KINDS: Mapping[str, str] = {
    "array": N_("a list"),
    "bool": N_("true or false"),
    "float": N_("a number"),
    "int": N_("a whole number"),
    "object": N_("a group of fields"),
    "str": N_("a text"),
}
_BOUND = re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) ([0-9.e+-]+)")
_LENGTH = re.compile(r"Expected `(str|array|object)` of length (>=|<=) ([0-9]+)")
_KIND = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_PATTERN = re.compile(r"Expected `str` matching regex .*", re.DOTALL)
_CHOICE = re.compile(r"Invalid enum value (.*)", re.DOTALL)
_IN_TICKS = re.compile(r"`([^`]*)`")


def misfits(model: type[msgspec.Struct], saved: object, path: str = "") -> Iterator[Misfit]:
    """Everything that does not fit the model, in the order of its fields; then what does not go together."""
    found = list(_field_misfits(model, saved, path))
    yield from found or _converted(model, saved, path)


def _field_misfits(model: type[msgspec.Struct], saved: object, path: str) -> Iterator[Misfit]:
    if not isinstance(saved, Mapping):
        yield Misfit(path, _("a group of fields is expected here"))
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for name in saved:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1)
            meant = (
                _("there is no such field; did you mean “%(name)s”?", name=near[0])
                if near
                else _("there is no such field")
            )
            yield Misfit(_below(path, name), meant)
    for name, field in fields.items():
        if name in saved:
            yield from _misfits_of(field.type, saved[name], _below(path, name))
        elif field.required:
            yield Misfit(_below(path, name), _("this is missing"))


def _misfits_of(hint: object, value: object, path: str) -> Iterator[Misfit]:
    inner = _model_in(hint)
    if inner is not None and isinstance(value, Mapping):
        yield from misfits(inner, value, path)
    elif inner is not None and isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from misfits(inner, item, f"{path}[{number}]")
    else:
        yield from _converted(hint, value, path)


def _converted(hint: Any, value: object, path: str) -> Iterator[Misfit]:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        words, _at, where = str(error).partition(" - at `$")
        yield Misfit(path + where.rstrip("`"), plainly(words))


def plainly(words: str) -> str:
    """What msgspec says of a value, without the place, for people; what they are not told of stays as it is."""
    if found := _BOUND.fullmatch(words):
        bound = float(found[2])
        return translated(_BOUNDS[found[1]]) % {"number": number(int(bound) if bound.is_integer() else bound)}
    if found := _LENGTH.fullmatch(words):
        return _length(found[1], found[2], int(found[3]))
    if found := _KIND.fullmatch(words):
        return _kind(found[1], found[2])
    if _PATTERN.fullmatch(words):
        return _("this is not written as it has to be; see the example")
    if found := _CHOICE.fullmatch(words):
        choice = _IN_TICKS.sub("", found[1]).strip("'")
        return _("there is no choice “%(choice)s”", choice=choice)
    told = retold(words)
    return told if told != words else _IN_TICKS.sub(r"“\1”", words[:1].lower() + words[1:])


def _length(kind: str, bound: str, length: int) -> str:
    told = {"length": number(length)}
    if kind == "str" and bound == ">=":
        return ngettext(
            "this needs at least %(length)s character",
            "this needs at least %(length)s characters",
            length,
            **told,
        )
    if kind == "str":
        return ngettext(
            "this may have at most %(length)s character",
            "this may have at most %(length)s characters",
            length,
            **told,
        )
    if bound == ">=":
        return ngettext(
            "this needs at least %(length)s entry", "this needs at least %(length)s entries", length, **told
        )
    return ngettext(
        "this may have at most %(length)s entry", "this may have at most %(length)s entries", length, **told
    )


def _kind(wanted: str, got: str) -> str:
    kinds = [translated(_KINDS.get(one, one)) for one in wanted.split(" | ") if one != "null"]
    told = f" {_('or')} ".join(kinds)
    if got in _KINDS:
        return _("%(wanted)s is expected here, not %(got)s", wanted=told, got=translated(_KINDS[got]))
    return _("%(wanted)s is expected here", wanted=told)


def saved_fields(
    model: type[msgspec.Struct], saved: object, path: str = "", depth: int = 0
) -> Iterator[SavedField]:
    """Every field that holds no other model, in order, as far as what is saved can be read."""
    if not isinstance(saved, Mapping) or depth > DEEPEST:
        return
    made = _made(model, saved)
    values = {field.name: _value_of(field, saved, made) for field in msgspec.structs.fields(model)}
    for field in msgspec.structs.fields(model):
        value, below = values[field.name], _below(path, field.encode_name)
        inner = _model_in(field.type)
        if inner is None:
            yield SavedField(below, field.type, value, values)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from saved_fields(inner, item, f"{below}[{number}]", depth + 1)
        else:
            yield from saved_fields(inner, value, below, depth + 1)


def _made(model: type[msgspec.Struct], saved: object) -> msgspec.Struct | None:
    """What the model makes of it, if it can: what is left out may be the model's own choice, as by a preset."""
    try:
        return msgspec.convert(saved, model)
    except msgspec.ValidationError:
        return None


def _value_of(
    field: msgspec.structs.FieldInfo, saved: Mapping[str, object], made: msgspec.Struct | None
) -> object:
    if saved.get(field.encode_name) is not None:
        return saved[field.encode_name]
    if made is not None:
        return msgspec.to_builtins(getattr(made, field.name))
    if field.default is not NODEFAULT:
        return msgspec.to_builtins(field.default)
    return None if field.default_factory is NODEFAULT else msgspec.to_builtins(field.default_factory())


def saved_texts(model: type[msgspec.Struct], saved: object) -> Iterator[SavedText]:
    """Every piped text of a configuration."""
    for field in saved_fields(model, saved):
        piped = mark_of(field.type, Piped)
        if piped is not None:
            place = place_of(piped, field.siblings.get(piped.chosen_by or ""))
            yield from (SavedText(path, text, piped, place) for path, text in _texts(field.value, field.path))


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case list() | tuple():
            for number, item in enumerate(value):
                yield from _texts(item, f"{path}[{number}]")
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, _below(path, key))


def saved_references(model: type[msgspec.Struct], saved: object) -> Iterator[tuple[str, str, str]]:
    """What a configuration names: where, of which kind (``gladly-account``, ``survey``, …), which id."""
    for field in saved_fields(model, saved):
        meta = mark_of(field.type, Meta)
        kind = (meta.extra_json_schema or {}).get("format") if meta is not None else None
        if isinstance(kind, str) and isinstance(field.value, str) and field.value:
            yield field.path, kind, field.value


def embedded_data_names(model: type[msgspec.Struct], saved: object) -> list[str]:
    """The Embedded Data that a task sends along."""
    return [
        field.value
        for field in saved_fields(model, saved)
        if mark_of(field.type, EmbeddedDataName) is not None and isinstance(field.value, str)
    ]


def _model_in(hint: object) -> type[msgspec.Struct] | None:
    """The model that a field holds, or a list of which it holds, or which it may hold (``… | None``)."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    found = [model for part in get_args(hint) if part is not NoneType and (model := _model_in(part))]
    return found[0] if len(found) == 1 else None


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
