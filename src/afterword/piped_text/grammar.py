"""The grammar: a text taken apart into plain pieces and pipes.

``${scheme://path}`` or ``~{scheme://path}``, with ``?d=`` and a default before the closing brace. In the path and the
default ``%20`` stands for a space, ``%2F`` for a slash, and so on. There is no nesting.

The path of the scheme ``ch`` is a JSONPath, in which quotes, braces within quotes, and ``?`` stand for themselves;
``?d=`` outside quotes begins the default all the same, as no JSONPath (RFC 9535) has it there.

Reading is linear in the length of the text: each opening is looked at once, as far as :data:`LONGEST_PIPE`, by a
pattern that never goes back.
"""

import functools
import re
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

LONGEST_PIPE = 2000
"""Characters, from ``${`` to ``}``; whatever is longer is no pipe."""

OUTPUT_SCHEME = "ch"

OPENING = re.compile(r"[$~]\{")
_DEFAULT = r"(?:\?d=(?P<default>[^{}]*+))?+\}"
_PLAIN = re.compile(rf"[$~]\{{(?P<scheme>[a-z]{{1,5}}+)://(?P<path>[^{{}}?]*+){_DEFAULT}")
_QUOTED = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\""""
_OUTPUT = re.compile(
    rf"""[$~]\{{(?P<scheme>{OUTPUT_SCHEME})://(?P<path>(?:[^{{}}?'"]++|{_QUOTED}|\?(?!d=))*+){_DEFAULT}""",
    re.DOTALL,
)


class Pipe(msgspec.Struct, frozen=True):
    """One place in a text where a value goes."""

    scheme: str
    path: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"


@functools.lru_cache(maxsize=1024)
def parse(template: str) -> tuple[str | Pipe, ...]:
    """Take a text apart into plain pieces and pipes; what is no pipe stays as it is."""
    return tuple(_pieces(template))


def _pieces(template: str) -> Iterator[str | Pipe]:
    end = 0
    for start, match in pipes_in(template):
        if start > end:
            yield template[end:start]
        yield pipe_of(match)
        end = match.end()
    if end < len(template):
        yield template[end:]


def pipes_in(template: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Where pipes begin, and what was read there."""
    end = 0
    for opening in OPENING.finditer(template):
        if opening.start() < end:
            continue
        match = read_pipe(template, opening.start())
        if match is not None:
            end = match.end()
            yield opening.start(), match


def read_pipe(template: str, start: int) -> re.Match[str] | None:
    """The pipe that begins here, if it is one."""
    until = start + LONGEST_PIPE
    pattern = _OUTPUT if template.startswith(f"{OUTPUT_SCHEME}://", start + 2) else _PLAIN
    return pattern.match(template, start, until)


def pipe_of(match: re.Match[str]) -> Pipe:
    """What was read, decoded."""
    default = match["default"]
    return Pipe(match["scheme"], unquote(match["path"]), None if default is None else unquote(default))
