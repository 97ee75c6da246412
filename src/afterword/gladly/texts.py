"""Texts made fit for Gladly: within its lengths, and escaped where it reads them as rich content.

Gladly documents its limits in "characters" without saying which, so UTF-16 code units are counted: never
fewer than code points. (In bytes of UTF-8 it could still be more: unsure, and unlike anything that Gladly's
examples show.)
"""

import unicodedata
from collections.abc import Callable

TITLE_LENGTH = 100
BODY_LENGTH = 25_000
TASK_BODY_LENGTH = 10_000
SOURCE_NAME_LENGTH = 50
LINK_TEXT_LENGTH = 50

ELLIPSIS = "…"
RICH = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "<br>"}
"""Quotes stay as they are: a text never stands in an attribute."""

ZERO_WIDTH_JOINER = "\u200d"
CONTINUING_RANGES = (("\U0001f3fb", "\U0001f3ff"), ("\U000e0020", "\U000e007f"), ("\u1160", "\u11ff"))
"""Skin tones, tags (the flag of Scotland) and the later parts of a conjoined Hangul syllable."""
LONGEST_GRAPHEME = 100
"""Code points; beyond it there is no character that anybody reads, and it is split."""


def length(text: str) -> int:
    """UTF-16 code units."""
    return sum(map(_units, text))


def one_line(text: str, limit: int) -> str:
    """A title: one line without control characters, of at most ``limit`` units, with an ellipsis where it was
    cut.
    """
    return _cut(" ".join(_without_controls(text).split()), limit, _units)


def rich_content(text: str, limit: int = BODY_LENGTH) -> str:
    """What somebody wrote, as Gladly's rich content: every sign of markup escaped, lines broken with
    ``<br>``.

    At most ``limit`` units when escaped, with an ellipsis where it was cut; no entity is split.
    """
    lines = _without_controls(text.replace("\r\n", "\n").replace("\r", "\n"), keep="\n").strip()
    return "".join(RICH.get(character, character) for character in _cut(lines, limit, _rich_units))


def grapheme_start(text: str, index: int) -> int:
    """The last place not behind ``index`` where a cut does not split what reads as one character."""
    for start in range(index, max(0, index - LONGEST_GRAPHEME), -1):
        if start >= len(text) or not _continues(text, start):
            return start
    return 0 if index <= LONGEST_GRAPHEME else index


def _cut(text: str, limit: int, units: Callable[[str], int]) -> str:
    room, fits = limit - units(ELLIPSIS), 0
    for index, character in enumerate(text):
        limit -= units(character)
        if limit < 0:
            return text[: grapheme_start(text, fits)].rstrip() + ELLIPSIS
        room -= units(character)
        fits = index + 1 if room >= 0 else fits
    return text


def _units(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _rich_units(character: str) -> int:
    return len(RICH[character]) if character in RICH else _units(character)


def _continues(text: str, index: int) -> bool:
    """Whether the character at ``index`` belongs to the one before it."""
    character, before = text[index], text[index - 1]
    if _is_regional(character):
        return _is_regional(before) and _regionals_before(text, index) % 2 == 1
    return (
        ZERO_WIDTH_JOINER in (before, character)
        or unicodedata.category(character).startswith("M")
        or any(first <= character <= last for first, last in CONTINUING_RANGES)
    )


def _is_regional(character: str) -> bool:
    """A half of a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, index: int) -> int:
    count = 0
    while count < min(index, LONGEST_GRAPHEME) and _is_regional(text[index - count - 1]):
        count += 1
    return count


def _without_controls(text: str, keep: str = "") -> str:
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs"} and character not in keep else character
        for character in text
    )
