"""The inbox made into runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from afterword.events.models import ResponseKind, survey_response_type
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.definitions import Definition, JsonEvent, SurveyResponse, Task
from afterword.workflows.saving.workflows import save_revision, turn_off
from afterword.workflows.starting.matching import BATCH_SIZE, Inbox

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

CLOSED = "CONVERSATION/CLOSED"
REOPENED = "CONVERSATION/REOPENED"


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database, RunQueue(database))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def test_an_event_starts_one_run_of_each_workflow_that_wants_it(inbox: Inbox, story: Any) -> None:
    for _ in range(2):
        await story.workflow()
    await story.workflow(JsonEvent("OC_1"))
    event_id = await story.webhook()
    assert await inbox.drain() == 2
    assert await story.runs() == [(event_id, "running")] * 2
    assert await story.verdicts() == [("matched", None)]


async def test_each_run_has_a_job_that_names_it(inbox: Inbox, story: Any, database: Database) -> None:
    await story.workflow()
    await story.webhook()
    await inbox.drain()
    runs = await database.pool.fetch("SELECT id::text FROM run")
    jobs = await database.pool.fetch("SELECT dedupe_key FROM pgqueuer WHERE status = 'queued'")
    assert [job[0] for job in jobs] == [run[0] for run in runs]


async def test_an_event_that_nothing_wants_is_ignored_with_its_reason(inbox: Inbox, story: Any) -> None:
    await story.workflow(is_on=False)
    await story.workflow(JsonEvent("OC_8"), tasks=(), is_on=False)
    await story.webhook()
    await story.webhook("CONTACT/ENDED")
    await story.webhook("PING", conversation=None)
    await story.webhook(REOPENED, at=NOON)
    await story.event("json-event/OC_8", "JSON Event", {})
    await story.event("json-event/OC_9", "JSON Event", {})
    assert await inbox.drain() == 0
    assert await story.verdicts() == [
        ("ignored", "workflow-was-off"),
        ("ignored", "not-a-starting-event"),
        ("ignored", "ping"),
        ("ignored", "reopening-noted"),
        ("ignored", "workflow-had-no-task"),
        ("ignored", "no-workflow"),
    ]


@pytest.mark.parametrize("kind", [kind for kind in get_args(ResponseKind) if kind != "created"])
async def test_a_response_of_another_kind_starts_only_what_has_its_box_ticked(
    inbox: Inbox, story: Any, database: Database, kind: ResponseKind
) -> None:
    await story.workflow(SurveyResponse("SV_1"))
    await story.event("survey/SV_1", survey_response_type("created"), {})
    other = await story.event("survey/SV_1", survey_response_type(kind), {})
    assert await inbox.drain() == 1
    assert await story.verdicts() == [("matched", None), ("ignored", "response-kind-not-ticked")]
    words = await database.pool.fetchval("SELECT reason_words FROM event WHERE id = $1", other)
    assert f"“{kind}”" in words
    await story.workflow(SurveyResponse("SV_1", kinds=(kind,)))
    await story.event("survey/SV_1", survey_response_type(kind), {})
    assert await inbox.drain() == 1


async def test_what_changed_between_two_batches_is_seen(inbox: Inbox, story: Any, database: Database) -> None:
    workflow_id = await story.workflow()
    await story.webhook(conversation="a")
    assert await inbox.drain() == 1
    async with database.transaction() as connection:
        await save_revision(
            connection,
            workflow_id,
            Definition(JsonEvent("OC_1"), (Task("T-1", "scripted", "One"),)),
            person_id=None,
            expected_revision=1,
            check=None,
        )
    await story.webhook(conversation="b")
    await story.event("json-event/OC_1", "JSON Event", {})
    assert await inbox.drain() == 1
    assert await database.pool.fetchval("SELECT max(revision) FROM run") == 2
    async with database.transaction() as connection:
        await turn_off(connection, workflow_id)
    await story.event("json-event/OC_1", "JSON Event", {})
    assert await inbox.drain() == 0


async def test_a_workflow_that_this_version_cannot_read_does_not_keep_the_others_from_starting(
    inbox: Inbox, story: Any, database: Database
) -> None:
    await story.workflow()
    unreadable = await story.workflow()
    await database.pool.execute(
        """UPDATE workflow_revision SET definition = '{"event": {"type": "newer"}}' WHERE workflow_id = $1""",
        unreadable,
    )
    await story.webhook()
    assert await inbox.drain() == 1


async def test_another_accounts_closing_starts_nothing(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    await story.webhook(account="GA_2")
    assert await inbox.drain() == 0


async def test_one_closing_told_with_two_ids_starts_one_run(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    first = await story.webhook(at=NOON)
    await inbox.drain()
    await story.webhook(at=after(119))
    await inbox.drain()
    assert await story.runs() == [(first, "running")]
    assert await story.verdicts() == [("matched", None), ("redelivered", "same-closing")]


async def test_closings_of_two_conversations_are_two(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    await story.webhook(at=NOON)
    await story.webhook(at=NOON, conversation="conv2")
    assert await inbox.drain() == 2


async def test_a_reopening_between_makes_the_second_closing_one_of_its_own(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    await story.webhook(at=NOON)
    await story.webhook(REOPENED, at=after(10))
    await story.webhook(at=after(20))
    assert await inbox.drain() == 2


async def test_a_reopening_that_arrives_late_brings_its_closing_back(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    first = await story.webhook(at=NOON)
    second = await story.webhook(at=after(20))
    await inbox.drain()
    assert await story.runs() == [(first, "running")]
    await story.webhook(REOPENED, at=after(10))
    await inbox.drain()
    assert await story.runs() == [(first, "running"), (second, "running")]
    assert await story.verdicts() == [("matched", None), ("matched", None), ("ignored", "reopening-noted")]


async def test_a_reopening_of_later_leaves_a_repeat_what_it_is(inbox: Inbox, story: Any) -> None:
    await story.workflow()
    first = await story.webhook(at=NOON)
    await story.webhook(at=after(100))
    for seconds in (200, 250, 280, 400):
        await story.webhook(REOPENED, at=after(seconds))
        await inbox.drain()
    assert await story.runs() == [(first, "running")]


async def test_more_events_than_a_batch_are_all_taken(inbox: Inbox, story: Any) -> None:
    await story.workflow(JsonEvent("OC_1"))
    await story.database.pool.execute(
        "INSERT INTO event (origin, type, body) SELECT 'json-event/OC_1', 'JSON Event', '{}' "
        "FROM generate_series(1, $1)",
        BATCH_SIZE * 2 + 1,
    )
    assert await inbox.drain() == BATCH_SIZE * 2 + 1


async def test_workers_that_drain_at_once_start_each_run_once(database: Database, story: Any) -> None:
    await story.workflow()
    for number in range(40):
        await story.webhook(at=after(number % 2), conversation=f"conv{number // 2}")
    workers = [Inbox(database, RunQueue(database)) for _ in range(4)]
    started = await asyncio.gather(*(worker.drain() for worker in workers))
    assert sum(started) == 20
    assert len(await story.runs()) == 20
