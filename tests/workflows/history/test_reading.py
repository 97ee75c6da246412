"""Run history is read as it was written, by the engine itself."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import event as sqlalchemy_event

from afterword.directory.contacts import add_mailing_list, add_to_list
from afterword.distributions.invitations import Letter, invite
from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.surveys.changing import change_response
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.responses import UNKNOWN_SITTING, record_response
from afterword.tasks.contract import Done
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import JsonEvent, JsonField, SurveyResponse, Task
from afterword.workflows.history.concerned_rows import LARGEST_BODY_LOOKED_INTO
from afterword.workflows.history.event_history import list_events
from afterword.workflows.history.models import EventFilters, RunFilters, RunHistory, RunSummary
from afterword.workflows.history.reading import get_run, list_runs, list_workflow_names
from afterword.workflows.running.cancelling import cancel_runs
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.replays import runs_by_id
from afterword.workflows.starting.matching import Inbox

THREE_TASKS = tuple(Task(f"T-{n}", "scripted", f"Task {n}", {"text": str(n)}) for n in (1, 2, 3))
JSON_BODY = {
    "customerId": "cust1",
    "conversationId": "conv1",
    "customerFirstName": "Ada",
    "customerLastNames": "Lovelace",
    "customerEmailAddress": "ada@example.org",
}


@pytest.fixture
def engine(database: Database, scripted: Any) -> RunEngine:
    return RunEngine(database, {"scripted": scripted})


async def drain(database: Database) -> None:
    await Inbox(database, RunQueue(database)).drain()


async def all_runs(database: Database, **filters: Any) -> list[RunSummary]:
    async with database.transaction() as connection:
        return list((await list_runs(connection, RunFilters(**filters))).runs)


async def one_run(database: Database, run_id: int) -> RunHistory:
    async with database.transaction() as connection:
        told = await get_run(connection, run_id)
    assert told is not None
    return told


async def test_a_run_under_way_is_told_with_its_attempts_and_what_comes_next(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    workflow_id = await story.workflow(tasks=THREE_TASKS)
    event_id = await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    scripted.then(Done({"itemId": "I1"}, sent={"to": "Gladly"})).then(
        Retry(Reason("away", "the server is away"), after=60)
    )
    await engine.advance(run.id)
    told = await one_run(database, run.id)
    assert (told.run.workflow_id, told.run.workflow, told.run.revision) == (workflow_id, "Test", 1)
    assert (told.run.status, told.run.reason_code, told.run.reason) == (
        "waiting",
        "away",
        "the server is away",
    )
    assert (told.run.tasks_done, told.run.tasks) == (1, 3)
    assert told.run.due_at is not None
    assert told.run.due_at > told.run.started_at
    assert (told.run.finished_at, told.run.duration_seconds) == (None, None)
    assert told.event is not None
    assert (told.event.id, told.event.type) == (event_id, "CONVERSATION/CLOSED")
    assert msgspec.json.decode(told.event.body)["content"]["customerId"] == "cust1"
    assert [(task.label, task.status) for task in told.tasks] == [
        ("Task 1", "succeeded"),
        ("Task 2", "waiting"),
        ("Task 3", "not reached"),
    ]
    first, second = told.tasks[0].attempts[0], told.tasks[1].attempts[0]
    assert (first.input, first.output, first.sent) == ({"text": "1"}, {"itemId": "I1"}, {"to": "Gladly"})
    assert first.duration_seconds >= 0
    assert (second.attempt, second.status, second.reason) == (1, "retrying", "the server is away")


async def test_a_run_that_ended_has_a_duration_and_each_task_its_own_end(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow(tasks=THREE_TASKS)
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    scripted.then(Skip(Reason("nobody", "nobody is there")))
    scripted.then(Permanent(Reason("refused", "it was refused", {"by": "Gladly"})))
    await engine.advance(run.id)
    told = await one_run(database, run.id)
    assert told.run.duration_seconds is not None
    assert told.run.duration_seconds >= 0
    assert (told.run.status, told.run.reason_code, told.run.problem_id is None) == (
        "failed",
        "refused",
        False,
    )
    assert [task.status for task in told.tasks] == ["skipped", "failed", "succeeded"]
    assert told.tasks[1].attempts[0].reason_values == {"by": "Gladly"}


async def test_conditions_are_told_with_the_values_that_decided_them(
    database: Database, story: Any, engine: RunEngine
) -> None:
    """The task's, which was not carried out."""
    conditions = Group("all", (Comparison("~{aedj://customerId}", "equals", "cust9"),))
    task = Task("T-1", "scripted", "One", {"text": "1"}, conditions=conditions)
    await story.workflow(JsonEvent("E1", (JsonField("customerId", "$.customerId"),)), tasks=(task,))
    await story.event("json-event/E1", "JSON Event", JSON_BODY)
    await drain(database)
    (run,) = await all_runs(database)
    await engine.advance(run.id)
    told = await one_run(database, run.id)
    (task_told,) = told.tasks
    assert task_told.status == "not run"
    evaluation = task_told.attempts[0].evaluation
    assert evaluation is not None
    assert [(one.found, one.operator, one.wanted, one.holds) for one in evaluation.compared] == [
        ("cust1", "equals", ("cust9",), False)
    ]


async def test_a_run_that_was_cancelled_tells_where_it_stood(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow(tasks=THREE_TASKS)
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    scripted.then(Done({})).then(Retry(Reason("away", "the server is away"), after=60))
    await engine.advance(run.id)
    async with database.transaction() as connection:
        assert await cancel_runs(connection, runs_by_id([run.id])) == 1
    told = await one_run(database, run.id)
    assert [task.status for task in told.tasks] == ["succeeded", "cancelled", "not reached"]


async def test_calls_are_told_with_request_and_answer(database: Database, story: Any) -> None:
    await story.workflow()
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    call = {
        "method": "POST",
        "address": "https://x.example/?token=…",
        "request": "{}",
        "status": 500,
        "cut": True,
    }
    await database.pool.execute(
        "INSERT INTO task_attempt (run_id, position, attempt, replay, status, input, output, exchanges, started_at, "
        "finished_at) VALUES ($1, 0, 1, 2, 'retrying', '{}', '{}', $2, now(), now())",
        run.id,
        msgspec.json.encode([call]).decode(),
    )
    (task,) = (await one_run(database, run.id)).tasks
    (exchange,) = task.attempts[0].exchanges
    assert (exchange.status, exchange.address, exchange.cut) == (500, call["address"], True)
    assert task.attempts[0].replay == 2


async def test_the_customer_of_a_closing_is_known_once_a_task_has_asked(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow()
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    assert (run.customer.id, run.customer.name, run.conversation_id) == ("cust1", "", "conv1")
    scripted.then(Done(JSON_BODY))
    await engine.advance(run.id)
    (run,) = await all_runs(database)
    assert (run.customer.name, run.customer.email) == ("Ada Lovelace", "ada@example.org")


async def test_the_customer_of_a_json_event_stands_in_its_fields(database: Database, story: Any) -> None:
    await story.workflow(JsonEvent("E1"))
    await story.event("json-event/E1", "JSON Event", JSON_BODY)
    await drain(database)
    (run,) = await all_runs(database)
    assert (run.customer.id, run.customer.name, run.conversation_id) == ("cust1", "Ada Lovelace", "conv1")


@pytest.mark.parametrize(
    "body", ["[]", "7", '"text"', "{", '{"customerId": 5}', "\ufeff", '{"a":"' + "x" * 20_000 + '"}']
)
async def test_an_event_that_cannot_be_read_is_listed_all_the_same(
    database: Database, story: Any, body: str
) -> None:
    await story.workflow(JsonEvent("E1"))
    await story.event("json-event/E1", "JSON Event", {})
    await story.event("gladly/GA_1", "PING", {})
    await database.pool.execute("UPDATE event SET body = $1", body)
    await drain(database)
    (run,) = await all_runs(database)
    assert run.customer.id == ""
    async with database.transaction() as connection:
        assert len((await list_events(connection)).events) == 2


async def test_a_listing_does_not_look_into_large_events(database: Database, story: Any) -> None:
    await story.workflow(JsonEvent("E1"))
    await story.event("json-event/E1", "JSON Event", {**JSON_BODY, "padding": "x" * LARGEST_BODY_LOOKED_INTO})
    await drain(database)
    (run,) = await all_runs(database)
    assert run.customer.id == ""


async def test_the_customer_of_a_response_is_whom_the_survey_was_sent_to(
    database: Database, story: Any
) -> None:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        list_id = await add_mailing_list(connection, name="All")
        listed = await add_to_list(connection, list_id, email="ada@x.org", first_name="Ada", last_name="King")
        invitation, _ = await invite(
            connection,
            key="1",
            survey_id=survey_id,
            mailing_list_id=list_id,
            listed=listed,
            letter=Letter("A", "B", "C"),
            embedded_data={},
            fields={},
            delay_seconds=0,
        )
        data = {"CustomerId": "cust1", "ConversationId": "conv1"}
        await record_response(
            connection, survey, invitation_id=invitation.id, answers={"QID1": 5}, embedded_data=data
        )
        await change_response(
            connection,
            survey,
            invitation.id,
            seen_version=1,
            answers={"QID1": 4},
            sitting=UNKNOWN_SITTING,
        )
    await story.workflow(SurveyResponse(survey_id, kinds=("created", "updated")))
    await drain(database)
    runs = await all_runs(database)
    assert {run.event_type for run in runs} == {"Survey Response", "Survey Response: updated"}
    for run in runs:
        assert run.conversation_id == "conv1"
        assert (run.customer.id, run.customer.name, run.customer.email) == ("cust1", "Ada King", "ada@x.org")


async def test_a_deleted_workflow_leaves_its_runs_readable(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow(tasks=THREE_TASKS[:2])
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    await engine.advance(run.id)
    await database.pool.execute("DELETE FROM workflow")
    (run,) = await all_runs(database)
    assert (run.workflow, run.tasks) == (None, None)
    told = await one_run(database, run.id)
    assert [(task.label, task.status, len(task.attempts)) for task in told.tasks] == [
        (None, "succeeded", 1),
        (None, "succeeded", 1),
    ]


async def many_runs(database: Database, story: Any) -> tuple[str, str]:
    one, other = await story.workflow(JsonEvent("E1")), await story.workflow(JsonEvent("E2"))
    for number in range(10):
        await story.event(f"json-event/E{number % 2 + 1}", "JSON Event", JSON_BODY)
    await drain(database)
    await database.pool.execute("UPDATE run SET status = 'failed' WHERE id % 3 = 0")
    return one, other


async def test_runs_are_listed_newest_first_and_paged_by_id(database: Database, story: Any) -> None:
    await many_runs(database, story)
    ids: list[int] = []
    async with database.transaction() as connection:
        page = await list_runs(connection, limit=4)
        ids += [run.id for run in page.runs]
        while page.next_before is not None:
            page = await list_runs(connection, before_id=page.next_before, limit=4)
            ids += [run.id for run in page.runs]
    assert len(ids) == 10
    assert ids == sorted(ids, reverse=True)


async def test_runs_are_filtered(database: Database, story: Any) -> None:
    one, other = await many_runs(database, story)
    assert {run.workflow_id for run in await all_runs(database, workflow_id=one)} == {one}
    assert {run.status for run in await all_runs(database, statuses=("failed",))} == {"failed"}
    both = await all_runs(database, statuses=("failed",), workflow_id=other)
    assert both
    assert all((run.status, run.workflow_id) == ("failed", other) for run in both)
    await database.pool.execute("UPDATE run SET conversation_id = 'conv9' WHERE id = $1", both[0].id)
    assert [run.id for run in await all_runs(database, conversation_id="conv9")] == [both[0].id]


async def test_a_listing_is_a_few_queries_however_long(database: Database, story: Any) -> None:
    await many_runs(database, story)
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    sqlalchemy_event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.transaction() as connection:
        runs, events = (await list_runs(connection)).runs, (await list_events(connection)).events
    assert (len(runs), len(events)) == (10, 10)
    assert len(queries) == 4


async def test_events_tell_what_came_of_them(database: Database, story: Any) -> None:
    await story.workflow()
    await story.workflow()
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    closing = await story.webhook(at=moment)
    await story.webhook(at=moment)
    await story.webhook("PING", conversation=None)
    await drain(database)
    async with database.transaction() as connection:
        ping, repeat, first = (await list_events(connection)).events
        nothing = (await list_events(connection, EventFilters(statuses=("ignored", "redelivered")))).events
        older = (await list_events(connection, before_id=repeat.id)).events
        pings = (await list_events(connection, EventFilters(reason_code="ping"))).events
        matched = (await list_events(connection, EventFilters(statuses=("matched",)))).events
        run_ids = {run.id for run in (await list_runs(connection)).runs}
    assert (first.id, first.status, set(first.run_ids)) == (closing, "matched", run_ids)
    assert len(run_ids) == 2
    assert (repeat.status, repeat.redelivery_of, repeat.run_ids) == ("redelivered", closing, ())
    assert (ping.status, ping.reason_code) == ("ignored", "ping")
    assert [event.id for event in nothing] == [ping.id, repeat.id]
    assert [event.id for event in older] == [first.id]
    assert [event.id for event in pings] == [ping.id]
    assert [event.id for event in matched] == [first.id]


@pytest.mark.parametrize("run_id", [0, -1, 1, 2**63, 10**30])
async def test_a_run_that_does_not_exist_is_none(database: Database, run_id: int) -> None:
    async with database.transaction() as connection:
        assert await get_run(connection, run_id) is None
        assert (await list_runs(connection, before_id=run_id)).runs == ()


async def test_what_is_told_can_be_written_as_json(
    database: Database, story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow()
    await story.webhook()
    await drain(database)
    (run,) = await all_runs(database)
    await engine.advance(run.id)
    told = await one_run(database, run.id)
    assert msgspec.json.decode(msgspec.json.encode(told), type=RunHistory) == told


async def test_workflows_are_listed_by_name(database: Database, story: Any) -> None:
    ids = {await story.workflow(), await story.workflow()}
    await database.pool.execute("UPDATE workflow SET name = 'b' WHERE id = $1", min(ids))
    await database.pool.execute("UPDATE workflow SET name = 'A' WHERE id = $1", max(ids))
    async with database.transaction() as connection:
        assert [workflow.name for workflow in await list_workflow_names(connection)] == ["A", "b"]
