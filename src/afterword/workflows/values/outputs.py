"""What earlier tasks put out, for the piped text of later ones: ``~{ch://T-1/$.itemId}``."""

from collections.abc import Collection, Mapping

import msgspec

from afterword.piped_text import Pipe, Source
from afterword.translating import gettext as _
from afterword.workflows.values.fields import InvalidPath, compile_path, first_value

Outputs = Mapping[str, Mapping[str, object]]
"""Each task's output by the task's id."""


class OutputPath(msgspec.Struct, frozen=True):
    """What ``ch://T-1/$.itemId`` asks for: a task, and where in its output."""

    task: str
    path: str


def output_path(pipe: Pipe) -> OutputPath:
    """Read the path of a pipe of the scheme ``ch``; ``T-1/itemId`` is short for ``T-1/$['itemId']``.

    Raises:
        InvalidPath: there is no task or nothing after it.
    """
    task, _slash, rest = pipe.path.partition("/")
    if not task or not rest:
        raise InvalidPath(
            _("%(pipe)s lacks a task or what to take from its output, as in ch://T-1/$.itemId", pipe=pipe)
        )
    if rest.startswith("$"):
        return OutputPath(task, rest)
    escaped = rest.replace("\\", "\\\\").replace("'", "\\'")
    return OutputPath(task, f"$['{escaped}']")


def outputs_source(outputs: Outputs, known_tasks: Collection[str]) -> Source:
    """The outputs of the tasks that come before this one.

    ``known_tasks`` are their ids: one that put out nothing, as it failed or was skipped, gives empty text, and a task
    that is not among them is unknown. Objects and arrays are given as JSON.
    """

    def value(pipe: Pipe) -> str | None:
        if pipe.scheme != "ch":
            return None
        try:
            asked = output_path(pipe)
            if asked.task not in known_tasks:
                return None
            found = first_value(compile_path(asked.path), outputs.get(asked.task, {}))
        except InvalidPath:
            return None
        return found

    return value
