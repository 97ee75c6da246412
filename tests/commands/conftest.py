"""Commands on an installation's database, as people and programs call them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.cli import app
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.endpoints import make_endpoint

Call = Callable[..., Awaitable[Any]]

NOTE = Task(
    "T-1",
    "distribute-survey",
    "Ask the customer",
    {"mailing_list": "CG_1", "survey": "SV_1", "email": "~{aedj://email}"},
)
ONLY_IF = Group("all", (Comparison("~{aedj://email}", "is not empty"),))


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox.open(Settings.load({}, data_dir=tmp_path))


@pytest.fixture
def call(database_url: str, tmp_path: Path) -> Call:
    """``await call("list")``: the command, and what came of it."""
    environment = {"AFTERWORD_DATABASE_URL": database_url, "AFTERWORD_DATA_DIR": str(tmp_path)}

    async def run(*arguments: str, typed: str | None = None, group: str = "workflows") -> Any:
        words = [group, *arguments] if group else list(arguments)
        return await asyncio.to_thread(CliRunner().invoke, app, words, input=typed, env=environment)

    return run


@pytest.fixture
async def endpoint_id(database: Database, box: SecretBox) -> str:
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        person = await add_person(connection, email="o@example.com", name="Olive", role="owner")
        return await make_endpoint(connection, box, person_id=person.id)


@pytest.fixture
async def workflow_id(database: Database, endpoint_id: str) -> str:
    """Off, with a JSON event, a field, a condition and a task."""
    event = JsonEvent(endpoint_id, (JsonField("email", "$.email"),))
    async with database.transaction() as connection:
        return await add_workflow(
            connection, name="Ask", definition=Definition(event, (NOTE,), ONLY_IF), is_on=False
        )


def json_of(result: Any) -> Any:
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)
