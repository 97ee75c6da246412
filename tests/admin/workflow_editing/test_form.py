"""A Workflow as a form: whatever can be saved comes out of the form as it went in."""

import json
import re
import string
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.fixtures.workflow_forms import form_in

from afterword import admin
from afterword.admin.workflows.conditions import OPERATORS, TYPES
from afterword.admin.workflows.controls import Tree
from afterword.admin.workflows.draft import Draft, Forms, change, definition_of, draft_of, read_draft
from afterword.admin.workflows.fields import Field
from afterword.admin.workflows.page import event_card, task_cards
from afterword.admin.workflows.values import Typed
from afterword.pages.rendering import Templates
from afterword.tasks.registry import find_task_types
from afterword.tasks.services import Services
from afterword.workflows.comparing import Operator, ValueType
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    JsonField,
    Schedule,
    SurveyResponse,
    Task,
)


class Nothing:
    """Stands for what task types work with."""

    def __getattr__(self, _: str) -> "Nothing":
        return self


TASK_TYPES = find_task_types(cast("Services", Nothing())).usable
FORMS = Forms(TASK_TYPES)
OFFERS: Mapping[str, Mapping[str, str]] = {
    kind: {"X_1": "One", "X_2": "Two"}
    for kind in ("gladly-account", "qualtrics-account", "web-service-account", "survey", "mailing-list")
}
TEMPLATES = Templates(Path(admin.__file__).parent / "templates")


def page_of(draft: Draft, base: Definition) -> str:
    """The form as the editor's page has it."""
    workflow = SimpleNamespace(id="OC_1", name="W", is_on=False, revision=1, changed_at=None, definition=base)
    macros = TEMPLATES.text(
        "workflows/form.html",
        {
            "workflow": workflow,
            "event": event_card(base.event, draft.tree["event"], draft.tree["conditions"], OFFERS),
            "tasks": task_cards(draft, FORMS, TASK_TYPES, OFFERS),
            "errors": {},
            "opened": frozenset(),
            "first_wrong": "",
            "connecting": None,
            "may_connect": False,
            "may_edit": True,
            "is_deleted": False,
            "operators": OPERATORS,
            "value_types": TYPES,
            "types": (),
            "picking": False,
            "query": "",
        },
    )
    return f'<form id="workflow-form">{macros}</form>'


def sent_back(draft: Draft, base: Definition, *, drops_blank: bool = True) -> Draft:
    """What is read when the form is sent as it was shown."""
    values: dict[str, list[str]] = {}
    for name, value in form_in(page_of(draft, base)).pairs:
        values.setdefault(name, []).append(value)
    return read_draft(Typed(values), base, FORMS, drops_blank=drops_blank)


texts = st.text(
    st.sampled_from(
        [*string.ascii_letters, *string.digits, " ", "\n", "<", '"', "&", "ü", "😀", "\t", "{", "$"]
    ),
    max_size=12,
)
filled = texts.filter(lambda text: bool(text.strip()))


def is_filled(row: Tree) -> bool:
    return any(value not in ("", None, [], {}) for value in row.values())


def values_of(field: Field, *, nullable: bool = True) -> st.SearchStrategy[Any]:
    """Any value that a field may have; what is required is not empty."""
    made: st.SearchStrategy[Any]
    match field.kind:
        case "number":
            whole = st.integers(-(10**9), 10**9)
            made = whole if field.is_whole else whole | st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            made = st.booleans()
        case "choice":
            made = st.sampled_from(field.options)
        case "choices":
            made = st.lists(st.sampled_from(field.options), unique=True)
        case "texts":
            made = st.lists(texts, min_size=int(field.is_required), max_size=3)
        case "pairs":
            made = st.dictionaries(filled, texts, max_size=3)
        case "rows":
            made = st.lists(groups_of(field.fields, in_rows=True).filter(is_filled), max_size=3)
        case "group":
            made = groups_of(field.fields)
        case _:
            made = filled if field.is_required else texts
    return made | st.none() if nullable and field.may_be_none else made


def groups_of(fields: tuple[Field, ...], *, in_rows: bool = False) -> st.SearchStrategy[Tree]:
    """Any configuration: each field that may be left out may be."""
    required = {field.name: values_of(field) for field in fields if field.is_required}
    optional = {field.name: values_of(field) for field in fields if not field.is_required}
    if in_rows:
        required = dict.fromkeys(required, texts)
    return st.fixed_dictionaries(required, optional=optional)


comparisons = st.builds(
    Comparison,
    field=st.text("ab~{}", min_size=1, max_size=5),
    operator=st.sampled_from(cast("list[Operator]", list(OPERATORS))),
    value=texts,
    values=st.lists(texts, max_size=2).map(tuple),
    type=st.sampled_from(cast("list[ValueType]", list(TYPES))),
)
joins = st.sampled_from(["all", "any"])


def grouped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    conditions = st.lists(inner, min_size=1, max_size=2).map(tuple)
    return st.builds(Group, join=joins, conditions=conditions)


conditions = st.none() | grouped(st.recursive(comparisons, grouped, max_leaves=5))
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(ConversationClosed, account=filled),
    st.builds(
        JsonEvent,
        endpoint=ids,
        fields=st.lists(st.builds(JsonField, name=filled, path=filled), max_size=3).map(tuple),
    ),
    st.builds(
        SurveyResponse,
        survey=ids,
        account=st.none() | ids,
        kinds=st.lists(
            st.sampled_from(["created", "updated", "partial", "imported", "preview", "test"]), unique=True
        ).map(tuple),
    ),
    st.builds(Schedule, cron=filled, time_zone=filled),
)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    name = draw(st.sampled_from([*sorted(TASK_TYPES), "not-installed"]))
    fields = FORMS.of(name)
    configuration = (
        draw(st.dictionaries(ids, texts | st.integers() | st.none(), max_size=2))
        if fields is None
        else draw(groups_of(fields))
    )
    return Task(
        id=draw(ids),
        type=name,
        label=draw(texts.map(lambda text: text.replace("\n", ""))),
        configuration=configuration,
        conditions=draw(conditions),
        on_failure=draw(st.sampled_from(["continue", "stop-dependents"])),
        after_unknown_outcome=draw(st.sampled_from([None, "do-again", "stop"])),
    )


definitions = st.builds(
    Definition, event=events, tasks=st.lists(tasks(), max_size=2).map(tuple), conditions=conditions
)


def as_saved(definition: Definition) -> str:
    """As JSON, where a whole number is the same whether it is written 5 or 5.0: a form shows it as 5."""
    encoded = msgspec.json.encode(definition, order="deterministic")
    return json.dumps(json.loads(encoded, parse_float=_number))


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


@settings(max_examples=30, deadline=None)
@given(definitions)
def test_whatever_can_be_saved_comes_out_of_the_form_as_it_went_in(definition: Definition) -> None:
    read = sent_back(draft_of(definition), definition)
    found, mistakes = definition_of(read)
    assert not mistakes
    assert found == definition
    assert as_saved(found) == as_saved(definition)


BUTTONS = re.compile(r"(add-row|add-pair|add-condition|add-group|remove|up|down|add-task):")


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(definitions, st.data())
def test_whatever_buttons_are_pressed_the_form_holds_the_whole_draft(
    definition: Definition, data: st.DataObject
) -> None:
    draft = draft_of(definition)
    for _ in range(3):
        buttons = [
            *(one for one in form_in(page_of(draft, definition)).buttons if BUTTONS.match(one)),
            "add-task:web-service",
            "add-task:send-json-event",
        ]
        what, _colon, path = data.draw(st.sampled_from(buttons)).partition(":")
        change(draft, what, path, FORMS)
        read = sent_back(draft, definition, drops_blank=False)
        assert read.tree == draft.tree
