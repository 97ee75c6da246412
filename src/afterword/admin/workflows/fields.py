"""The fields of a form, made from a configuration's JSON Schema: what each is called, and what it can hold."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from afterword.form_hints import CHOICES, NOTHING, UNIT, WRONG
from afterword.tasks.describing import PIPED, JsonSchema
from afterword.translating import N_

Kind = Literal["text", "number", "boolean", "choice", "choices", "texts", "pairs", "rows", "group", "json"]
"""*choices* are boxes to tick, *texts* are lines, *pairs* names with values, *rows* a list of groups of fields; what
no form is made for is *json*.
"""


NAMES: Mapping[str, str] = {
    "ai": "AI",
    "api": "API",
    "csat": "CSAT",
    "form": "form (name=value)",
    "gladly": "Gladly",
    "html": "HTML",
    "json": "JSON",
}
"""Words of choices that are written otherwise."""

CHOICE_WORDS = frozenset(
    {
        N_("Keep"),
        N_("Cancel if not sent"),
        N_("Cancel if not answered"),
        N_("CSAT score"),
        N_("Numeric CSAT"),
        N_("Net promoter score"),
        N_("Text"),
        N_("Answered"),
        N_("Posted"),
        N_("Wait"),
        N_("Replace"),
        N_("Form (name=value)"),
        N_("Created"),
        N_("Updated"),
        N_("Partial"),
        N_("Imported"),
        N_("Preview"),
        N_("Test"),
    }
)
"""What the choices of our own task types are called, by :func:`choice_words`; here to be translated."""


def choice_words(value: str) -> str:
    """What a choice is called: ``cancel-if-not-sent`` is *Cancel if not sent*; capitals are names and stay."""
    if not value:
        return N_("none")
    words = " ".join(NAMES.get(word, word) for word in value.split("-"))
    return words[:1].upper() + words[1:]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form, before it has a value.

    ``offers`` is what it names (``gladly-account``, ``survey``, …), ``piped`` whose values its text may ask for.
    ``may_be_none``: an empty one is ``null``. ``words`` are those of its ``options``, ``unit`` stands behind what is
    typed, ``wrong`` is said of what it cannot be. ``fields`` are those of a group, or of each row.
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
    words: Mapping[str, str] = NOTHING
    unit: str = ""
    wrong: str = ""
    offers: str = ""
    piped: Literal["", "run", "invitation"] = ""
    fields: tuple["Field", ...] = ()

    def choice(self, value: str) -> str:
        """What one of its options is called."""
        return self.words.get(value) or choice_words(value)


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
        words=described.get(CHOICES, NOTHING),
        unit=described.get(UNIT, ""),
        wrong=described.get(WRONG, ""),
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
