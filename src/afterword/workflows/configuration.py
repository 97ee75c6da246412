"""A task's configuration as it is for one run: read by the task type's own model, its piped text filled in."""

import functools
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from afterword.outcomes import Permanent, Reason
from afterword.piped_text import Source, UnknownPipe, render
from afterword.tasks.contract import AnyTaskType, Piped


def configure(task_type: AnyTaskType, saved: dict[str, Any], sources: tuple[Source, ...]) -> msgspec.Struct:
    """Make the configuration.

    Raises:
        Permanent: the saved one does not fit the model, or names a value that nothing has.
    """
    try:
        configuration: msgspec.Struct = msgspec.convert(saved, task_type.configuration)
        return fill_in(configuration, sources)
    except msgspec.ValidationError as error:
        raise Permanent(
            Reason(
                "configuration-invalid", f"the task's configuration is wrong: {error}", {"error": str(error)}
            )
        ) from None
    except UnknownPipe as error:
        raise Permanent(
            Reason(
                "piped-text-unknown",
                f"the task's configuration asks for {error.pipe}, which this event does not have",
                {"pipe": str(error.pipe)},
            )
        ) from None


def fill_in(configuration: msgspec.Struct, sources: tuple[Source, ...]) -> msgspec.Struct:
    """Fill in every field that is marked as piped text, in structs within structs too."""
    changes: dict[str, object] = {}
    for name, piped in _fields(type(configuration)):
        value = getattr(configuration, name)
        if piped and isinstance(value, tuple):
            changes[name] = tuple(render(item, *sources) for item in value)
        elif piped:
            changes[name] = render(value, *sources)
        elif isinstance(value, msgspec.Struct):
            changes[name] = fill_in(value, sources)
        elif isinstance(value, tuple):
            changes[name] = tuple(
                fill_in(item, sources) if isinstance(item, msgspec.Struct) else item for item in value
            )
    return msgspec.structs.replace(configuration, **changes)


@functools.cache
def _fields(model: type[msgspec.Struct]) -> tuple[tuple[str, bool], ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple((name, _is_piped(hints[name])) for name in model.__struct_fields__)


def _is_piped(hint: object) -> bool:
    return get_origin(hint) is Annotated and any(
        isinstance(extra, Piped) and extra.of == "run" for extra in get_args(hint)[1:]
    )
