"""What makes a value harmless for the place it goes to: one function a place, and no other anywhere.

Each is total: whatever the value, the result has the shape that the text without the value has.
"""

import html as _html
import json as _json
import re
from typing import Literal
from urllib.parse import quote

Place = Literal["text", "header", "html", "json", "url", "form"]
"""Where a text goes: plain text; a header of a mail or of HTTP, or a subject; HTML; a JSON document; an address; a
body of the form ``name=value&name=value``.
"""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MARKS = frozenset(
    "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
)
"""Not printable by themselves, and part of words in other scripts and of emoji."""
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def as_is(value: str) -> str:
    """Escape nothing: for values that go where no character means anything."""
    return value


def belongs_in_a_line(character: str) -> bool:
    """Whether people write it: what is printable, and the marks that join letters or tell where a text runs to."""
    return character.isprintable() or character in MARKS


def text(value: str) -> str:
    """For plain text: what no text can hold (control characters but tab and line ends, halves of pairs) left out."""
    return _NOT_IN_TEXT.sub("", _SURROGATE.sub(REPLACEMENT, value))


def header(value: str) -> str:
    """For a header: one line, no control characters, spaces made one.

    Nor anything that looks like an encoded word: Python's email package decodes those as it writes, line ends and all.
    """
    printable = "".join(character if belongs_in_a_line(character) else " " for character in value)
    return " ".join(printable.replace("=?", "= ?").split())


def html(value: str) -> str:
    """For HTML, between tags or in an attribute within quotes."""
    return _html.escape(text(value), quote=True)


def json_string(value: str) -> str:
    """For a JSON string, between its quotes."""
    return _json.dumps(_SURROGATE.sub(REPLACEMENT, value), ensure_ascii=False)[1:-1]


def url_component(value: str) -> str:
    """For a name or value in an address's query, or in a form body: all but letters, digits and ``-._~`` encoded."""
    return quote(_SURROGATE.sub(REPLACEMENT, value), safe="")
