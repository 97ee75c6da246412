"""What looks as if it were meant to be piped text and is not read as such: it would stand in a customer's mail."""

import re
from collections.abc import Iterator

import msgspec

from afterword.piped_text.grammar import LONGEST_PIPE, OPENING, pipes_in
from afterword.translating import gettext as _

SCHEMES = ("aedj", "ch", "date", "e", "l", "m", "q", "rand", "rm")
"""The schemes that Afterword has values of."""
_SHOWN = 60

_WITH_SCHEME = re.compile(r"[$~]\{\s*([A-Za-z]{1,10})\s*:")
_BARE_NAME = re.compile(r"[$~]\{\s*([A-Za-z_][\w .%-]{0,100})\s*\}")
_WITHOUT_SIGN = re.compile(r"(?<![$~])\{(?:" + "|".join(SCHEMES) + r")://")
_ARITHMETIC = re.compile(r"\$e\{")


class Malformed(msgspec.Struct, frozen=True):
    """Something that looks like piped text. ``${CustomerId}`` has a ``name``: a mistake if there is such a name."""

    text: str
    words: str
    name: str | None = None


def malformed(template: str) -> Iterator[Malformed]:
    """Every such place in a text, in order."""
    taken = [(start, match.end()) for start, match in pipes_in(template)]
    found = [
        *((opening.start(), _opening(template, opening.start())) for opening in OPENING.finditer(template)),
        *((match.start(), _no_sign(template, match)) for match in _WITHOUT_SIGN.finditer(template)),
        *((match.start(), _arithmetic(template, match)) for match in _ARITHMETIC.finditer(template)),
    ]
    within = iter(taken)
    current = next(within, None)
    for position, one in sorted(found, key=lambda pair: pair[0]):
        while current is not None and current[1] <= position:
            current = next(within, None)
        is_within = current is not None and current[0] <= position
        if one is not None and not is_within:
            yield one


def _opening(template: str, start: int) -> Malformed | None:
    scheme = _WITH_SCHEME.match(template, start)
    if scheme is None:
        bare = _BARE_NAME.match(template, start)
        return None if bare is None else Malformed(bare[0], "", bare[1].strip())
    shown = _shown(template, start)
    end = template.find("}", start, start + LONGEST_PIPE)
    if end == -1:
        return Malformed(shown, _("“%(text)s” is never closed; a } is missing", text=shown))
    return Malformed(
        shown,
        _(
            "“%(text)s” cannot be read; piped text is written like ${e://Field/Name} or ~{aedj://name?d=default}, "
            "without braces or a ? in the name and without spaces before it",
            text=shown,
        ),
    )


def _no_sign(template: str, match: re.Match[str]) -> Malformed:
    shown = _shown(template, match.start())
    return Malformed(shown, _("“%(text)s” lacks its sign; write $%(text)s or ~%(text)s", text=shown))


def _arithmetic(template: str, match: re.Match[str]) -> Malformed:
    return Malformed(
        _shown(template, match.start()), _("arithmetic ($e{…}) is not to be had; use the value as it is")
    )


def _shown(template: str, start: int) -> str:
    text = template[start : start + _SHOWN + 1]
    end = text.find("}")
    if end != -1:
        return text[: end + 1]
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
