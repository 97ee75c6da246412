"""Values put into a text: each made harmless for its place, and never read as piped text again."""

from collections.abc import Callable

from afterword.piped_text.escaping import as_is
from afterword.piped_text.grammar import Pipe, parse


class UnknownPipe(LookupError):
    """No source has a value of this name; the text is wrong, not the value empty."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(str(pipe))
        self.pipe = pipe


Source = Callable[[Pipe], str | None]
"""Answers the value of a pipe, empty text included, or ``None`` when it has no such name."""


class Ready(str):
    """A value that is already escaped for the place it goes to."""

    __slots__ = ()


class Json(str):
    """A value that is JSON and no text: in a JSON document it may stand without quotes, as what it is."""

    __slots__ = ()


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
        escape_text(piece) if isinstance(piece, str) else _escaped(value_of(piece, sources), escape)
        for piece in parse(template)
    )


def value_of(pipe: Pipe, sources: tuple[Source, ...]) -> str:
    """The value of a pipe, or its default where the value is empty.

    Raises:
        UnknownPipe: no source knows the name.
    """
    for source in sources:
        value = source(pipe)
        if value is not None:
            return pipe.default if value == "" and pipe.default is not None else value
    raise UnknownPipe(pipe)


def _escaped(value: str, escape: Callable[[str], str]) -> str:
    return value if isinstance(value, Ready) else escape(value)
