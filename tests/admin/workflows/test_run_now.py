"""Run now and earlier events: rehearsed or counted first, then really run, each event once."""

import html
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select
from tests.fixtures.admin_pages import Browser

from afterword.accounts.audit import list_entries
from afterword.events.models import json_event_origin
from afterword.store import tables
from afterword.store.database import Database
from afterword.surveys.definitions import get_survey
from afterword.surveys.responses import record_response
from afterword.workflows.definitions import Definition, JsonEvent, Schedule
from afterword.workflows.saving.guide import Guide
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.workflows import add_workflow, turn_on


async def kept_event(database: Database, workflow: Workflow, **values: object) -> int:
    assert isinstance(workflow.definition.event, JsonEvent)
    async with database.transaction() as connection:
        event_id = await connection.scalar(
            insert(tables.event)
            .values(
                {
                    "origin": json_event_origin(workflow.definition.event.endpoint),
                    "type": "JSON Event",
                    "body": '{"customerId": "C1", "customerEmailAddress": "ada@example.org"}',
                    "status": "ignored",
                    "reason_code": "workflow-was-off",
                    "reason_words": "the workflow is off; the event is kept and can be run later",
                    **values,
                }
            )
            .returning(tables.event.c.id)
        )
    return int(event_id or 0)


async def switched_on(database: Database, workflow: Workflow | None) -> Workflow:
    assert workflow is not None
    async with database.transaction() as connection:
        await turn_on(connection, workflow.id, check=None)
    return workflow


async def send(browser: Browser, workflow_id: str, what: str, **form: str) -> tuple[str, int, str]:
    answer, page = await browser.send(f"/workflows/{workflow_id}/{what}", form)
    return answer.url.path, answer.status, html.unescape(page)


async def runs_of(database: Database, workflow_id: str) -> int:
    async with database.transaction() as connection:
        run = tables.run
        counted = select(func.count()).select_from(run).where(run.c.workflow_id == workflow_id)
        return int(await connection.scalar(counted) or 0)


async def test_an_event_is_rehearsed_and_then_run_once(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    workflow = await switched_on(database, guide.ask)
    event_id = await kept_event(database, workflow)
    _, page = await signed_in.get(f"/workflows/{workflow.id}/run")
    assert f'<option value="{event_id}" selected>' in page
    assert "Run it really" not in page
    _, status, page = await send(signed_in, workflow.id, "run", event=str(event_id))
    assert status == 200
    assert "It would start" in page
    assert "ada@example.org" in page
    assert "Real mails go out" in page
    assert await runs_of(database, workflow.id) == 0
    path, _, _ = await send(signed_in, workflow.id, "run", event=str(event_id), do="run")
    found = re.fullmatch(r"/workflows/runs/(\d+)", path)
    assert found is not None
    path, status, page = await send(signed_in, workflow.id, "run", event=str(event_id), do="run")
    assert (status, f"Run {found[1]} of this event is under way." in page) == (422, True)
    await database.pool.execute("UPDATE run SET status = 'succeeded' WHERE id = $1", int(found[1]))
    _, _, page = await send(signed_in, workflow.id, "run", event=str(event_id))
    assert "It is replayed from its start" in page
    path, _, _ = await send(signed_in, workflow.id, "run", event=str(event_id), do="run")
    assert path.startswith("/workflows/replays/")
    assert await runs_of(database, workflow.id) == 1
    async with database.transaction() as connection:
        entries = await list_entries(connection, subject_id=workflow.id, limit=1)
    assert [(one.what, one.actor) for one in entries] == [("run with earlier events", "Olivia Owner")]


async def test_what_cannot_be_run_says_why(signed_in: Browser, database: Database, guide: Guide) -> None:
    assert guide.ask is not None
    _, page = await signed_in.get(f"/workflows/{guide.ask.id}/run")
    assert "No event came yet" in page
    event_id = await kept_event(database, guide.ask)
    _, _, page = await send(signed_in, guide.ask.id, "run", event=str(event_id))
    assert "The Workflow is off, and runs nothing." in page
    assert "Yes, run it now" not in page
    foreign = await kept_event(database, guide.ask, origin="json-event/OC_other")
    for chosen, is_on, words in (
        (str(event_id), False, "The Workflow is off; turn it on first."),
        ("", True, "Choose an event."),
        ("soon", True, "There is no event soon."),
        ("987654321", True, "There is no such event."),
        (str(foreign), True, "It came for another workflow"),
    ):
        if is_on:
            await switched_on(database, guide.ask)
        _, status, page = await send(signed_in, guide.ask.id, "run", number=chosen, do="run")
        assert (status, words in page) == (422, True), words
    assert await runs_of(database, guide.ask.id) == 0


async def test_a_scheduled_workflow_is_run_at_this_moment(signed_in: Browser, database: Database) -> None:
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection,
            name="Nightly",
            definition=Definition(Schedule("0 3 * * *"), ()),
            is_on=False,
        )
    _, page = await signed_in.get(f"/workflows/{workflow_id}/run")
    assert '<option value="now" selected>' in page
    _, status, page = await send(signed_in, workflow_id, "run", event="now", do="run")
    assert (status, "The Workflow has no Task yet" in page) == (422, True)
    task = '[{"id": "T-1", "type": "email-notification", "label": "Tell", "configuration": {}}]'
    await database.pool.execute(
        "UPDATE workflow_revision SET definition = jsonb_set(definition, '{tasks}', $2::jsonb) WHERE workflow_id = $1",
        workflow_id,
        task,
    )
    await database.pool.execute("UPDATE workflow SET is_on = true WHERE id = $1", workflow_id)
    _, status, page = await send(signed_in, workflow_id, "run", event="now")
    assert (status, "It would start" in page) == (200, True)
    path, _, _ = await send(signed_in, workflow_id, "run", event="now", do="run")
    assert path.startswith("/workflows/runs/")
    body = await database.pool.fetchval("SELECT body FROM event WHERE type = 'Schedule'")
    assert f'"workflowId":"{workflow_id}"' in body


async def test_events_that_were_kept_are_counted_and_run(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    assert guide.ask is not None
    for _ in range(2):
        await kept_event(database, guide.ask)
    _, page = await signed_in.get(f"/workflows/{guide.ask.id}/earlier")
    assert "There are 2 events that were kept." in page
    assert "The Workflow is off" in page
    assert "Yes, run them" not in page
    _, status, _ = await send(signed_in, guide.ask.id, "earlier")
    assert status == 422
    await switched_on(database, guide.ask)
    _, status, page = await send(signed_in, guide.ask.id, "earlier")
    assert (status, "2 Runs were started." in page, "Nothing is left." in page) == (200, True, True)
    assert await runs_of(database, guide.ask.id) == 2


async def test_earlier_responses_are_counted_from_a_day_on_and_fed(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    workflow = await switched_on(database, guide.answer)
    async with database.transaction() as connection:
        survey = await get_survey(connection, workflow.survey_id or "")
        assert survey is not None
        await record_response(
            connection, survey, invitation_id="CGC_1", answers={"QID1": 5}, embedded_data={}
        )
    await database.pool.execute("DELETE FROM event")
    address = f"/workflows/{workflow.id}/earlier"
    _, page = await signed_in.get(address)
    assert "There is 1 Response that it has not run." in page
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    _, page = await signed_in.get(f"{address}?since={tomorrow}")
    assert "There is nothing that it has not run." in page
    answer, page = await signed_in.get(f"{address}?since=yesterday")
    assert (answer.status, "This is not a day" in page) == (422, True)
    _, _, page = await send(signed_in, workflow.id, "earlier", since="2020-01-01")
    assert "1 Run was started." in page
    _, _, page = await send(signed_in, workflow.id, "earlier", since="2020-01-01")
    assert "0 Runs were started." in page
    assert await runs_of(database, workflow.id) == 1
