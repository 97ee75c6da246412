"""Conditions: every operator and its negation, all and any, and what is told of each evaluation."""

import itertools
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.piped_text import Pipe, Source
from afterword.workflows.comparing import NEGATIONS, Operator, ValueType
from afterword.workflows.conditions import (
    DEEPEST,
    LONGEST_SHOWN,
    MOST_COMPARISONS,
    Compared,
    Comparison,
    Group,
    check_conditions,
    evaluate,
)

FIELD = "~{aedj://field}"
MONDAY = "2026-11-23"


def fields(**values: str) -> tuple[Source, ...]:
    def value(pipe: Pipe) -> str | None:
        return values.get(pipe.path) if pipe.scheme == "aedj" else None

    return (value,)


def compared(operator: Operator, found: str, *wanted: str, type: ValueType = "text") -> Compared:  # noqa: A002
    comparison = Comparison(FIELD, operator, value=wanted[0] if wanted else "", values=wanted, type=type)
    (only,) = evaluate(Group("all", (comparison,)), fields(field=found)).compared
    return only


HOLDING: list[tuple[Operator, ValueType, str, tuple[str, ...]]] = [
    ("equals", "text", "Inbox 1", ("inbox 1 ",)),
    ("equals", "text", "STRASSE", ("Straße",)),
    ("equals", "text", "Zoe\u0308", ("zo\u00eb",)),
    ("equals", "number", "7.0", ("7",)),
    ("equals", "number", " -1e2 ", ("-100",)),
    ("equals", "date", "2026-11-23T09:30:00+01:00", ("2026-11-23T08:30:00Z",)),
    ("equals", "date", "2026-11-23T23:30:00-05:00", (MONDAY,)),
    ("equals", "date", "2026-11-23 08:30:00", ("2026-11-23T08:30:00Z",)),
    ("is one of", "text", "b", ("a", "B")),
    ("is one of", "number", "2.50", ("1", "2.5")),
    ("is one of", "date", f"{MONDAY}T10:00:00Z", ("2026-11-22", MONDAY)),
    ("contains", "text", "I want a REFUND now", ("refund",)),
    ("matches", "text", "order 12345", (r"order \d{5}$",)),
    ("matches", "text", "Größe", (r"^Gr\p{L}+$",)),
    ("matches", "text", "REFUND", ("(?i)refund",)),
    ("is greater than", "number", "10", ("9",)),
    ("is greater than", "number", "0.30000000000000001", ("0.3",)),
    ("is greater than", "date", "2026-11-24", (f"{MONDAY}T23:59:59Z",)),
    ("is less than", "number", "-2", ("1",)),
    ("is less than", "date", "2026-11-23T08:59:59Z", ("2026-11-23T10:00:00+01:00",)),
    ("is empty", "text", " \n", ()),
    ("is empty", "number", "", ()),
]
NOT_HOLDING: list[tuple[Operator, ValueType, str, tuple[str, ...]]] = [
    ("equals", "text", "7.0", ("7",)),
    ("equals", "number", "7.1", ("7",)),
    ("equals", "date", "2026-11-24T00:00:00Z", (MONDAY,)),
    ("is one of", "text", "c", ("a", "b")),
    ("contains", "text", "no money", ("refund",)),
    ("matches", "text", "REFUND", ("refund",)),
    ("is greater than", "number", "9", ("9",)),
    ("is greater than", "number", "9", ("10",)),
    ("is greater than", "date", f"{MONDAY}T23:59:59Z", (MONDAY,)),
    ("is less than", "number", "9", ("9",)),
    ("is empty", "text", "x", ()),
    ("is empty", "date", "not a date", ()),
]
NEGATED = {positive: negated for negated, positive in NEGATIONS.items()}


@pytest.mark.parametrize(("operator", "type", "found", "wanted"), HOLDING)
def test_what_holds_holds_and_its_negation_does_not(
    operator: Operator,
    type: ValueType,  # noqa: A002
    found: str,
    wanted: tuple[str, ...],
) -> None:
    assert compared(operator, found, *wanted, type=type).holds
    assert not compared(NEGATED[operator], found, *wanted, type=type).holds


@pytest.mark.parametrize(("operator", "type", "found", "wanted"), NOT_HOLDING)
def test_what_does_not_hold_does_not_and_its_negation_does(
    operator: Operator,
    type: ValueType,  # noqa: A002
    found: str,
    wanted: tuple[str, ...],
) -> None:
    assert not compared(operator, found, *wanted, type=type).holds
    assert compared(NEGATED[operator], found, *wanted, type=type).holds


def test_every_operator_has_its_negation() -> None:
    assert set(NEGATED) | set(NEGATIONS) == set(get_args(Operator))
    assert {operator for operator, _, _, _ in HOLDING} == set(NEGATED)


@pytest.mark.parametrize("operator", ["is greater than", "is not greater than", "equals", "does not equal"])
@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("seven", "“seven” is not a number"),
        ("", "there is no value"),
        ("1,200", "not a number"),
        ("NaN", "not"),
        ("\u0661", "not"),
    ],
)
def test_a_number_that_is_none_neither_holds_nor_not_and_says_why(
    operator: Operator, found: str, told: str
) -> None:
    outcome = compared(operator, found, "5", type="number")
    assert not outcome.holds
    assert told in outcome.problem


def test_a_date_that_is_none_says_so() -> None:
    assert "“yesterday” is not a date" in compared("is less than", "yesterday", MONDAY, type="date").problem
    assert "not a date" in compared("is one of", MONDAY, MONDAY, "soon", type="date").problem


def test_a_name_that_the_event_does_not_have_says_so() -> None:
    comparison = Comparison("~{aedj://missing}", "is empty")
    (outcome,) = evaluate(Group("all", (comparison,)), fields()).compared
    assert not outcome.holds
    assert "aedj://missing" in outcome.problem


def test_wanted_values_are_piped_text_too_and_mean_nothing_in_a_pattern() -> None:
    sources = fields(field="price (net)", other="(net)")
    for operator in ("contains", "matches"):
        comparison = Comparison(FIELD, operator, value="~{aedj://other}")
        assert evaluate(Group("all", (comparison,)), sources).holds
    comparison = Comparison(FIELD, "is one of", values=("x", "price ~{aedj://other}"))
    assert evaluate(Group("all", (comparison,)), sources).holds


def test_all_that_was_looked_at_is_told_in_order_with_values_and_place() -> None:
    group = Group(
        "any",
        (
            Comparison(FIELD, "equals", value="x"),
            Group("all", (Comparison(FIELD, "contains", value="e"), Comparison(FIELD, "is empty"))),
        ),
    )
    evaluation = evaluate(group, fields(field="yes"))
    assert not evaluation.holds
    assert [(one.place, one.found, one.wanted, one.holds) for one in evaluation.compared] == [
        ("conditions[0]", "yes", ("x",), False),
        ("conditions[1].conditions[0]", "yes", ("e",), True),
        ("conditions[1].conditions[1]", "yes", (), False),
    ]


def test_long_values_are_cut_and_say_so() -> None:
    outcome = compared("contains", "x" * 5000, "y" * 5000)
    assert (len(outcome.found), outcome.found[-1]) == (LONGEST_SHOWN, "…")
    assert len(outcome.wanted[0]) == LONGEST_SHOWN


def test_what_is_stored_is_read_again_the_same() -> None:
    group = Group(
        "all", (Comparison(FIELD, "equals", value="x"), Group("any", (Comparison(FIELD, "is empty"),)))
    )
    assert msgspec.json.decode(msgspec.json.encode(group), type=Group) == group


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}$", r"((a?){200}){2}a{400}$", r"(?:.{500}){2}x$"]
)
@pytest.mark.parametrize("text", ["a" * 60_000, "äx" * 30_000, "a " * 30_000])
def test_no_pattern_hangs(pattern: str, text: str) -> None:
    assert not compared("matches", f"{text}!", pattern).holds


def test_a_pattern_that_would_take_long_on_a_long_text_says_so() -> None:
    assert "too long" in compared("matches", "a" * 60_000, "((a?){500}){2}a{900}").problem
    assert not compared("matches", "a" * 600, "((a?){500}){2}a{900}").problem


# all and any ----------------------------------------------------------------------------------------------

LEAVES = st.sampled_from([Comparison(FIELD, "is empty"), Comparison(FIELD, "is not empty")])
JOINS = st.sampled_from(["all", "any"])
GROUPS = st.recursive(
    st.builds(Group, JOINS, st.lists(LEAVES, max_size=3).map(tuple)),
    lambda below: st.builds(Group, JOINS, st.lists(st.one_of(LEAVES, below), max_size=3).map(tuple)),
    max_leaves=8,
)


def opposite(condition: Comparison | Group) -> Comparison | Group:
    if isinstance(condition, Comparison):
        flipped = {**NEGATED, **NEGATIONS}[condition.operator]
        return msgspec.structs.replace(condition, operator=flipped)
    return Group("any" if condition.join == "all" else "all", tuple(map(opposite, condition.conditions)))


@given(GROUPS)
def test_the_opposite_of_conditions_holds_exactly_when_they_do_not(group: Group) -> None:
    flipped = opposite(group)
    assert isinstance(flipped, Group)
    assert evaluate(flipped, fields(field="x")).holds is not evaluate(group, fields(field="x")).holds


@given(st.lists(GROUPS, max_size=4))
def test_all_and_any_mean_what_they_say(groups: list[Group]) -> None:
    sources = fields(field="x")
    each = [evaluate(group, sources).holds for group in groups]
    assert evaluate(Group("all", tuple(groups)), sources).holds is all(each)
    assert evaluate(Group("any", tuple(groups)), sources).holds is any(each)


# anything whatever ----------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.text(max_size=30),
    st.decimals(allow_nan=True).map(str),
    st.dates().map(str),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())).map(lambda moment: moment.isoformat()),
    st.sampled_from([FIELD, "~{aedj://missing}", "${e://Field/X?d=y}", "(", "[a-", r"\p{L}+", "\ud800"]),
)
COMPARISONS = st.builds(
    Comparison,
    st.one_of(VALUES, st.just(FIELD)),
    st.sampled_from(get_args(Operator)),
    value=VALUES,
    values=st.lists(VALUES, max_size=3).map(tuple),
    type=st.sampled_from(get_args(ValueType)),
)


@given(COMPARISONS, VALUES)
def test_nothing_raises_and_negations_are_complements_where_values_can_be_compared(
    comparison: Comparison, found: str
) -> None:
    sources = fields(field=found)
    negated = msgspec.structs.replace(comparison, operator={**NEGATED, **NEGATIONS}[comparison.operator])
    (one,) = evaluate(Group("all", (comparison,)), sources).compared
    (other,) = evaluate(Group("all", (negated,)), sources).compared
    assert bool(one.problem) == bool(other.problem)
    if one.problem:
        assert not one.holds
        assert not other.holds
    else:
        assert one.holds is not other.holds


@given(COMPARISONS, VALUES)
def test_what_can_be_saved_has_problems_only_with_what_comes(comparison: Comparison, found: str) -> None:
    if check_conditions(Group("all", (comparison,))):
        return
    (outcome,) = evaluate(Group("all", (comparison,)), fields(field=found)).compared
    if comparison.type == "text" and "missing" not in f"{comparison}" and "Field/X" not in f"{comparison}":
        assert not outcome.problem


# checked before they are saved ----------------------------------------------------------------------------


def nested(depth: int) -> Group:
    group = Group("all", (Comparison(FIELD, "is empty"),))
    for _ in range(depth - 1):
        group = Group("all", (group,))
    return group


def test_groups_stand_in_groups_up_to_a_depth() -> None:
    assert check_conditions(nested(DEEPEST)) == []
    assert evaluate(nested(DEEPEST), fields(field="")).holds
    ((path, words),) = check_conditions(nested(DEEPEST + 1))
    assert path.count("conditions[0]") == DEEPEST
    assert "10 deep" in words
    (deep,) = evaluate(nested(500), fields(field="")).compared
    assert not deep.holds
    assert "10 deep" in deep.problem


@pytest.mark.parametrize(
    ("condition", "path", "told"),
    [
        (Group("all", ()), "conditions[0]", "at least one"),
        (Comparison("inboxId", "is empty"), "conditions[0].field", "names no value"),
        (Comparison(FIELD, "equals"), "conditions[0].value", "is empty"),
        (Comparison(FIELD, "is one of", value="x"), "conditions[0].values", "at least one value"),
        (Comparison(FIELD, "contains", value="1", type="number"), "conditions[0].operator", "for text"),
        (Comparison(FIELD, "is less than", value="1"), "conditions[0].operator", "numbers and dates"),
        (Comparison(FIELD, "equals", value="x", type="number"), "conditions[0].value", "not a number"),
        (
            Comparison(FIELD, "is one of", values=(MONDAY, "x"), type="date"),
            "conditions[0].values[1]",
            "not a date",
        ),
        (Comparison(FIELD, "matches", value="("), "conditions[0].value", "missing )"),
        (Comparison(FIELD, "matches", value=r"(?=a)"), "conditions[0].value", "look-around"),
        (Comparison(FIELD, "matches", value="x" * 1001), "conditions[0].value", "1000 characters"),
        (Comparison(FIELD, "does not match", value="(~{aedj://x}"), "conditions[0].value", "missing )"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(
    condition: Comparison | Group, path: str, told: str
) -> None:
    ((found, words),) = check_conditions(Group("all", (condition,)))
    assert found == path
    assert told in words


def test_all_mistakes_are_told_at_once_and_too_many_comparisons_are_one() -> None:
    wrong = Comparison("x", "equals")
    group = Group("all", tuple(itertools.repeat(wrong, MOST_COMPARISONS + 1)))
    mistakes = check_conditions(group)
    assert mistakes[0][0] == "conditions"
    assert len(mistakes) == 1 + 2 * MOST_COMPARISONS


def test_values_that_are_only_known_when_the_event_is_are_taken() -> None:
    comparison = Comparison(FIELD, "is greater than", value="~{aedj://limit}", type="number")
    assert check_conditions(Group("all", (comparison,))) == []
