"""Which tasks hang on which."""

from typing import Any

import pytest

from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import Task
from afterword.workflows.order import needed_tasks


def task(configuration: dict[str, Any] | None = None, conditions: Group | None = None) -> Task:
    return Task("T-9", "scripted", "Nine", configuration or {}, conditions)


@pytest.mark.parametrize(
    ("configuration", "needed"),
    [
        ({}, set()),
        ({"text": "plain", "number": 5, "flag": True, "nothing": None}, set()),
        ({"text": "~{ch://T-1/$.itemId}"}, {"T-1"}),
        ({"text": "a ${ch://T-1/$.a} b ~{ch://T-2/$.b.c[0]} c ~{ch://T-1/$.d}"}, {"T-1", "T-2"}),
        ({"text": "~{ch://T-1}"}, {"T-1"}),
        ({"rows": [{"name": "x", "value": "~{ch://T-1/$.x}"}, ["~{ch://T-2/$.y}"]]}, {"T-1", "T-2"}),
        ({"text": "${e://Field/T-1} ~{aedj://T-1} ch://T-1/$.x"}, set()),
    ],
)
def test_a_task_needs_those_whose_output_its_configuration_asks_for(
    configuration: dict[str, Any], needed: set[str]
) -> None:
    assert needed_tasks(task(configuration)) == needed


def test_a_task_needs_those_that_its_conditions_ask_for_however_deep() -> None:
    inner = Group("any", (Comparison("~{aedj://a}", "is one of", values=("~{ch://T-2/$.a}", "b")),))
    conditions = Group("all", (inner, Comparison("~{ch://T-1/$.a}", "equals", "~{ch://T-3/$.b}")))
    assert needed_tasks(task(conditions=conditions)) == {"T-1", "T-2", "T-3"}


def test_piped_text_with_a_default_needs_nothing() -> None:
    assert needed_tasks(task({"text": "~{ch://T-1/$.name?d=there} ~{ch://T-2/$.name?d=}"})) == set()
    assert needed_tasks(task({"text": "~{ch://T-1/$.name?d=there} ~{ch://T-1/$.id}"})) == {"T-1"}
