"""Where in a piece of HTML its piped text stands: between tags, in an attribute, or where no value may go."""

import functools
import re
from html.parser import HTMLParser
from typing import Literal

from afterword.piped_text.grammar import Pipe, parse
from afterword.piped_text.origins import has_fixed_origin

HtmlPlace = Literal["text", "address"] | None
"""*text*: between tags, or in an attribute within quotes. *address*: in an attribute that holds one, after its host.
``None``: where a value would be markup, style or script.
"""

ADDRESSES = frozenset({"action", "background", "cite", "data", "formaction", "href", "poster", "src"})
NO_VALUES = frozenset({"srcdoc", "srcset", "style"})
_CONTACT = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_TAG_BEGINS = re.compile(r"<[A-Za-z/!?]")
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")


@functools.lru_cache(maxsize=256)
def html_places(template: str) -> tuple[HtmlPlace, ...]:
    """The place of each pipe of a template, in order."""
    pieces = parse(template)
    mark = "pipe"
    while mark in template.lower():
        mark += "q"
    finder = _Finder(mark, [piece for piece in pieces if isinstance(piece, Pipe)])
    number = 0
    parts = []
    for piece in pieces:
        if isinstance(piece, Pipe):
            parts.append(f"{mark}{number}x")
            number += 1
        else:
            parts.append(piece)
    finder.feed("".join(parts))
    finder.close()
    return tuple(finder.places)


class _Finder(HTMLParser):
    """Looks for marks that stand in for pipes."""

    def __init__(self, mark: str, pipes: list[Pipe]) -> None:
        super().__init__(convert_charrefs=False)
        self._mark = re.compile(f"{mark}([0-9]+)x")
        self._pipes = pipes
        self._is_cut_off = False  # a tag began that never ends: the parser hands its text out as it is
        self._last = ""
        self.places: list[HtmlPlace] = [None] * len(pipes)

    def handle_data(self, data: str) -> None:
        self._is_cut_off = self._is_cut_off or _TAG_BEGINS.search(self._last + data) is not None
        self._last = data[-1:]
        if self.cdata_elem is not None or self._is_cut_off:
            return
        for found in self._mark.finditer(data):
            self.places[int(found[1])] = "text"

    def handle_starttag(
        self,
        tag: str,  # noqa: ARG002 - the library calls it so
        attrs: list[tuple[str, str | None]],
    ) -> None:
        raw = self.get_starttag_text() or ""
        quoted = {found[1] for span in _QUOTED.findall(raw) for found in self._mark.finditer(span)}
        for name, value in attrs:
            for found in self._mark.finditer(value or ""):
                if found[1] in quoted:
                    self.places[int(found[1])] = self._in_attribute(name, value or "", int(found[1]))

    def _in_attribute(self, name: str, value: str, number: int) -> HtmlPlace:
        if name.startswith("on") or name in NO_VALUES:
            return None
        if name.rpartition(":")[2] not in ADDRESSES:
            return "text"
        if self._pipes[number].scheme == "l" and self._mark.fullmatch(value):
            return "text"
        before = self._mark.split(value, maxsplit=1)[0]
        return "address" if has_fixed_origin(before) or _CONTACT.match(before) else None
