"""Whom to ask as a form: every rule that can be saved survives it, and what is wrong is told at its field."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.admin.setting_up.whom_form import (
    FIELDS,
    changed_fields,
    read_form,
    values_of,
)
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.week import WEEKDAYS, QuietHours
from afterword.workflows.saving.whom_to_ask import WhomToAsk

NAMES = st.lists(st.sampled_from(["Returns & Refunds", "IBX-1", "Größe", "a"]), unique=True).map(tuple)
TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda at: f"{at[0]:02}:{at[1]:02}")
NUMBERS = st.none() | st.floats(0.01, 99, allow_nan=False) | st.integers(1, 99).map(float)


@st.composite
def rules(draw: st.DrawFn) -> WhomToAsk:
    kinds = {
        "number": NUMBERS,
        "boolean": st.booleans(),
        "texts": NAMES,
    }
    told: dict[str, object] = {}
    for field in FIELDS.values():
        if field.kind in {"choice", "choices"}:
            one = st.sampled_from(field.options)
            told[field.name] = draw(one if field.kind == "choice" else st.lists(one, unique=True))
        elif field.kind == "text":
            told[field.name] = draw(st.sampled_from(["", "Europe/Berlin"]))
        else:
            whole = st.none() | st.integers(1, 1000)
            told[field.name] = draw(whole if field.is_whole else kinds[field.kind])
    told["same_case_hours"] = told["same_case_hours"] or 0.0
    days = draw(st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=3))
    hours = [{"begin": draw(TIMES), "end": "12:00", "days": days}] if days else []
    credit = told.pop("credit")
    return msgspec.convert({"eligibility": {**told, "quiet_hours": hours}, "credit": credit}, WhomToAsk)


def reader(values: Mapping[str, Sequence[str]]):  # type: ignore[no-untyped-def]
    return lambda name: values.get(name, ())


@given(rules())
def test_every_rule_survives_the_form(wanted: WhomToAsk) -> None:
    draft = read_form(reader(values_of(wanted)))
    assert draft.errors == {}
    assert draft.wanted is not None
    hours = tuple(
        msgspec.structs.replace(one, days=tuple(day for day in WEEKDAYS if day in one.days))
        for one in wanted.eligibility.quiet_hours
    )
    assert draft.wanted == msgspec.structs.replace(
        wanted, eligibility=msgspec.structs.replace(wanted.eligibility, quiet_hours=hours)
    )


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("once_in_days", "many", "Write a number of days, up to 366, or nothing."),
        ("once_in_days", "inf", "Write a number of days, up to 366, or nothing."),
        ("share_percent", "200", "Write a number above 0, up to 100, or nothing."),
        ("least_messages", "2.5", "Write a whole number from 1 to 1,000, or nothing."),
        ("time_zone", "Nowhere", "“Nowhere” is no time zone; write one of the IANA names"),
        ("not_closed_by", "nobody", "Choose one of these."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    field: str, typed: str, words: str
) -> None:
    draft = read_form(reader({field: (typed,)}))
    assert draft.wanted is None
    assert draft.errors[field].startswith(words)
    assert draft.typed[field] == (typed,)


def test_quiet_hours_without_an_end_are_told_and_blank_rows_are_none() -> None:
    values = {"quiet_begin": ("", "20:00"), "quiet_end": ("", ""), "quiet_days_1": ("sunday",)}
    draft = read_form(reader(values))
    assert draft.errors == {"quiet_hours": "Write both times as HH:MM, such as 20:00 and 08:00."}
    draft = read_form(reader({**values, "quiet_end": ("", "08:00")}))
    assert draft.wanted is not None
    assert draft.wanted.eligibility.quiet_hours == (QuietHours(begin="20:00", end="08:00", days=("sunday",)),)


def test_what_is_not_as_at_first_is_counted() -> None:
    assert changed_fields(WhomToAsk()) == set()
    assert changed_fields(WhomToAsk(Eligibility(once_in_days=30), "closed")) == {"once_in_days", "credit"}
