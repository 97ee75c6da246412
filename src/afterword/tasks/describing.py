"""What forms, commands and editors need to know of a task type, made from the type itself."""

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

from afterword.form_hints import UNIT
from afterword.tasks.contract import AnyTaskType, Piped, Repetition, RepetitionByConfiguration
from afterword.tasks.registry import InstalledTaskTypes, find_task_types, installed_entry_point, package_of
from afterword.tasks.services import Services

PIPED = "x-piped-text"
"""In a field's JSON Schema: that it holds piped text, and as :class:`~afterword.tasks.contract.Piped` says of what
(``of``) and for what place (``into``, or ``chosenBy`` another field).
"""

JsonSchema = dict[str, Any]


class FieldDescription(msgspec.Struct, frozen=True):
    """A field of a configuration; ``path`` is where it stands, as ``embedded_data[].field``.

    A ``title`` to which a unit belongs has it behind a gap: *At most one survey per Customer in … days*.
    """

    path: str
    title: str
    description: str
    is_required: bool
    is_piped: bool
    example: object


class TaskTypeDescription(msgspec.Struct, frozen=True, rename="camel"):
    """A task type as people and programs are told of it.

    ``configuration`` is the JSON Schema of its configuration; ``outputs`` the names at the top of its output, ``None``
    when only the answer tells.
    """

    name: str
    label: str
    summary: str
    package: str
    repetition: str
    outputs: tuple[str, ...] | None
    configuration: JsonSchema


def describe(task_type: AnyTaskType) -> TaskTypeDescription:
    """Describe a task type."""
    entry_point = installed_entry_point(task_type.name)
    return TaskTypeDescription(
        name=task_type.name,
        label=task_type.label,
        summary=summary_of(task_type),
        package="unknown" if entry_point is None else package_of(entry_point),
        repetition=repetition_in_words(task_type),
        outputs=_outputs(task_type),
        configuration=configuration_schema(task_type.configuration),
    )


def describe_installed() -> tuple[list[TaskTypeDescription], InstalledTaskTypes]:
    """Describe every task type that is installed; none of them can be carried out.

    Raises:
        ConfigurationError: two packages bring a task type of one name.
    """
    installed = find_task_types(cast("Services", _Nothing()))
    return [describe(task_type) for task_type in installed.usable.values()], installed


def repetition_in_words(task_type: AnyTaskType) -> str:
    """What doing it twice means, for people."""
    after = "it is done again" if task_type.repeats_when_unknown else "it is stopped as failed"
    words = {
        Repetition.IDEMPOTENT: "idempotent: done twice, it is as if it was done once",
        Repetition.LOOKED_UP: "can be looked up: it finds out whether it was done before it does it",
        Repetition.NEITHER: f"neither: the other side may do it twice; when nobody knows whether it was done, {after} "
        "unless the workflow says otherwise",
    }[task_type.repetition]
    return (
        f"{words} (not with every configuration)"
        if isinstance(task_type, RepetitionByConfiguration)
        else words
    )


def configuration_schema(model: type[msgspec.Struct]) -> JsonSchema:
    """The JSON Schema of a configuration, in which each field of piped text is marked (:data:`PIPED`).

    Choices stand in the order in which the model declares them.
    """
    schema: JsonSchema = msgspec.json.schema(model)
    definitions = schema.get("$defs", {})
    for struct in _structs(model, set()):
        properties = definitions.get(struct.__name__, {}).get("properties", {})
        hints = get_type_hints(struct, include_extras=True)
        for field in msgspec.structs.fields(struct):
            _put_in_order(properties.get(field.encode_name, {}), _choices(hints[field.name]))
            mark = next((extra for extra in _extras(hints[field.name]) if isinstance(extra, Piped)), None)
            if mark is not None and field.encode_name in properties:
                place = {"into": mark.into} if mark.chosen_by is None else {"chosenBy": mark.chosen_by}
                properties[field.encode_name][PIPED] = {"of": mark.of, **place}
    return schema


def fields_of(schema: JsonSchema) -> Iterator[FieldDescription]:
    """The fields of a configuration's JSON Schema, those of structs within it after the field they are of."""
    yield from _fields_of(schema, schema.get("$defs", {}), "", frozenset())


def _fields_of(
    schema: JsonSchema, definitions: JsonSchema, path: str, above: frozenset[str]
) -> Iterator[FieldDescription]:
    """``above`` are the models that it is within: one that holds itself is told once."""
    reference = schema.get("$ref", "")
    if reference in above:
        return
    model = definitions.get(reference.rpartition("/")[2], schema) if reference else schema
    above |= {reference} if reference else set()
    for name, described in model.get("properties", {}).items():
        where = f"{path}{name}"
        yield FieldDescription(
            path=where,
            title=" … ".join(filter(None, (described.get("title", name), described.get(UNIT)))),
            description=described.get("description", ""),
            is_required=name in model.get("required", ()),
            is_piped=PIPED in described,
            example=next(iter(described.get("examples", ())), None),
        )
        items = described.get("items")
        if isinstance(items, dict):
            yield from _fields_of(items, definitions, f"{where}[].", above)
        yield from _fields_of(described, definitions, f"{where}.", above)


def _structs(model: type[msgspec.Struct], seen: set[type[msgspec.Struct]]) -> Iterator[type[msgspec.Struct]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for hint in get_type_hints(model, include_extras=True).values():
        for inner in _types_in(hint):
            yield from _structs(inner, seen)


def _types_in(hint: object) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for argument in get_args(hint):
        yield from _types_in(argument)


def _choices(hint: object) -> tuple[object, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((found for part in get_args(hint) if (found := _choices(part))), ())


def _put_in_order(described: JsonSchema, choices: tuple[object, ...]) -> None:
    """Where the choices of a field are, as they may be null or stand in a list, they are put in this order."""
    for part in (described, described.get("items", {}), *described.get("anyOf", ())):
        if choices and isinstance(part, dict) and set(part.get("enum", ())) == set(choices):
            part["enum"] = list(choices)


def _extras(hint: object) -> tuple[object, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _outputs(task_type: AnyTaskType) -> tuple[str, ...] | None:
    """What its output holds with a configuration made of examples; ``None`` where they make none."""
    schema = msgspec.json.schema(task_type.configuration)
    model = schema.get("$defs", {}).get(task_type.configuration.__name__, {})
    examples = {
        name: model["properties"][name]["examples"][0]
        for name in model.get("required", ())
        if model["properties"][name].get("examples")
    }
    try:
        return task_type.outputs(msgspec.convert(examples, task_type.configuration))
    except msgspec.ValidationError:
        return None


def summary_of(task_type: AnyTaskType) -> str:
    """What it does, in a sentence: its ``summary``.

    A type without one is told by the first paragraph of its module, without its label and marks of emphasis.
    """
    own = getattr(task_type, "summary", "")
    if isinstance(own, str) and own:
        return own
    text = inspect.getdoc(inspect.getmodule(type(task_type))) or ""
    words = " ".join(text.partition("\n\n")[0].replace("*", "").split())
    rest = words.removeprefix(task_type.label).lstrip(":. ")
    return rest[:1].upper() + rest[1:]


class _Nothing:
    """Stands for all that task types work with where they are only described: it can be kept, not used."""

    def __getattr__(self, name: str) -> "_Nothing":
        return self
