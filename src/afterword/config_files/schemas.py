"""JSON Schemas of the files, for editors: with each installed task type's configuration."""

from collections.abc import Iterable
from typing import Any

import msgspec

from afterword.config_files.documents import MODELS, Kind
from afterword.tasks.describing import TaskTypeDescription


def json_schemas(task_types: Iterable[TaskTypeDescription]) -> dict[Kind, dict[str, Any]]:
    """The schema of each kind of file."""
    schemas: dict[Kind, dict[str, Any]] = {kind: _inlined(model) for kind, model in MODELS.items()}
    task = schemas["workflow"]["$defs"]["Task"]
    described = list(task_types)
    task["properties"]["type"] = {
        "description": "What the task does.",
        "oneOf": [{"const": one.name, "title": one.label, "description": one.summary} for one in described],
    }
    task["allOf"] = [
        {
            "if": {"properties": {"type": {"const": one.name}}},
            "then": {"properties": {"configuration": _moved(one, schemas["workflow"]["$defs"])}},
        }
        for one in described
    ]
    return schemas


def _moved(task_type: TaskTypeDescription, parts: dict[str, Any]) -> Any:
    """A task type's schema with its parts among the workflow's, under names of their own."""
    text = msgspec.json.encode(task_type.configuration).decode()
    schema = msgspec.json.decode(text.replace("#/$defs/", f"#/$defs/{task_type.name}."))
    parts |= {f"{task_type.name}.{name}": part for name, part in schema.pop("$defs", {}).items()}
    return schema


def _inlined(model: type[msgspec.Struct]) -> dict[str, Any]:
    """A schema whose top is the model itself, with its parts below."""
    schema = msgspec.json.schema(model)
    parts = schema.pop("$defs", {})
    top = parts.pop(model.__name__)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": parts}
