"""Piped text: Qualtrics' way of putting values into a text.

``${scheme://path}`` and, in workflows, ``~{scheme://path}``; either may end in ``?d=`` and what to use when the value
is empty. There is no nesting. A value is put in as it is for the place it goes to (``escape``) and is never read as
piped text again, whatever a customer is called.
"""

import functools
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import msgspec

PIPE = re.compile(r"[$~]\{(?P<scheme>[a-z]{1,5})://(?P<path>[^{}?]*)(?:\?d=(?P<default>[^{}]*))?\}")


class Pipe(msgspec.Struct, frozen=True):
    """One place in a text where a value goes."""

    scheme: str
    path: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"


class UnknownPipe(LookupError):
    """No source has a value of this name; the text is wrong, not the value empty."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(str(pipe))
        self.pipe = pipe


Source = Callable[[Pipe], str | None]
"""Answers the value of a pipe, empty text included, or ``None`` when it has no such name."""


@functools.lru_cache(maxsize=1024)
def parse(template: str) -> tuple[str | Pipe, ...]:
    """Take a text apart into plain pieces and pipes; the pieces joined again are the text."""
    return tuple(_pieces(template))


def _pieces(template: str) -> Iterator[str | Pipe]:
    end = 0
    for match in PIPE.finditer(template):
        if match.start() > end:
            yield template[end : match.start()]
        default = match["default"]
        yield Pipe(match["scheme"], unquote(match["path"]), None if default is None else unquote(default))
        end = match.end()
    if end < len(template):
        yield template[end:]


def as_is(value: str) -> str:
    """Escape nothing: for values that go where no character means anything."""
    return value


def render(
    template: str,
    *sources: Source,
    escape: Callable[[str], str] = as_is,
    escape_text: Callable[[str], str] = as_is,
) -> str:
    """Fill the values in.

    ``escape`` makes a value harmless for where the result goes; ``escape_text`` does the same for the pieces between,
    when the template itself is plain text and the result is not. A source may answer text that is already made for
    its place, as a link is; such text is of type :class:`Ready`.

    Raises:
        UnknownPipe: no source knows a name.
    """
    return "".join(
        escape_text(piece) if isinstance(piece, str) else _value(piece, sources, escape)
        for piece in parse(template)
    )


class Ready(str):
    """A value that is already escaped for the place it goes to."""

    __slots__ = ()


def _value(pipe: Pipe, sources: tuple[Source, ...], escape: Callable[[str], str]) -> str:
    for source in sources:
        value = source(pipe)
        if value is not None:
            if value == "" and pipe.default is not None:
                return escape(pipe.default)
            return value if isinstance(value, Ready) else escape(value)
    raise UnknownPipe(pipe)
