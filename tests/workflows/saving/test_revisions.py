"""Two revisions held side by side."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    JsonField,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.revisions import Difference, compare

MAIL = Task(
    "T-1",
    "distribute-survey",
    "Ask",
    {"subject": "Hello", "embedded_data": [{"field": "a", "value": "1"}, {"field": "b", "value": "2"}]},
)
CARD = Task("T-2", "gladly-timeline-event", "Card", {"title": "Score"})
INBOX = Comparison("~{aedj://inboxId}", "equals", value="x")


def definition(*tasks: Task, event: Event | None = None, conditions: Group | None = None) -> Definition:
    return Definition(event or ConversationClosed("GA_1"), tasks, conditions)


def told(differences: Sequence[Difference]) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.where, one.change, one.before, one.after) for one in differences]


def task(configuration: dict[str, Any]) -> Task:
    return Task("T-1", "distribute-survey", "Ask", configuration)


def test_what_is_the_same_has_no_difference() -> None:
    assert compare(definition(MAIL, CARD), definition(MAIL, CARD)) == []


def test_a_field_that_changed_is_told_with_both_values() -> None:
    changed = task({**MAIL.configuration, "subject": "Good day"})
    (one,) = compare(definition(MAIL), definition(changed))
    assert one == Difference(
        "tasks[T-1].configuration.subject",
        "task “Ask” (T-1), configuration, subject",
        "changed",
        "Hello",
        "Good day",
    )


def test_elements_with_names_are_held_against_their_like_wherever_they_stand() -> None:
    changed = task(
        {"subject": "Hello", "embedded_data": [{"field": "c", "value": "3"}, {"field": "b", "value": "9"}]}
    )
    assert told(compare(definition(MAIL), definition(changed))) == [
        ("task “Ask” (T-1), configuration, embedded data “c”", "added", None, '{"field":"c","value":"3"}'),
        ("task “Ask” (T-1), configuration, embedded data “b”, value", "changed", "2", "9"),
        (
            "task “Ask” (T-1), configuration, embedded data “a”",
            "removed",
            '{"field":"a","value":"1"}',
            None,
        ),
    ]


def test_tasks_that_came_went_and_moved_are_told_as_such() -> None:
    other = Task("T-3", "email", "Note")
    assert [
        (where, change)
        for where, change, _, _ in told(compare(definition(MAIL, CARD), definition(CARD, other, MAIL)))
    ] == [("tasks", "moved"), ("task “Note” (T-3)", "added")]
    assert [one.change for one in compare(definition(MAIL, CARD), definition(MAIL))] == ["removed"]


def test_another_kind_of_event_is_one_difference_and_another_survey_too() -> None:
    (one,) = compare(definition(), definition(event=JsonEvent("OC_1")))
    assert (one.path, one.change) == ("event", "changed")
    (one,) = compare(
        definition(event=SurveyResponse("SV_1")),
        definition(event=SurveyResponse("SV_1", kinds=("created", "partial"))),
    )
    assert (one.where, one.change, one.after) == ("event, kinds 2", "added", "partial")


def test_json_fields_are_told_by_their_names() -> None:
    before = JsonEvent("OC_1", (JsonField("a", "$.a"),))
    after = JsonEvent("OC_1", (JsonField("b", "$.b"), JsonField("a", "$.other")))
    assert told(compare(definition(event=before), definition(event=after))) == [
        ("event, fields “b”", "added", None, '{"name":"b","path":"$.b"}'),
        ("event, fields “a”, path", "changed", "$.a", "$.other"),
    ]


def test_conditions_that_were_put_between_others_leave_these_alone() -> None:
    last = Comparison("~{aedj://agentId}", "is empty")
    before, after = Group("all", (INBOX, last)), Group("all", (INBOX, Group("any", (INBOX,)), last))
    (one,) = compare(definition(conditions=before), definition(conditions=after))
    assert (one.where, one.change) == ("conditions, conditions 2", "added")
    (one,) = compare(definition(), definition(conditions=before))
    assert (one.path, one.change) == ("conditions", "added")
    (one,) = compare(definition(conditions=before), definition(conditions=Group("any", (INBOX, last))))
    assert (one.path, one.before, one.after) == ("conditions.join", "all", "any")


CONFIGURATIONS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.text(max_size=2) | st.booleans(),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "name", "x"]), below, max_size=2)
        ),
        max_leaves=5,
    ),
    max_size=3,
)


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_there_is_a_difference_exactly_when_something_differs(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    there = compare(definition(task(before)), definition(task(after)))
    back = compare(definition(task(after)), definition(task(before)))
    assert bool(there) is bool(back)
    assert bool(there) is (before != after)
