"""JSON fields: values found in an event by JSONPath (RFC 9535)."""

import functools
from collections.abc import Iterable, Mapping

import msgspec
from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.path import JSONPath

from afterword.piped_text import Json
from afterword.translating import gettext as _
from afterword.workflows.definitions import JsonField
from afterword.workflows.values.json_patterns import LinearEnvironment

Document = Mapping[str, object] | list[object]

LONGEST_PATH = 1000
"""Characters of a JSONPath."""


class InvalidPath(ValueError):
    """A JSONPath that cannot be read; the message says why and where."""


@functools.cache
def _environment() -> JSONPathEnvironment:
    return LinearEnvironment()


@functools.lru_cache(maxsize=1024)
def compile_path(path: str) -> JSONPath:
    """Read a JSONPath.

    Raises:
        InvalidPath: it is not one, or longer than 1,000 characters.
    """
    if len(path) > LONGEST_PATH:
        raise InvalidPath(
            _(
                "a JSONPath of %(length)s characters is too long; %(most)s are the most",
                length=len(path),
                most=LONGEST_PATH,
            )
        )
    try:
        compiled = _environment().compile(path)
    except (JSONPathError, RecursionError) as error:
        words = error.args[0] if isinstance(error, JSONPathError) else _("it is nested too deep")
        raise InvalidPath(_("%(path)s is not a JSONPath: %(why)s", path=repr(path), why=words)) from None
    if not isinstance(compiled, JSONPath):
        raise InvalidPath(_("%(path)s joins several JSONPaths; use one", path=repr(path)))
    return compiled


def extract(fields: Iterable[JsonField], document: Document) -> dict[str, str]:
    """The value of each field as text: the first that its path finds, empty when it finds nothing.

    Text is taken as it is, numbers and ``true``/``false`` as JSON writes them, ``null`` is empty, and objects and
    arrays are JSON; of type :class:`~afterword.piped_text.Json`, all that was not text.
    """
    return {field.name: first_value(compile_path(field.path), document) for field in fields}


def first_value(path: JSONPath, document: Document) -> str:
    """The first value that a path finds, as :func:`extract` tells it."""
    match = path.match(document)
    if match is None or match.obj is None:
        return ""
    return match.obj if isinstance(match.obj, str) else Json(msgspec.json.encode(match.obj).decode())
