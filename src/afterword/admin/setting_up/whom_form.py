"""Whom to ask as a form: the rules of eligibility to what stands in its fields, and back. Pure."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from afterword.eligibility.settings import WEEKDAYS
from afterword.translating import N_
from afterword.workflows.saving.whom_to_ask import WhomToAsk

Kind = Literal["number", "whole", "flag", "choice", "many", "names", "text"]
Values = Mapping[str, Sequence[str]]
"""What stands in each field: several for a field of boxes."""

BLANK_ROWS = 2
QUIET = "quiet_hours"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the form; ``wrong`` is said of what cannot be read, ``unit`` stands behind what is typed."""

    name: str
    kind: Kind
    label: str
    help: str = ""
    unit: str = ""
    options: Mapping[str, str] = MappingProxyType({})
    wrong: str = ""


CLOSERS = {
    "rule": N_("a rule of Gladly's"),
    "api": N_("a program, over the API"),
    "gladly-ai": N_("Gladly AI"),
    "gladly": N_("Gladly itself"),
}
CHANNELS = {
    "EMAIL": N_("Email"),
    "CHAT": N_("Chat"),
    "SMS": N_("SMS"),
    "PHONE_CALL": N_("Phone call"),
    "VOICEMAIL": N_("Voicemail"),
    "WHATSAPP": "WhatsApp",
    "FB_MESSENGER": "Facebook Messenger",
    "INSTAGRAM_DIRECT": "Instagram Direct",
    "TWITTER": "Twitter",
    "CUSTOM": N_("A channel of your own"),
}
NAMES_HELP = N_("One a line, as in Gladly or by id. Upper and lower case are the same.")
DAYS = {
    "monday": N_("Mon"),
    "tuesday": N_("Tue"),
    "wednesday": N_("Wed"),
    "thursday": N_("Thu"),
    "friday": N_("Fri"),
    "saturday": N_("Sat"),
    "sunday": N_("Sun"),
}

FIRST = (
    Field(
        name="once_in_days",
        kind="number",
        label=N_("At most one survey per Customer in"),
        unit=N_("days"),
        help=N_("Leave it empty to ask after every Conversation."),
        wrong=N_("Write a number of days, up to 366, or nothing."),
    ),
    Field(name="only_inboxes", kind="names", label=N_("Only these Inboxes"), help=N_("None ticked: all.")),
    Field(name="not_inboxes", kind="names", label=N_("Not these Inboxes")),
    Field(
        name="not_closed_by",
        kind="many",
        label=N_("Not what was closed by"),
        options=CLOSERS,
    ),
    Field(
        name="customer_must_have_written",
        kind="flag",
        label=N_("Only where the Customer wrote or called"),
    ),
)
"""Those that are used most."""

MORE = (
    Field(
        name="agent_must_have_written",
        kind="choice",
        label=N_("An Agent must have written or called"),
        options={
            "no": N_("no"),
            "any": N_("any Agent"),
            "credited": N_("the credited Agent"),
        },
    ),
    Field(
        name="least_messages",
        kind="whole",
        label=N_("At least so many messages"),
        wrong=N_("Write a whole number from 1 to 1,000, or nothing."),
    ),
    Field(
        name="least_characters",
        kind="whole",
        label=N_("At least so many characters"),
        wrong=N_("Write a whole number from 1 to 1,000,000, or nothing."),
    ),
    Field(name="only_topics", kind="names", label=N_("Only with these Topics"), help=NAMES_HELP),
    Field(
        name="not_topics",
        kind="names",
        label=N_("Not with these Topics"),
        help=NAMES_HELP,
    ),
    Field(
        name="only_channels",
        kind="many",
        label=N_("Only where the last message came by"),
        options=CHANNELS,
        help=N_("None ticked: all."),
    ),
    Field(name="not_channels", kind="many", label=N_("Not where the last message came by"), options=CHANNELS),
    Field(name="only_agents", kind="names", label=N_("Only these Agents"), help=NAMES_HELP),
    Field(name="not_agents", kind="names", label=N_("Not these Agents"), help=NAMES_HELP),
    Field(
        name="share_percent",
        kind="number",
        label=N_("Only a share, by chance"),
        unit="%",
        help=N_("The same Conversation always comes out the same. Empty: all."),
        wrong=N_("Write a number above 0, up to 100, or nothing."),
    ),
    Field(
        name="same_case_hours",
        kind="number",
        label=N_("Closed again within so many hours, it is the same case"),
        unit=N_("hours"),
        help=N_("Nobody is asked twice in one case. 0: every closing is a case of its own."),
        wrong=N_("Write a number of hours, 0 or more."),
    ),
    Field(
        name="reopened_later",
        kind="choice",
        label=N_("Reopened later than that, and closed"),
        options={"ask-again": N_("ask again"), "do-not-ask": N_("do not ask again")},
    ),
    Field(
        name="longest_age_hours",
        kind="number",
        label=N_("Nothing for closings older than"),
        unit=N_("hours"),
        help=N_("After an outage, nobody is asked about what is long ago. Empty: however old."),
        wrong=N_("Write a number of hours above 0, or nothing."),
    ),
    Field(
        name="not_spam",
        kind="flag",
        label=N_("Not what looks like spam"),
        help=N_("Closed by a rule, and without a word of an Agent's or with one of these Topics."),
    ),
    Field(name="spam_topics", kind="names", label=N_("Topics of spam"), help=NAMES_HELP),
    Field(
        name="time_zone",
        kind="text",
        label=N_("Time zone of the quiet hours"),
        help=N_("Such as Europe/Berlin; empty: the organization's in Gladly."),
    ),
    Field(
        name="credit",
        kind="choice",
        label=N_("Credited Agent"),
        help=N_("Whom the answer is about. Where there is none, the next of these."),
        options={
            "assignee": N_("the assignee at closing"),
            "wrote-last": N_("who wrote last"),
            "closed": N_("who closed it"),
        },
    ),
)
"""The rest, under *More rules*."""

FIELDS = {one.name: one for one in (*FIRST, *MORE)}
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
    credit = told.pop("credit")
    return Draft(typed, msgspec.convert({"eligibility": told, "credit": credit}, WhomToAsk), {})


def _quiet_typed(values_at: Callable[[str], Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """What was typed of quiet hours, without the rows in which nothing was."""
    pairs = zip(values_at("quiet_begin"), values_at("quiet_end"), strict=False)
    rows = [(number, pair) for number, pair in enumerate(pairs) if any(text.strip() for text in pair)]
    days = {f"quiet_days_{at}": tuple(values_at(f"quiet_days_{row}")) for at, (row, _) in enumerate(rows)}
    begins, ends = (tuple(pair[side] for _, pair in rows) for side in (0, 1))
    return {"quiet_begin": begins, "quiet_end": ends, **days}


def _value(wanted: WhomToAsk, name: str) -> Any:
    return wanted.credit if name == "credit" else getattr(wanted.eligibility, name)


def _shown(field: Field, value: Any) -> tuple[str, ...]:
    match field.kind:
        case "flag":
            return ("yes",) if value else ()
        case "many" | "names":
            return tuple(value)
        case "number" | "whole":
            return () if value is None else (str(value).removesuffix(".0"),)
        case _:
            return (value,) if value else ()


def _read(field: Field, typed: Sequence[str]) -> Any:
    """What a field says, as JSON would have it."""
    texts = [line.strip() for text in typed for line in text.splitlines() if line.strip()]
    match field.kind:
        case "flag":
            return bool(texts)
        case "many" | "names":
            return list(dict.fromkeys(texts))
        case "number":
            return _number(texts[0]) if texts else _empty_number(field.name)
        case "whole":
            return int(texts[0]) if texts else None
        case _:
            return texts[0] if texts else _value(DEFAULTS, field.name)


def _number(text: str) -> float:
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _empty_number(name: str) -> float | None:
    """Nothing typed is no limit; where there is always one, it is the usual one."""
    return DEFAULTS.eligibility.same_case_hours if name == "same_case_hours" else None


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
    told = {"credit": value} if name == "credit" else {"eligibility": {name: value}}
    msgspec.convert(told, WhomToAsk)
    return value


def _plain(error: ValueError) -> str:
    words = AT_PATH.sub("", str(error))
    if "regex" in words or "`" in words:
        words = N_("write both times as HH:MM, such as 20:00 and 08:00")
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
