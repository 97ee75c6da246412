"""``afterword workflows`` and ``afterword backfill``, as people and programs call them."""

from typing import Any

from tests.commands.conftest import NOTE, Call, json_of

from afterword.events.models import json_event_origin
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.responses import record_response
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, SurveyResponse
from afterword.workflows.saving.workflows import add_workflow, save_revision
from afterword.workflows.starting.matching import Inbox


async def send(database: Database, endpoint_id: str, body: str) -> None:
    await database.pool.execute(
        "INSERT INTO event (origin, type, body) VALUES ($1, 'JSON Event', $2)",
        json_event_origin(endpoint_id),
        body,
    )
    await Inbox(database, RunQueue(database)).drain()


async def test_workflows_are_listed_and_shown(call: Call, workflow_id: str) -> None:
    assert (await call("list")).stdout == f"{workflow_id}  off  Ask\n"
    assert (await call("list", "--on")).stdout == "No such workflow.\n"
    assert [one["id"] for one in json_of(await call("list", "--json"))] == [workflow_id]
    shown = (await call("show", "ask")).stdout
    for line in (
        "off, without an owner",
        "Starts with: JSON Event",
        "    email: $.email",
        "        ~{aedj://email} is not empty",
        "1. Ask the customer (T-1, distribute-survey)",
    ):
        assert line in shown
    told = json_of(await call("show", workflow_id, "--json"))
    assert (told["workflow"]["revision"], told["keptEvents"], told["nextAt"]) == (1, 0, None)


async def test_what_is_not_there_is_said_in_one_line(call: Call) -> None:
    missing = await call("show", "Nothing")
    assert missing.exit_code == 1
    assert "There is no workflow 'Nothing'" in str(missing.exception)


async def test_a_workflow_whose_needs_are_not_met_is_not_turned_on(
    call: Call, workflow_id: str, database: Database
) -> None:
    refused = await call("on", workflow_id)
    assert refused.exit_code == 1
    assert "no mailing list “CG_1”" in str(refused.exception)
    assert "no survey “SV_1”" in str(refused.exception)
    assert not await database.pool.fetchval("SELECT is_on FROM workflow")


async def test_events_that_were_kept_are_run_once_it_is_on(
    call: Call, database: Database, endpoint_id: str, workflow_id: str
) -> None:
    for number in range(3):
        await send(database, endpoint_id, f'{{"n": {number}}}')
    assert "3 events kept" in (await call("show", workflow_id)).stdout
    refused = await call("feed", workflow_id)
    assert f"turn it on first: afterword workflows on {workflow_id}" in str(refused.exception)
    await database.pool.execute("UPDATE workflow SET is_on = true")
    asked = await call("feed", workflow_id, typed="n\n")
    assert "3 events to run" in asked.stdout
    assert await database.pool.fetchval("SELECT count(*) FROM run") == 0
    assert "3 runs started, behind live ones." in (await call("feed", workflow_id, typed="y\n")).stdout
    event_id = await database.pool.fetchval("SELECT min(id) FROM event")
    again = json_of(await call("feed", workflow_id, "--event", str(event_id), "--yes", "--json"))
    assert (again["runs"], again["already"]) == ([], 1)
    assert "--yes" in str((await call("feed", workflow_id, "--json")).exception)


async def test_a_workflow_is_turned_off_and_deleted_after_asking(
    call: Call, database: Database, endpoint_id: str, workflow_id: str
) -> None:
    await database.pool.execute("UPDATE workflow SET is_on = true")
    await send(database, endpoint_id, "{}")
    assert json_of(await call("off", workflow_id, "--json")) == {
        "id": workflow_id,
        "isOn": False,
        "heldRuns": 1,
    }
    asked = await call("delete", workflow_id, typed="n\n")
    assert "Runs that it cancels: 1." in asked.stdout
    assert (await call("list")).stdout.startswith(workflow_id)
    assert "deleted" in (await call("delete", workflow_id, "--yes")).stdout
    assert (await call("list")).stdout == "No workflow.\n"


async def test_revisions_are_listed_compared_and_restored(
    call: Call, database: Database, endpoint_id: str, workflow_id: str
) -> None:
    event = JsonEvent(endpoint_id, (JsonField("email", "$.mail"),))
    async with database.transaction() as connection:
        await save_revision(
            connection,
            workflow_id,
            Definition(event, ()),
            person_id=None,
            expected_revision=1,
            check=None,
        )
    compared = (await call("compare", workflow_id, "1")).stdout
    assert "~ event, fields “email”, path\n    was: $.email\n    is:  $.mail" in compared
    assert "- task “Ask the customer” (T-1)" in compared
    assert "- conditions" in compared
    assert json_of(await call("compare", workflow_id, "2", "1", "--json"))[0]["change"] == "changed"
    assert "say the same" in (await call("compare", workflow_id, "2", "2")).stdout
    restored = json_of(await call("restore", workflow_id, "2", "--json"))
    assert restored["revision"] == 2
    listed = (await call("revisions", workflow_id)).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["2", "1"]


async def test_the_address_is_copied_again_and_regenerated(
    call: Call, workflow_id: str, database: Database
) -> None:
    first = (await call("address", workflow_id)).stdout.strip()
    assert first.startswith("http://127.0.0.1:8700/inbound-event/v1/events/json/triggers?urlTokenId=")
    assert (await call("address", workflow_id)).stdout.strip() == first
    other = json_of(await call("address", workflow_id, "--regenerate", "--no-authentication", "--json"))
    assert other["address"] != first
    assert not other["authentication_required"]


async def test_fields_of_a_sample_are_added_as_a_revision(
    call: Call, database: Database, endpoint_id: str, workflow_id: str, eventually: Any
) -> None:
    none_came = await call("capture", workflow_id, "--wait", "0")
    assert "Capture stays on" in str(none_came.exception)
    await send(database, endpoint_id, '{"customer": {"full name": "Ada", "email": "a@example.com"}}')
    shown = (await call("capture", workflow_id)).stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["fullName", "email"]
    refused = await call("capture", workflow_id, "--add", "phone")
    assert "it has fullName, email" in str(refused.exception)
    async with database.transaction() as connection:
        definition = Definition(JsonEvent(endpoint_id), ())
        await save_revision(
            connection, workflow_id, definition, person_id=None, expected_revision=1, check=None
        )
    added = await call("capture", workflow_id, "--add", "fullName")
    assert added.exit_code == 0, added.output
    told = json_of(await call("show", workflow_id, "--json"))["workflow"]
    assert told["definition"]["event"]["fields"] == [{"name": "fullName", "path": "$.customer['full name']"}]


async def test_responses_are_fed_after_telling_how_many(call: Call, database: Database) -> None:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        await record_response(
            connection, survey, invitation_id="CGC_1", answers={"QID1": 5}, embedded_data={}
        )
    await Inbox(database, RunQueue(database)).drain()
    arguments = ("backfill", "--responses", survey_id, "--since", "2026-01-01")
    nobody = await call(*arguments, group="")
    assert "No workflow that is on starts with responses" in str(nobody.exception)
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection, name="Tell", definition=Definition(SurveyResponse(survey_id), (NOTE,))
        )
    asked = await call(*arguments, typed="n\n", group="")
    assert "Tell: 1 response to feed." in asked.stdout
    assert await database.pool.fetchval("SELECT count(*) FROM run") == 0
    fed = json_of(await call(*arguments, "--workflow", "Tell", "--yes", "--json", group=""))
    assert fed == [{"workflowId": workflow_id, "runs": 1}]
    again = await call(*arguments, group="")
    assert "0 responses to feed" in again.stdout
    assert await database.pool.fetchval("SELECT priority FROM run") == 1
