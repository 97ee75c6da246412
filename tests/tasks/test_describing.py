"""What forms, commands and editors are told of a task type is made from the type itself, and whole."""

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from typer.testing import CliRunner

from afterword.cli import app
from afterword.tasks.contract import Piped
from afterword.tasks.describing import (
    PIPED,
    TaskTypeDescription,
    configuration_schema,
    describe_installed,
    fields_of,
)

DOC = Path(__file__).resolve().parents[2] / "docs" / "tasks.md"
DESCRIBED = {task_type.name: task_type for task_type in describe_installed()[0]}
each_task_type = pytest.mark.parametrize("described", DESCRIBED.values(), ids=DESCRIBED)


@each_task_type
def test_each_field_has_label_help_and_example(described: TaskTypeDescription) -> None:
    fields = list(fields_of(described.configuration))
    assert fields
    for field in fields:
        assert field.title, field.path
        assert field.title != field.path, f"{field.path} has no title of its own"
        assert field.description.endswith("."), field.path
        assert field.example is not None, field.path


@each_task_type
def test_it_has_a_summary_its_outputs_and_where_it_is_from(described: TaskTypeDescription) -> None:
    assert described.summary.endswith(".")
    assert described.outputs, "its required fields have examples that fit together"
    assert described.package.startswith("afterword ")
    assert described.repetition.split(":")[0] in {"idempotent", "neither"}


@each_task_type
def test_the_schema_is_told_as_json_on_the_command_line(described: TaskTypeDescription) -> None:
    shown = CliRunner().invoke(app, ["tasks", "show", described.name, "--json"])
    assert json.loads(shown.stdout) == json.loads(msgspec.json.encode(described))
    assert "$defs" in json.loads(shown.stdout)["configuration"]


def test_piped_text_is_marked_with_its_place() -> None:
    fields = {name: DESCRIBED[name].configuration["$defs"] for name in DESCRIBED}
    web, survey = fields["web-service"]["WebService"], fields["distribute-survey"]["DistributeSurvey"]
    assert web["properties"]["address"][PIPED] == {"of": "run", "into": "url"}
    assert web["properties"]["body"][PIPED] == {"of": "run", "chosenBy": "body_type"}
    assert PIPED not in web["properties"]["method"]
    assert survey["properties"]["message"][PIPED] == {"of": "invitation", "into": "text"}
    assert fields["distribute-survey"]["EmbeddedDatum"]["properties"]["value"][PIPED]["of"] == "run"


class Node(msgspec.Struct, rename="camel"):
    """A model that holds itself, as a group of conditions does."""

    own_text: Annotated[str, Piped("html")] = ""
    below: "tuple[Node, ...]" = ()


def test_a_model_that_holds_itself_is_told_once() -> None:
    schema: Any = configuration_schema(Node)
    assert [field.path for field in fields_of(schema)] == ["ownText", "below"]
    assert schema["$defs"]["Node"]["properties"]["ownText"][PIPED]["into"] == "html"


def test_the_list_is_told_as_json() -> None:
    told = json.loads(CliRunner().invoke(app, ["tasks", "list", "--json"]).stdout)
    assert [task_type["name"] for task_type in told["taskTypes"]] == sorted(DESCRIBED)
    assert told["unusable"] == []


def test_a_task_type_that_is_not_there_is_an_error_that_says_where_to_look() -> None:
    refused = CliRunner().invoke(app, ["tasks", "show", "no-such"])
    assert refused.exit_code == 1
    assert "`afterword tasks list` shows all" in str(refused.exception)


@each_task_type
def test_the_docs_list_its_settings_and_outputs_as_the_code_has_them(described: TaskTypeDescription) -> None:
    section = DOC.read_text("utf-8").split(f"## {described.label}\n")[1].split("\n## ")[0]
    assert f"`{described.name}`." in section
    told = [line for line in section.splitlines() if line.startswith("| `")]
    assert told == [
        f"| `{field.path}`{' ¶' if field.is_piped else ''} | {'required' if field.is_required else ''} | "
        f"*{field.title}*: {field.description} |"
        for field in fields_of(described.configuration)
    ]
    outputs = ", ".join(f"`{name}`" for name in described.outputs or ())
    assert f"Output: {outputs}." in " ".join(section.split())
