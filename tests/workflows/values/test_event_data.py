"""What an event offers to a run's piped text."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from tests.workflows.conftest import Scripted, Story

from afterword.directory.contacts import add_mailing_list, add_to_list
from afterword.distributions.invitations import Letter, invite
from afterword.piped_text import render
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.models import SurveyResponseTold
from afterword.surveys.responses import record_response
from afterword.workflows.definitions import JsonEvent, JsonField, Schedule, SurveyResponse, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.values.event_data import EventData, read_event

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def rendered(event: EventData, text: str, **outputs: Mapping[str, object]) -> str:
    return render(text, *event.sources_at(["T-1"], outputs, now=NOW, time_zone="Asia/Tokyo", seed="run-1"))


async def answer(database: Database) -> str:
    """A Response of Ada's; answers the body of the event that tells of it."""
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        list_id = await add_mailing_list(connection, name="Customers")
        listed = await add_to_list(
            connection, list_id, email="ada@example.org", first_name="Ada", last_name="L.", phone="+4930123"
        )
        invitation, _ = await invite(
            connection,
            key="k",
            survey_id=survey_id,
            mailing_list_id=list_id,
            listed=listed,
            letter=Letter("Acme", "Hi", "Hi"),
            embedded_data={},
            fields={},
            delay_seconds=0,
        )
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        response_id = await record_response(
            connection,
            survey,
            invitation_id=invitation.id,
            answers={"QID1": 5, "QID2_TEXT": "Quick"},
            embedded_data={"customerId": "c1"},
        )
    assert response_id is not None
    return msgspec.json.encode(SurveyResponseTold(response_id, survey_id)).decode()


async def test_a_response_offers_answers_embedded_data_and_who_was_asked(database: Database) -> None:
    body = await answer(database)
    event = await read_event(database, SurveyResponse("SV_any"), body)
    text = (
        "${m://FirstName} ${m://Email} ${m://Phone}: ${q://QID1/ChoiceGroup/SelectedChoices} "
        "(${q://QID1/SelectedChoicesRecode}), ${q://QID2/ChoiceTextEntryValue}, "
        "${e://Field/customerid} ~{aedj://CustomerId}"
    )
    assert rendered(event, text) == "Ada ada@example.org +4930123: Very happy (5), Quick, c1 c1"
    assert event.survey_response_id == rendered(event, "${rm://Field/ResponseID}")
    assert rendered(event, "${rm://Field/RecordedDate}").endswith("Z")


async def test_dates_and_outputs_are_offered_beside_the_event(database: Database) -> None:
    event = await read_event(database, Schedule("0 9 * * *"), '{"scheduledFor": "2026-11-24T09:00:00Z"}')
    text = "~{aedj://scheduledFor} ${date://CurrentDate/Y-m-d H:i} ~{ch://T-1/$.a}"
    assert rendered(event, text, **{"T-1": {"a": 1}}) == "2026-11-24T09:00:00Z 2026-11-24 18:30 1"
    assert rendered(event, "${rand://int/1:1000000}") == rendered(event, "${rand://int/1:1000000}")


async def test_json_fields_are_plain_text_for_those_who_store_them(database: Database) -> None:
    event = await read_event(database, JsonEvent("OC_1", (JsonField("n", "$.n"),)), '{"n": {"a": 1}}')
    assert msgspec.json.encode(event.fields) == b'{"n":"{\\"a\\":1}"}'


async def test_a_task_is_given_the_date_on_which_its_run_started(
    story: Story, scripted: Scripted, database: Database
) -> None:
    await story.workflow(tasks=[Task("T-1", "scripted", "One", {"text": "${date://CurrentDate/U}"})])
    event_id = await story.webhook()
    row = await database.pool.fetchrow(
        "INSERT INTO run (workflow_id, revision, event_id) SELECT id, 1, $1 FROM workflow "
        "RETURNING id, floor(extract(epoch FROM started_at))::bigint::text AS started",
        event_id,
    )
    assert row is not None
    await RunEngine(database, {"scripted": scripted}).advance(row["id"])
    assert [call.configuration.text for call in scripted.calls] == [row["started"]]
