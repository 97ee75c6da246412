"""Which tasks hang on which: found from the piped text that asks for another task's output."""

from collections.abc import Iterator

from afterword.piped_text import Pipe, parse
from afterword.workflows.conditions import Group
from afterword.workflows.definitions import Task

TASK_OUTPUT = "ch"


def needed_tasks(task: Task) -> frozenset[str]:
    """The ids of the tasks whose output this one cannot do without.

    They are named by ``~{ch://T-1/$.itemId}`` in its configuration or its conditions. Piped text with a default says
    itself what is used when there is no value, and needs nothing.
    """
    return frozenset(
        pipe.path.partition("/")[0] for text in _texts(task) for pipe in _pipes(text) if pipe.default is None
    )


def _texts(task: Task) -> Iterator[str]:
    yield from _texts_in(task.configuration)
    if task.conditions is not None:
        yield from _texts_of(task.conditions)


def _texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _texts_in(one)
        case list() | tuple():
            for one in value:
                yield from _texts_in(one)


def _texts_of(group: Group) -> Iterator[str]:
    for condition in group.conditions:
        if isinstance(condition, Group):
            yield from _texts_of(condition)
        else:
            yield from (condition.field, condition.value, *condition.values)


def _pipes(text: str) -> Iterator[Pipe]:
    return (piece for piece in parse(text) if isinstance(piece, Pipe) and piece.scheme == TASK_OUTPUT)
