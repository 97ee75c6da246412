"""The fields of a form, made from a configuration's JSON Schema: what each is called, and what it can hold."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from afterword.tasks.describing import PIPED, JsonSchema

Kind = Literal["text", "number", "boolean", "choice", "choices", "texts", "pairs", "rows", "group", "json"]
"""*choices* are boxes to tick, *texts* are lines, *pairs* names with values, *rows* a list of groups of fields; what
no form is made for is *json*.
"""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form, before it has a value.

    ``offers`` is what it names (``gladly-account``, ``survey``, …), ``piped`` whose values its text may ask for.
    ``may_be_none``: an empty one is ``null``. ``fields`` are those of a group, or of each row.
    """

    name: str
    title: str
    kind: Kind
    help: str = ""
    example: object = None
    is_required: bool = False
    may_be_none: bool = False
    default: object | UnsetType = UNSET
    is_long: bool = False
    is_whole: bool = False
    options: tuple[str, ...] = ()
    offers: str = ""
    piped: Literal["", "run", "invitation"] = ""
    fields: tuple["Field", ...] = ()


SCALARS: Mapping[str, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
}


def fields_of(schema: JsonSchema) -> tuple[Field, ...]:
    """The fields of a configuration, in the order of its model."""
    return _fields(schema, schema.get("$defs", {}), frozenset())


def _fields(schema: JsonSchema, definitions: Mapping[str, Any], above: frozenset[str]) -> tuple[Field, ...]:
    reference = schema.get("$ref", "")
    model = definitions.get(reference.rpartition("/")[2], schema) if reference else schema
    required = model.get("required", ())
    return tuple(
        _field(name, described, name in required, definitions, above | {reference})
        for name, described in model.get("properties", {}).items()
    )


def _field(
    name: str,
    described: JsonSchema,
    is_required: bool,
    definitions: Mapping[str, Any],
    above: frozenset[str],
) -> Field:
    shape, may_be_none = _without_null(described)
    kind = _kind(shape, above)
    inner = shape.get("items", {}) if kind == "rows" else shape
    default = described.get("default", UNSET)
    return Field(
        name=name,
        title=described.get("title", name.replace("_", " ")),
        kind=kind,
        help=described.get("description", ""),
        example=next(iter(described.get("examples", ())), None),
        is_required=is_required,
        may_be_none=may_be_none,
        default=default if default is UNSET else msgspec.json.decode(msgspec.json.encode(default)),
        is_long=described.get("format") == "multiline",
        is_whole=shape.get("type") == "integer",
        options=tuple(shape.get("enum", inner.get("items", {}).get("enum", ()))),
        offers="" if described.get("format") == "multiline" else described.get("format", ""),
        piped=described.get(PIPED, {}).get("of", ""),
        fields=_fields(inner, definitions, above) if kind in {"rows", "group"} else (),
    )


def _without_null(described: JsonSchema) -> tuple[JsonSchema, bool]:
    options = described.get("anyOf")
    if options is None:
        return described, False
    others = [one for one in options if one.get("type") != "null"]
    return (others[0], len(others) < len(options)) if len(others) == 1 else ({}, False)


def _kind(shape: JsonSchema, above: frozenset[str]) -> Kind:
    """What holds itself is edited as JSON: a form of it would have no end."""
    items = shape.get("items")
    if shape.get("$ref"):
        return "json" if shape["$ref"] in above else "group"
    if "enum" in shape:
        return "choice" if all(isinstance(one, str) for one in shape["enum"]) else "json"
    if isinstance(items, dict):
        return _kind_of_list(items, above)
    if shape.get("type") == "object" and shape.get("additionalProperties", {}) == {"type": "string"}:
        return "pairs"
    return SCALARS.get(shape.get("type", ""), "json")


def _kind_of_list(items: JsonSchema, above: frozenset[str]) -> Kind:
    if items.get("$ref"):
        return "json" if items["$ref"] in above else "rows"
    if "enum" in items:
        return "choices" if all(isinstance(one, str) for one in items["enum"]) else "json"
    return "texts" if items.get("type") == "string" else "json"
