"""One value held against others: as text, number or date, by every operator that conditions have.

A comparison holds, does not hold, or cannot be made (:class:`NotComparable`): a number that is none is neither greater
nor not greater. Patterns are RE2's, whose time grows with the text's length and never explodes.
"""

import functools
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from afterword.translating import gettext as _
from afterword.translating import translated

if TYPE_CHECKING:
    from typing import Protocol

    class Pattern(Protocol):
        """What is used of RE2, which comes without types."""

        programsize: int

        def search(self, text: bytes, /) -> object | None:
            """Find it anywhere in the text."""


Operator = Literal[
    "equals",
    "does not equal",
    "is one of",
    "is not one of",
    "contains",
    "does not contain",
    "matches",
    "does not match",
    "is greater than",
    "is not greater than",
    "is less than",
    "is not less than",
    "is empty",
    "is not empty",
]
ValueType = Literal["text", "number", "date"]

NEGATIONS: dict[Operator, Operator] = {
    "does not equal": "equals",
    "is not one of": "is one of",
    "does not contain": "contains",
    "does not match": "matches",
    "is not greater than": "is greater than",
    "is not less than": "is less than",
    "is not empty": "is empty",
}
"""Each negated operator with the one that it negates."""
FOR_TEXT_ALONE = frozenset({"contains", "matches"})
FOR_WHAT_HAS_AN_ORDER = frozenset({"is greater than", "is less than"})

LONGEST_PATTERN = 1000
"""Characters."""
PATTERN_MEMORY = 1 << 20
"""Bytes that a pattern may take; what would take more is refused when it is read."""
MOST_WORK = 50_000_000
"""Steps of a pattern's program times bytes of the text: half a second at the very worst, as measured, far less as a
rule. Only odd patterns come near: a letter of any script is 700 steps, which leaves room for 70 KB."""
LONGEST_SHOWN = 100
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,50}(?:\.[0-9]{0,50})?|\.[0-9]{1,50})(?:[eE][+-]?[0-9]{1,3})?")


class NotComparable(ValueError):
    """The values cannot be held against each other; the message says which and why, without a capital."""


def compare(operator: Operator, value_type: ValueType, found: str, wanted: Sequence[str]) -> bool:
    """Hold what was found against what is wanted; *is one of* takes any number of wanted values, others the first.

    Raises:
        NotComparable: a value is not of the type, the operator is not for the type, or a pattern cannot be read.
    """
    positive = NEGATIONS.get(operator)
    if positive is not None:
        return not compare(positive, value_type, found, wanted)
    if operator == "is empty":
        return not found.strip()
    if (problem := misfit(operator, value_type)) is not None:
        raise NotComparable(problem)
    if operator != "is one of":
        wanted = wanted[:1] or ("",)
    match value_type:
        case "text":
            return _compare_texts(operator, found, wanted)
        case "number":
            number = read_number(found)
            return _compare_ordered(operator, number, [read_number(value) for value in wanted])
        case "date":
            moment = read_date(found)
            return any(_compare_dates(operator, moment, read_date(value)) for value in _all_read(wanted))


def misfit(operator: Operator, value_type: ValueType) -> str | None:
    """Why an operator does not go with a type of values; ``None`` when it does."""
    positive = NEGATIONS.get(operator, operator)
    if positive in FOR_TEXT_ALONE and value_type != "text":
        told = {"operator": translated(operator)}
        if value_type == "number":
            return _("“%(operator)s” is for text, not for a number", **told)
        return _("“%(operator)s” is for text, not for a date", **told)
    if positive in FOR_WHAT_HAS_AN_ORDER and value_type == "text":
        return _("“%(operator)s” is for numbers and dates, not for text", operator=translated(operator))
    return None


def _compare_texts(operator: Operator, found: str, wanted: Sequence[str]) -> bool:
    match operator:
        case "contains":
            return _folded(wanted[0]) in _folded(found)
        case "matches":
            return _matches(pattern(wanted[0]), _bytes(found))
        case _:
            return _folded(found).strip() in {_folded(value).strip() for value in wanted}


def _matches(wanted: "Pattern", found: bytes) -> bool:
    if wanted.programsize * len(found) > MOST_WORK:
        raise NotComparable(_("the pattern would take too long for a text of %(len)s bytes", len=len(found)))
    return wanted.search(found) is not None


def _compare_ordered(operator: Operator, found: Decimal, wanted: Sequence[Decimal]) -> bool:
    match operator:
        case "is greater than":
            return found > wanted[0]
        case "is less than":
            return found < wanted[0]
        case _:
            return found in wanted


def _all_read(wanted: Sequence[str]) -> Sequence[str]:
    for value in wanted:
        read_date(value)
    return wanted


def _compare_dates(operator: Operator, found: date, wanted: date) -> bool:
    """Where one side is a day, the day of the other counts: a moment on that day equals it."""
    if not (isinstance(found, datetime) and isinstance(wanted, datetime)):
        found, wanted = _day(found), _day(wanted)
    match operator:
        case "is greater than":
            return found > wanted
        case "is less than":
            return found < wanted
        case _:
            return found == wanted


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _folded(text: str) -> str:
    """The text without regard to case and to how its letters are put together."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def read_number(text: str) -> Decimal:
    """Read a number as JSON and people write it: ``7``, ``-1.5``, ``2e3``; without separators of thousands.

    Raises:
        NotComparable: it is none.
    """
    stripped = text.strip()
    if NUMBER.fullmatch(stripped) is None:
        raise NotComparable(_not_a_number(text))
    return Decimal(stripped)


def read_date(text: str) -> date:
    """Read a day, or a moment, in ISO 8601 (``2026-11-23``, ``2026-11-23T09:00:00Z``); without a zone it is UTC.

    Raises:
        NotComparable: it is none.
    """
    stripped = text.strip()
    try:
        return date.fromisoformat(stripped)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise NotComparable(_not_a_date(text)) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _not_a_number(text: str) -> str:
    if not text.strip():
        return _("there is no value where a number is wanted")
    return _("“%(text)s” is not a number", text=shortened(text.strip(), LONGEST_SHOWN))


def _not_a_date(text: str) -> str:
    if not text.strip():
        return _("there is no value where a date is wanted")
    return _("“%(text)s” is not a date", text=shortened(text.strip(), LONGEST_SHOWN))


@functools.lru_cache(maxsize=1024)
def pattern(text: str) -> "Pattern":
    """Read a pattern of RE2's syntax.

    Raises:
        NotComparable: it cannot be read, or would take too much memory.
    """
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - not at start

    if len(text) > LONGEST_PATTERN:
        raise NotComparable(
            _(
                "a pattern has %(longest_pattern)s characters at most; this one has %(len)s",
                longest_pattern=LONGEST_PATTERN,
                len=len(text),
            )
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        compiled: Pattern = re2.compile(_bytes(text), options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise NotComparable(
            _(
                "“%(shortened)s” is not a pattern that can be used: %(why)s (look-around and "
                "back-references are not to be had)",
                shortened=shortened(text, LONGEST_SHOWN),
                why=why,
            )
        ) from None
    return compiled


def escape_for_pattern(value: str) -> str:
    """A value as it stands for itself in a pattern."""
    import re2  # noqa: PLC0415 - not at start

    escaped: bytes = re2.escape(_bytes(value))
    return escaped.decode()


def _bytes(text: str) -> bytes:
    """UTF-8; a half of a surrogate pair, which no database holds, becomes a question mark."""
    return text.encode("utf-8", "replace")


def shortened(text: str, length: int) -> str:
    """A text of at most ``length`` characters, which ends in ``…`` where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
