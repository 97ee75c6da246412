"""Whom to ask as a form: the rules of eligibility to what stands in its fields, and back. Pure.

What the rules are called and what they can be is said by their model (``eligibility/settings.py``), as for the editor
of Workflows.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from afterword.admin.workflows.fields import Field, fields_of
from afterword.admin.workflows.values import read, shown
from afterword.eligibility.week import WEEKDAYS
from afterword.tasks.describing import configuration_schema
from afterword.translating import N_, retold
from afterword.translating import gettext as _
from afterword.workflows.saving.whom_to_ask import WhomToAsk

Values = Mapping[str, Sequence[str]]
"""What stands in each field: several for a field of boxes."""

BLANK_ROWS = 2
QUIET = "quiet_hours"
USED_MOST = ("once_in_days", "only_inboxes", "not_inboxes", "not_closed_by", "customer_must_have_written")

RULES, CREDIT = fields_of(configuration_schema(WhomToAsk))
FIELDS = {one.name: one for one in (*RULES.fields, CREDIT) if one.name != QUIET}
FIRST = tuple(FIELDS[name] for name in USED_MOST)
MORE = tuple(one for one in FIELDS.values() if one.name not in USED_MOST)
"""The rest, under *More rules*."""

DEFAULTS = WhomToAsk()
AT_PATH = re.compile(r" - at `\$.*`$")


class Draft(msgspec.Struct, frozen=True):
    """A form as it was typed: what it says, ``None`` where something is wrong, and what that is, by field."""

    typed: Values
    wanted: WhomToAsk | None
    errors: Mapping[str, str]


def values_of(wanted: WhomToAsk) -> dict[str, tuple[str, ...]]:
    """What stands in the fields for these rules."""
    values = {name: _shown(field, _value(wanted, name)) for name, field in FIELDS.items()}
    hours = wanted.eligibility.quiet_hours
    values["quiet_begin"] = tuple(one.begin for one in hours)
    values["quiet_end"] = tuple(one.end for one in hours)
    for number, one in enumerate(hours):
        values[f"quiet_days_{number}"] = one.days
    return values


def changed_fields(wanted: WhomToAsk) -> set[str]:
    """The fields that are not as they are at first."""
    rules = {name for name in FIELDS if _value(wanted, name) != _value(DEFAULTS, name)}
    return rules | ({QUIET} if wanted.eligibility.quiet_hours else set())


def read_form(values_at: Callable[[str], Sequence[str]]) -> Draft:
    """Read what was typed; ``values_at`` answers what stands in a field."""
    typed = {name: tuple(values_at(name)) for name in FIELDS}
    typed |= _quiet_typed(values_at)
    told: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, field in FIELDS.items():
        try:
            told[name] = _checked(name, _read(field, typed[name]))
        except ValueError as error:
            errors[name] = field.wrong or (N_("Choose one of these.") if field.options else _plain(error))
    try:
        told[QUIET] = _checked(QUIET, _quiet_rows(typed))
    except ValueError as error:
        errors[QUIET] = _plain(error)
    if errors:
        return Draft(typed, None, errors)
    credit = told.pop(CREDIT.name)
    return Draft(typed, msgspec.convert({"eligibility": told, "credit": credit}, WhomToAsk), {})


def _quiet_typed(values_at: Callable[[str], Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """What was typed of quiet hours, without the rows in which nothing was."""
    pairs = zip(values_at("quiet_begin"), values_at("quiet_end"), strict=False)
    rows = [(number, pair) for number, pair in enumerate(pairs) if any(text.strip() for text in pair)]
    days = {f"quiet_days_{at}": tuple(values_at(f"quiet_days_{row}")) for at, (row, _pair) in enumerate(rows)}
    begins, ends = (tuple(pair[side] for _row, pair in rows) for side in (0, 1))
    return {"quiet_begin": begins, "quiet_end": ends, **days}


def _value(wanted: WhomToAsk, name: str) -> Any:
    return wanted.credit if name == CREDIT.name else getattr(wanted.eligibility, name)


def _shown(field: Field, value: Any) -> tuple[str, ...]:
    match field.kind:
        case "boolean":
            return ("yes",) if value else ()
        case "choices" | "texts":
            return tuple(value)
        case _:
            text = shown(field, value)
            return (text,) if text else ()


def _read(field: Field, typed: Sequence[str]) -> object:
    """What a field says, as JSON would have it; nothing is what it is at first."""
    match field.kind:
        case "boolean":
            return bool(typed)
        case "choices":
            return list(dict.fromkeys(typed))
        case "texts":
            lines = [line.strip() for text in typed for line in text.splitlines()]
            return list(dict.fromkeys(line for line in lines if line))
        case _:
            value = read(field, "".join(typed[:1]).strip())
            return _value(DEFAULTS, field.name) if value is UNSET else value


def _quiet_rows(typed: Values) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, (begin, end) in enumerate(zip(typed["quiet_begin"], typed["quiet_end"], strict=True)):
        days = [day for day in WEEKDAYS if day in typed[f"quiet_days_{number}"]]
        rows.append({"days": days, "begin": begin.strip(), "end": end.strip()})
    return rows


def _checked(name: str, value: Any) -> Any:
    """The value, if it may be so.

    Raises:
        ValueError: it may not.
    """
    told = {CREDIT.name: value} if name == CREDIT.name else {RULES.name: {name: value}}
    msgspec.convert(told, WhomToAsk)
    return value


def _plain(error: ValueError) -> str:
    words = retold(AT_PATH.sub("", str(error)))
    if "regex" in words or "`" in words:
        words = _("write both times as HH:MM, such as 20:00 and 08:00")
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
