"""``afterword explain`` and ``afterword rehearse``, as people and programs call them."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from afterword import log
from afterword.cli import app
from afterword.store.database import Database
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow, save_revision

FIELDS = tuple(JsonField(name, f"$.{name}") for name in ("name", "email"))
TASK = Task(
    "T-1",
    "email-notification",
    "Tell the lead",
    {"to": ["lead@x.org"], "subject": "About ~{aedj://name}", "message": "Call them."},
)
ONLY_BEA = Group("all", (Comparison("~{aedj://name}", "equals", "Bea"),))
EVENT = '{"name": "Ada", "email": "ada@x.org"}'


class Commands:
    """The commands on this test's database, with a workflow that one event has gone through."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.environment = {
            "AFTERWORD_DATABASE_URL": database.url,
            "AFTERWORD_DATA_DIR": str(folder),
            "AFTERWORD_SECRET_KEY": "one key of the tests that is long enough",
        }
        self.workflow_id = ""
        self.event_id = self.run_id = 0

    async def set_up(self) -> None:
        async with self.database.transaction() as connection:
            self.workflow_id = await add_workflow(
                connection, name="Tell", definition=Definition(JsonEvent("OC_1", FIELDS), (TASK,))
            )
        pool = self.database.pool
        self.event_id = await pool.fetchval(
            "INSERT INTO event (origin, type, body, status) VALUES ('json-event/OC_1', 'JSON Event', $1, 'matched') "
            "RETURNING id",
            EVENT,
        )
        self.run_id = await pool.fetchval(
            "INSERT INTO run (workflow_id, revision, event_id, status, conversation_id) "
            "VALUES ($1, 1, $2, 'succeeded', 'conv1') RETURNING id",
            self.workflow_id,
            self.event_id,
        )
        await pool.execute(
            "INSERT INTO task_attempt (run_id, position, attempt, status, input, output, started_at, finished_at) "
            'VALUES ($1, 0, 1, \'succeeded\', \'{}\', \'{"sent": {"to": "lead@x.org", "subject": "Hello"}}\', '
            "now(), now())",
            self.run_id,
        )

    async def __call__(self, *words: str, typed: str | None = None) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, [*words], input=typed, env=self.environment)

    async def refused(self, *words: str, typed: str | None = None) -> str:
        result = await self(*words, typed=typed)
        assert result.exit_code == 1, result.output
        return str(result.exception)


@pytest.fixture
async def commands(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setattr(log, "configure_logging", lambda _: None)  # it is the whole process's
    made = Commands(database, tmp_path)
    await made.set_up()
    return made


async def test_explain_tells_the_story_in_lines(commands: Commands) -> None:
    result = await commands("explain", "conv1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Conversation conv1"
    assert any(line.endswith(f"began (revision 1). [run {commands.run_id}]") for line in lines)
    assert any("a mail went to lead@x.org, subject “Hello”" in line for line in lines)
    assert lines[-1].strip() == "Nothing more will happen by itself."


async def test_explain_as_json_is_json_alone(commands: Commands) -> None:
    result = await commands("explain", str(commands.run_id), "--json")
    told: Any = msgspec.json.decode(result.stdout)
    assert (told["kind"], told["stories"][0]["conversation_id"]) == ("run", "conv1")


async def test_explain_of_what_nobody_knows_ends_with_1_and_says_what_to_do(commands: Commands) -> None:
    result = await commands("explain", "conv9")
    assert result.exit_code == 1
    assert "check the webhook" in result.stdout
    result = await commands("explain", "conv9", "--json")
    assert (result.exit_code, msgspec.json.decode(result.stdout)["stories"]) == (1, [])


async def test_rehearse_shows_what_would_be_sent_beside_what_was(commands: Commands) -> None:
    result = await commands("rehearse", "tell", "--event", str(commands.event_id))
    assert result.exit_code == 0, result.output
    assert "Tell: would start" in result.stdout
    assert f"beside run {commands.run_id}" in result.stdout
    assert "task 1, Tell the lead: would be done" in result.stdout
    assert "- subject: Hello\n" in result.stdout
    assert "+ subject: About Ada\n" in result.stdout


async def test_rehearse_takes_a_body_from_a_file_or_standard_input(
    commands: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "event.json"
    file.write_text('{"name": "Cid"}', "utf-8")
    by_file = await commands("rehearse", commands.workflow_id, "--body", str(file), "--json")
    typed = await commands("rehearse", commands.workflow_id, "--body", "-", "--json", typed='{"name": "Cid"}')
    for result in (by_file, typed):
        told: Any = msgspec.json.decode(result.stdout)
        assert told["tasks"][0]["sends"]["subject"] == "About Cid"
        assert told["last_run"]["same_event"] is False


async def test_rehearse_takes_a_revision_and_tells_conditions(commands: Commands) -> None:
    async with commands.database.transaction() as connection:
        await save_revision(
            connection,
            commands.workflow_id,
            Definition(JsonEvent("OC_1", FIELDS), (TASK,), ONLY_BEA),
            person_id=None,
            expected_revision=1,
            check=None,
        )
    event = ("--event", str(commands.event_id))
    newest = await commands("rehearse", "Tell", *event)
    assert "Tell: would do nothing" in newest.stdout
    assert "does not hold: “name” was “Ada” and had to equal “Bea”" in newest.stdout
    first = await commands("rehearse", "Tell", *event, "--revision", "1")
    assert "Tell: would start" in first.stdout
    assert "no revision 7" in await commands.refused("rehearse", "Tell", *event, "--revision", "7")


async def test_what_cannot_be_rehearsed_is_said_in_one_line(commands: Commands) -> None:
    both = ("--event", "1", "--body", "-")
    assert "either, and not both" in await commands.refused("rehearse", "Tell")
    assert "either, and not both" in await commands.refused("rehearse", "Tell", *both)
    assert "There is no event 77" in await commands.refused("rehearse", "Tell", "--event", "77")
    assert "There is no workflow 'Nothing'" in await commands.refused("rehearse", "Nothing", "--event", "1")
    assert "cannot be read" in await commands.refused("rehearse", "Tell", "--body", "/nowhere")
    wrong = await commands.refused("rehearse", "Tell", "--body", "-", typed='{"a": 1,\n "b" 2}')
    assert "line 2, column 6" in wrong
    async with commands.database.transaction() as connection:
        await add_workflow(connection, name="tell", definition=Definition(JsonEvent("OC_2"), (TASK,)))
    assert "2 workflows are called 'Tell'" in await commands.refused("rehearse", "Tell", "--event", "1")
