"""A task's configuration as it is for one run: read by the task type's own model, its piped text filled in."""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec

from afterword.outcomes import Permanent, Reason
from afterword.piped_text import Place, Source, UnfitValue, UnknownPipe, fill
from afterword.tasks.contract import AnyTaskType, Piped
from afterword.translating import said


def installed(task_types: Mapping[str, AnyTaskType], name: str) -> AnyTaskType:
    """The task type of this name.

    Raises:
        Permanent: none is installed here.
    """
    try:
        return task_types[name]
    except KeyError:
        reason = Reason(
            "task-type-unknown",
            said("no task type %(type)s is installed here", type=repr(name)),
            {"type": name},
        )
        raise Permanent(reason) from None


def configure(task_type: AnyTaskType, saved: dict[str, Any], sources: tuple[Source, ...]) -> msgspec.Struct:
    """Make the configuration.

    Raises:
        Permanent: the saved one does not fit the model, names a value that nothing has, or would put a value where it
            became something else.
    """
    try:
        configuration: msgspec.Struct = msgspec.convert(saved, task_type.configuration)
        return fill_in(configuration, sources)
    except msgspec.ValidationError as error:
        raise Permanent(
            Reason(
                "configuration-invalid",
                said("the task's configuration is wrong: %(error)s", error=error),
                {"error": str(error)},
            )
        ) from None
    except UnknownPipe as error:
        raise Permanent(
            Reason(
                "piped-text-unknown",
                said(
                    "the task's configuration asks for %(pipe)s, which this event does not have",
                    pipe=error.pipe,
                ),
                {"pipe": str(error.pipe)},
            )
        ) from None
    except UnfitValue as error:
        raise Permanent(
            Reason(
                "piped-text-unfit",
                said("a text of the task cannot be made: %(error)s", error=error),
                {"error": str(error)},
            )
        ) from None


def fill_in(configuration: msgspec.Struct, sources: tuple[Source, ...]) -> msgspec.Struct:
    """Fill in every field that is marked as the run's piped text, in structs within structs too.

    Raises:
        UnknownPipe, UnfitValue: as ``piped_text.fill``.
    """

    return _changed(configuration, lambda text, place: fill(text, place, *sources))


Fill = Callable[[str, Place], str]


def _changed(configuration: msgspec.Struct, fill_one: Fill) -> msgspec.Struct:
    changes: dict[str, object] = {}
    for name, piped in _fields(type(configuration)):
        value = getattr(configuration, name)
        if piped is None:
            changes[name] = _changed_below(value, fill_one)
        elif piped.of == "run":
            changes[name] = _changed_text(value, _place(configuration, piped), fill_one)
    return msgspec.structs.replace(configuration, **changes)


def _changed_text(value: object, place: Place, fill_one: Fill) -> object:
    match value:
        case str():
            return fill_one(value, place)
        case tuple():
            return tuple(_changed_text(item, place, fill_one) for item in value)
        case list():
            return [_changed_text(item, place, fill_one) for item in value]
        case Mapping():
            return {key: _changed_text(item, place, fill_one) for key, item in value.items()}
        case _:
            return value


def _changed_below(value: object, fill_one: Fill) -> object:
    match value:
        case msgspec.Struct():
            return _changed(value, fill_one)
        case tuple():
            return tuple(_changed_below(item, fill_one) for item in value)
        case list():
            return [_changed_below(item, fill_one) for item in value]
        case Mapping():
            return {key: _changed_below(item, fill_one) for key, item in value.items()}
        case _:
            return value


def _place(configuration: msgspec.Struct, piped: Piped) -> Place:
    return place_of(piped, getattr(configuration, piped.chosen_by) if piped.chosen_by is not None else None)


def place_of(piped: Piped, chosen: object) -> Place:
    """Where a text goes; ``chosen`` is what stands in the field that ``piped.chosen_by`` names."""
    return cast("Place", chosen) if chosen in get_args(Place) else piped.into


@functools.cache
def _fields(model: type[msgspec.Struct]) -> tuple[tuple[str, Piped | None], ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple((name, mark_of(hints[name], Piped)) for name in model.__struct_fields__)


Mark = TypeVar("Mark")


def mark_of(hint: object, kind: type[Mark]) -> Mark | None:
    """What a field's type is annotated with, also within: ``tuple[Annotated[str, Piped()], ...]``, ``… | None``."""
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, kind):
                return extra
    return next((mark for part in get_args(hint) if (mark := mark_of(part, kind)) is not None), None)
