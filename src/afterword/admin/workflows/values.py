"""One value of a form: as it is shown in a field, and as it is read from there again."""

import math
import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from afterword.admin.workflows.fields import Field
from afterword.translating import gettext as _
from afterword.workflows.saving.checking import Mistake

CHANGED_BY_FORMS = {"\r", "\x00"}
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
DECIMAL_COMMA = re.compile(r"^([+-]?[0-9]+),([0-9]{1,2})$")
"""As many write it; with three digits behind the comma it could be a thousand."""


class NotJson(str):
    """What was typed where JSON is wanted, and is none; it is shown again as it was typed."""

    __slots__ = ()


class Typed:
    """A form as it was sent: texts by name, line ends as ``\\n``."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values
        self._rows_left = len(values)

    def text(self, name: str) -> str:
        """The last text of this name; empty when there is none."""
        return _plain(self._values[name][-1]) if self._values.get(name) else ""

    def all(self, name: str) -> list[str]:
        """Every text of this name, as of boxes that are ticked."""
        return [_plain(one) for one in self._values.get(name, ())]

    def has(self, name: str) -> bool:
        """Whether there is one."""
        return bool(self._values.get(name))

    def count(self, path: str) -> int:
        """How many rows the list at this path has. No form has more rows, in all its lists, than it has fields."""
        text = self.text(f"rows:{path}")
        number = min(max(int(text), 0), self._rows_left) if WHOLE.fullmatch(text) else 0
        self._rows_left -= number
        return number


def _plain(text: str) -> str:
    """No database takes a NUL."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def shown(field: Field, value: object) -> str | None:
    """The value as a field's text; ``None`` where the field cannot show it so that the same is read again."""
    text = _text(field, value)
    is_kept = text is not None and not set(text) & CHANGED_BY_FORMS
    return text if is_kept and _is_same(read(field, text or ""), value) else None


def _text(field: Field, value: object) -> str | None:
    match field.kind, value:
        case _, None:
            return "" if field.may_be_none else None
        case "text" | "choice", str():
            return value
        case "number", int() | float() if not isinstance(value, bool):
            return repr(value).removesuffix(".0")
        case "number", str():
            return value
        case "texts", list() if all(isinstance(one, str) for one in value):
            return "\n".join(value)
        case _:
            return None


def _is_same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def read(field: Field, text: str) -> object:
    """The value that a text stands for; ``UNSET`` for nothing. A number that is none stays the text it is."""
    match field.kind:
        case "number":
            return _number(field, text.strip())
        case "texts":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "choice" if not text:
            return None if field.may_be_none else UNSET
        case _:
            return None if not text and field.may_be_none else text


def _number(field: Field, text: str) -> int | float | str | UnsetType | None:
    if not text:
        return None if field.may_be_none else UNSET
    if WHOLE.fullmatch(text):
        return int(text)
    try:
        number = float(DECIMAL_COMMA.sub(r"\1.\2", text))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def read_json(path: str, text: str, mistakes: list[Mistake]) -> object:
    """The value of a field that is written as JSON; of one that is none, a mistake and the text."""
    if not text.strip():
        return UNSET
    try:
        value = msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.MsgspecError, RecursionError) as error:
        mistakes.append(Mistake(path, _("this is not JSON: %(why)s", why=error)))
        return NotJson(text)
    if _has_nul(value):
        mistakes.append(Mistake(path, _("there is a character in it that no database takes: U+0000")))
        return NotJson(text)
    return value


def _has_nul(value: object) -> bool:
    match value:
        case str():
            return "\x00" in value
        case list():
            return any(_has_nul(one) for one in value)
        case dict():
            return any("\x00" in name or _has_nul(one) for name, one in value.items())
        case _:
            return False


def as_json(value: object) -> str:
    """A value as JSON, for a field that is edited so."""
    if isinstance(value, NotJson):
        return str(value)
    return msgspec.json.format(msgspec.json.encode(value)).decode()
