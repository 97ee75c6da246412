"""An installation's set-up as files: written, compared, applied whole or not at all."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.people import add_person
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.cli import app
from afterword.directory.contacts import add_mailing_list
from afterword.gladly.webhooks import BasicCredentials, WebhookCredentials
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.workflows.saving.templates import (
    gladly_to_json_event,
    json_event_to_survey,
    response_to_gladly,
)
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.endpoints import add_endpoint, new_url_token

Afterword = Callable[..., Result]


@pytest.fixture
def afterword(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Afterword:
    """The command, on this test's database, run as a person would."""
    for name in [name for name in os.environ if name.startswith("AFTERWORD_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AFTERWORD_DATABASE_URL", database_url)
    monkeypatch.setenv("AFTERWORD_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture
async def guide(database: Database, tmp_path: Path) -> Database:
    """The guide's set-up: two accounts, a survey, a mailing list, three workflows."""
    (tmp_path / "data").mkdir()
    settings = Settings.load({"AFTERWORD_DATA_DIR": str(tmp_path / "data")})
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        owner = await add_person(connection, email="Olive@example.org", name="Olive Owner", role="owner")
        gladly = await add_gladly(
            connection,
            box,
            name="Production",
            base_url="https://example.gladly.com",
            username="api@example.org",
            api_token="a secret token",
            webhook=WebhookCredentials((BasicCredentials("u", "a secret password"),)),
        )
        qualtrics = await add_qualtrics(
            connection,
            box,
            name="Production",
            api_token="another secret token",
            json_event_url="https://example.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId=secret",
        )
        await add_endpoint(
            connection, box, endpoint_id="OC_abcdefghijklmno", person_id=owner.id, url_token=new_url_token()
        )
        survey = await add_survey(connection, name="CSAT", definition=csat_survey())
        mailing_list = await add_mailing_list(connection, name="Customers asked")
        for name, definition in (
            ("Tell", gladly_to_json_event(gladly.id, qualtrics.id)),
            ("Ask", json_event_to_survey("OC_abcdefghijklmno", mailing_list, survey)),
            ("Answer", response_to_gladly(survey, gladly.id)),
        ):
            await add_workflow(connection, name=name, definition=definition, owner_id=owner.id)
    return database


def files_of(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*.yaml"))}


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def in_thread(afterword: Afterword, *arguments: str) -> Result:
    """Commands run an event loop of their own."""
    import asyncio  # noqa: PLC0415

    return await asyncio.to_thread(afterword, *arguments)


async def test_what_is_exported_reads_well_and_holds_no_secret(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    result = await in_thread(afterword, "export", str(folder))
    assert result.exit_code == 0, result.output
    files = files_of(folder)
    assert set(files) == {
        "accounts/production.yaml",
        "accounts/production-2.yaml",
        "mailing-lists/customers-asked.yaml",
        "surveys/csat.yaml",
        "workflows/answer.yaml",
        "workflows/ask.yaml",
        "workflows/tell.yaml",
    }
    assert not re.search("secret", "".join(files.values()))
    asked = YAML(typ="safe").load(files["workflows/ask.yaml"])
    assert asked["tasks"][0]["configuration"]["survey"] == "CSAT"
    assert asked["tasks"][0]["configuration"]["mailing_list"] == "Customers asked"
    assert asked["owner"] == "Olive@example.org"


async def test_every_exported_file_fits_its_schema(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    checked = 0
    for file, text in files_of(folder).items():
        schema_file = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
        assert schema_file is not None
        schema = msgspec.json.decode(((folder / file).parent / schema_file[1]).read_bytes())
        jsonschema.validate(YAML(typ="safe").load(text), schema)
        checked += 1
    assert checked == 7


async def test_the_schema_knows_each_task_types_configuration(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    await in_thread(afterword, "export", str(tmp_path / "config"))
    schema = msgspec.json.decode((tmp_path / "config/schemas/workflow.schema.json").read_bytes())
    document = YAML(typ="safe").load((tmp_path / "config/workflows/ask.yaml").read_text())
    document["tasks"][0]["configuration"]["delay_seconds"] = "soon"
    with pytest.raises(jsonschema.ValidationError, match="soon"):
        jsonschema.validate(document, schema)


async def test_what_was_just_exported_is_no_difference(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = str(tmp_path / "config")
    await in_thread(afterword, "export", folder)
    result = await in_thread(afterword, "diff", folder)
    assert (result.exit_code, result.output) == (0, "Nothing would change.\n")


async def test_exporting_twice_writes_the_same_files_and_removes_those_of_what_is_gone(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    first = files_of(folder)
    await guide.pool.execute("UPDATE workflow SET deleted_at = now(), is_on = false WHERE name = 'Tell'")
    await in_thread(afterword, "export", str(folder))
    del first["workflows/tell.yaml"]
    assert files_of(folder) == first


async def test_a_change_is_shown_then_applied_as_a_revision_then_gone(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    change(folder / "workflows/answer.yaml", "CSAT Score: ", "Score: ")
    shown = await in_thread(afterword, "diff", str(folder))
    assert shown.exit_code == 1
    assert "changed: workflow “Answer”" in shown.output
    assert "CSAT Score" in shown.output
    applied = await in_thread(afterword, "apply", str(folder))
    assert applied.exit_code == 0, applied.output
    assert await guide.pool.fetchval("SELECT current_revision FROM workflow WHERE name = 'Answer'") == 2
    again = await in_thread(afterword, "apply", str(folder))
    assert again.output == "Nothing changed.\n"
    assert await guide.pool.fetchval("SELECT max(number) FROM workflow_revision") == 2


async def test_brakes_are_applied_exported_and_checked(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    file = folder / "workflows" / "ask.yaml"
    assert "brakes" not in file.read_text()
    file.write_text(file.read_text() + "brakes:\n  in_test: true\n  allowed: [team.example]\n")
    refused = await in_thread(afterword, "apply", str(folder))
    assert refused.exit_code == 1
    assert "“team.example” is no address and no domain" in refused.output + str(refused.exception)
    change(file, "team.example", '"@team.example"')
    applied = await in_thread(afterword, "apply", str(folder))
    assert applied.exit_code == 0, applied.output
    stored = await guide.pool.fetchval("SELECT definition->'brakes' FROM workflow_revision WHERE number = 2")
    assert msgspec.json.decode(stored) == {"in_test": True, "allowed": ["@team.example"]}
    await in_thread(afterword, "export", str(folder))
    assert "in_test: true" in file.read_text()
    assert (await in_thread(afterword, "diff", str(folder))).exit_code == 0
    change(file, "in_test", "in_tset")
    assert (await in_thread(afterword, "diff", str(folder))).exit_code != 0


async def test_every_kind_of_change_is_applied(guide: Database, afterword: Afterword, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    change(folder / "surveys/csat.yaml", "How happy are you", "How content are you")
    change(folder / "surveys/csat.yaml", "name: CSAT", "name: Contentment\nactive: false")
    change(folder / "workflows/ask.yaml", "survey: CSAT", "survey: Contentment")
    change(folder / "workflows/answer.yaml", "survey: CSAT", "survey: Contentment")
    change(folder / "mailing-lists/customers-asked.yaml", "Customers asked", "Asked")
    change(folder / "workflows/ask.yaml", "Customers asked", "Asked")
    change(folder / "workflows/tell.yaml", "on: true", "on: false")
    result = await in_thread(afterword, "apply", str(folder))
    assert result.exit_code == 0, f"{result.output} {result.exception}"
    row = await guide.pool.fetchrow("SELECT name, is_active, definition::text AS asked FROM survey")
    assert row is not None
    assert (row["name"], row["is_active"]) == ("Contentment", False)
    assert "How content are you" in row["asked"]
    assert await guide.pool.fetchval("SELECT name FROM mailing_list") == "Asked"
    assert await guide.pool.fetchval("SELECT is_on FROM workflow WHERE name = 'Tell'") is False
    assert (await in_thread(afterword, "diff", str(folder))).exit_code == 0


async def test_how_an_accounts_events_reach_us_is_applied_and_nothing_else_of_it(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    (gladly,) = [file for file in (folder / "accounts").iterdir() if "kind: gladly" in file.read_text()]
    change(gladly, "delivery: own", "delivery: pull")
    result = await in_thread(afterword, "apply", str(folder))
    assert result.exit_code == 0, result.output
    assert "delivery" in result.output
    rows = await guide.pool.fetch("SELECT kind, delivery FROM connected_account ORDER BY kind")
    assert [tuple(row) for row in rows] == [("gladly", "pull"), ("qualtrics", None)]
    assert (await in_thread(afterword, "diff", str(folder))).exit_code == 0
    change(gladly, "delivery: pull", "delivery: push")
    assert "delivery" in str((await in_thread(afterword, "apply", str(folder))).exception)


async def test_a_new_workflow_needs_no_ids(guide: Database, afterword: Afterword, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    (folder / "workflows").mkdir(parents=True)
    (folder / "workflows/new.yaml").write_text(
        """\
name: From a shop
on: true
event:
  type: json-event
  endpoint: new
  fields:
    - name: email
      path: $.email
tasks:
  - id: T-1
    type: add-contact
    label: Keep them
    configuration:
      mailing_list: Customers asked
      email: ~{aedj://email}
"""
    )
    result = await in_thread(afterword, "apply", str(folder))
    assert result.exit_code == 0, f"{result.output} {result.exception}"
    row = await guide.pool.fetchrow(
        "SELECT is_on, definition->'event'->>'endpoint' AS endpoint FROM workflow JOIN workflow_revision "
        "ON workflow_id = id WHERE name = 'From a shop'"
    )
    assert row is not None
    assert row["is_on"]
    assert (
        await guide.pool.fetchval("SELECT count(*) FROM json_event_endpoint WHERE id = $1", row["endpoint"])
        == 1
    )
    again = await in_thread(afterword, "apply", str(folder))
    assert "Nothing changed." in again.output


def lines_of(result: Result) -> list[str]:
    """The faults that a refused command told, without the line that counts them."""
    assert isinstance(result.exception, ConfigurationError)
    return str(result.exception).replace("\n  ", "\n").splitlines()[1:]


async def test_nothing_is_applied_when_anything_is_wrong_and_each_fault_is_told_at_its_line(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    change(folder / "surveys/csat.yaml", "name: CSAT", "name: Changed")
    change(folder / "workflows/ask.yaml", "survey: CSAT", "survey: Changed")
    change(folder / "workflows/answer.yaml", "survey: CSAT", "survey: Changed")
    change(folder / "workflows/ask.yaml", "aedj://customerEmailAddress", "aedj://customerEmail")
    change(folder / "workflows/answer.yaml", "QID1/SelectedChoicesRecode", "QID9/SelectedChoicesRecode")
    result = await in_thread(afterword, "apply", str(folder))
    assert result.exit_code == 1
    told = lines_of(result)
    assert len(told) == 2
    for line, (file, text) in zip(
        told, (("workflows/answer.yaml", "QID9"), ("workflows/ask.yaml", "customerEmail}")), strict=True
    ):
        number = next(
            number
            for number, content in enumerate((folder / file).read_text().splitlines(), start=1)
            if text in content
        )
        assert line.startswith(f"{file}:{number}: "), line
    assert await guide.pool.fetchval("SELECT name FROM survey") == "CSAT"
    assert await guide.pool.fetchval("SELECT max(number) FROM workflow_revision") == 1


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (("workflows/ask.yaml", "tasks:", "tasks: ["), "it is not YAML"),
        (("workflows/ask.yaml", "on: true", "on: perhaps"), "Expected `bool`"),
        (("workflows/ask.yaml", "on: true", "turned: on"), "unknown field"),
        (
            ("workflows/ask.yaml", "survey: CSAT", "survey: Nothing"),
            "there is no survey 'Nothing'; there is: CSAT",
        ),
        (
            ("workflows/tell.yaml", "account: Production", "account: Staging"),
            "there is no gladly account 'Staging'",
        ),
        (("workflows/tell.yaml", "Olive@example.org", "nobody@example.org"), "nobody here has the address"),
        (("accounts/production.yaml", "name: Production", "name: Staging"), "files hold no secrets"),
        (("accounts/production.yaml", "https://example.gladly.com", "https://evil.example"), "here it is"),
        (("surveys/csat.yaml", "id: SV_", "id: OC_"), "the id of a survey begins with SV_"),
        (("workflows/ask.yaml", "type: distribute-survey", "type: paint"), "paint"),
        (("surveys/csat.yaml", "name: CSAT", 'name: "CS\\0AT"'), "neither a NUL"),
        (("workflows/ask.yaml", "survey: CSAT", 'survey: "CS\\ud800AT"'), "neither a NUL"),
    ],
)
async def test_each_mistake_is_told_with_its_file_and_line(
    guide: Database, afterword: Afterword, tmp_path: Path, mistake: tuple[str, str, str], words: str
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    file, old, new = mistake
    change(folder / file, old, new)
    result = await in_thread(afterword, "apply", str(folder))
    assert result.exit_code == 1
    told = lines_of(result)
    assert any(re.match(rf"{re.escape(file)}:[1-9]\d*: ", line) and words in line for line in told), told
    if "unknown" in words:
        lines = (folder / file).read_text().splitlines()
        assert told[0].startswith(f"{file}:{lines.index(new) + 1}: ")


async def test_two_files_of_one_thing_are_refused(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    (folder / "surveys/copy.yaml").write_text((folder / "surveys/csat.yaml").read_text())
    told = lines_of(await in_thread(afterword, "diff", str(folder)))
    assert len(told) == 1
    assert "describes the same survey" in told[0]


async def test_what_is_in_no_file_is_left_alone_unless_it_is_to_be_pruned(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    await in_thread(afterword, "export", str(folder))
    (folder / "workflows/tell.yaml").unlink()
    left = await in_thread(afterword, "diff", str(folder))
    assert left.exit_code == 0
    assert "left alone" in left.output
    pruned = await in_thread(afterword, "apply", str(folder), "--prune")
    assert "deleted: workflow “Tell”" in pruned.output
    assert await guide.pool.fetchval("SELECT count(*) FROM workflow WHERE deleted_at IS NULL") == 2


async def test_a_folder_that_is_not_there_is_told(
    guide: Database, afterword: Afterword, tmp_path: Path
) -> None:
    result = await in_thread(afterword, "diff", str(tmp_path / "nowhere"))
    assert "is not a folder" in str(result.exception)
    (tmp_path / "surveys/csat.yaml").mkdir(parents=True)
    result = await in_thread(afterword, "diff", str(tmp_path))
    assert "surveys/csat.yaml: it cannot be read: Is a directory" in str(result.exception)
    (tmp_path / "file").touch()
    result = await in_thread(afterword, "export", str(tmp_path / "file"))
    assert "cannot be written" in str(result.exception)
