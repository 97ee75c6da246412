"""JSON fields: values found in an event by JSONPath (RFC 9535)."""

import functools
from collections.abc import Iterable, Mapping

import msgspec
from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.path import JSONPath

from afterword.workflows.definitions import JsonField


class InvalidPath(ValueError):
    """A JSONPath that cannot be read; the message says why and where."""


@functools.cache
def _environment() -> JSONPathEnvironment:
    return JSONPathEnvironment(strict=True)


@functools.lru_cache(maxsize=1024)
def compile_path(path: str) -> JSONPath:
    """Read a JSONPath.

    Raises:
        InvalidPath: it is not one.
    """
    try:
        compiled = _environment().compile(path)
    except JSONPathError as error:
        raise InvalidPath(f"{path!r} is not a JSONPath: {error.args[0]}") from None
    if not isinstance(compiled, JSONPath):
        raise InvalidPath(f"{path!r} joins several JSONPaths; use one")
    return compiled


def extract(fields: Iterable[JsonField], document: Mapping[str, object] | list[object]) -> dict[str, str]:
    """The value of each field as text: the first that its path finds, empty when it finds nothing.

    Text is taken as it is, numbers and ``true``/``false`` as JSON writes them, ``null`` is empty, and objects and
    arrays are JSON.
    """
    return {field.name: _first(compile_path(field.path), document) for field in fields}


def _first(path: JSONPath, document: Mapping[str, object] | list[object]) -> str:
    match = path.match(document)
    if match is None or match.obj is None:
        return ""
    return match.obj if isinstance(match.obj, str) else msgspec.json.encode(match.obj).decode()
