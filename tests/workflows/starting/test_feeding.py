"""Events that were kept are run later: once each, behind live ones."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from afterword.events.models import survey_response_type
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.store.queue import BEHIND, LIVE, RunQueue
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.responses import record_response
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.refusals import NoSuchWorkflow, NoTask
from afterword.workflows.saving.workflows import delete_workflow, save_revision, turn_off, turn_on
from afterword.workflows.starting.backfill import feed_next, plan_backfill, tell_untold
from afterword.workflows.starting.feeding import Fed, NotOn, count_kept, feed, kept_events
from afterword.workflows.starting.matching import Inbox

ONE = (Task("T-1", "scripted", "One"),)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def queue(database: Database) -> RunQueue:
    return RunQueue(database)


@pytest.fixture
def inbox(database: Database, queue: RunQueue) -> Inbox:
    return Inbox(database, queue)


async def fed(database: Database, workflow_id: str, *event_ids: int) -> Fed:
    async with database.transaction() as connection:
        return await feed(connection, RunQueue(database), workflow_id, event_ids)


async def give_task(database: Database, workflow_id: str, event: Any = JsonEvent("OC_1")) -> None:  # noqa: B008
    async with database.transaction() as connection:
        await save_revision(
            connection, workflow_id, Definition(event, ONE), person_id=None, expected_revision=1, check=None
        )
        await turn_on(connection, workflow_id, check=None)


async def json_events(story: Any, count: int) -> list[int]:
    return [await story.event("json-event/OC_1", "JSON Event", {"n": n}) for n in range(count)]


async def test_events_that_came_before_there_was_a_task_are_run_once_there_is(
    database: Database, story: Any, inbox: Inbox
) -> None:
    workflow_id = await story.workflow(JsonEvent("OC_1"), tasks=(), is_on=False)
    events = await json_events(story, 3)
    await inbox.drain()
    assert await story.verdicts() == [("ignored", "workflow-had-no-task")] * 3
    await give_task(database, workflow_id)
    async with database.transaction() as connection:
        workflow = await get_workflow(connection, workflow_id)
        assert await count_kept(connection, workflow) == 3
        kept = await kept_events(connection, workflow)
    assert [one.id for one in kept] == events
    outcome = await fed(database, workflow_id, *events)
    assert (len(outcome.runs), outcome.already, outcome.refused) == (3, 0, ())
    assert [event for event, _ in await story.runs()] == events
    assert await story.verdicts() == [("matched", None)] * 3
    assert await database.pool.fetchval("SELECT array_agg(DISTINCT revision) FROM run") == [2]
    async with database.transaction() as connection:
        assert await count_kept(connection, workflow) == 0


async def test_an_event_is_never_run_twice_however_often_it_is_fed(
    database: Database, story: Any, inbox: Inbox
) -> None:
    workflow_id = await story.workflow(JsonEvent("OC_1"))
    events = await json_events(story, 4)
    await inbox.drain()
    outcomes = await asyncio.gather(*(fed(database, workflow_id, *events) for _ in range(4)))
    assert {(outcome.runs, outcome.already) for outcome in outcomes} == {((), 4)}
    later = await json_events(story, 4)
    await asyncio.gather(inbox.drain(), *(fed(database, workflow_id, *later) for _ in range(4)))
    assert await database.pool.fetchval("SELECT count(*) FROM run") == 8


async def test_what_is_fed_goes_behind_live_events(database: Database, story: Any, inbox: Inbox) -> None:
    workflow_id = await story.workflow(JsonEvent("OC_1"), is_on=False)
    (kept,) = await json_events(story, 1)
    await inbox.drain()
    async with database.transaction() as connection:
        await turn_on(connection, workflow_id, check=None)
    await fed(database, workflow_id, kept)
    await json_events(story, 1)
    await inbox.drain()
    assert await database.pool.fetchval("SELECT array_agg(priority ORDER BY id) FROM run") == [1, 0]
    jobs = await database.pool.fetchval("SELECT array_agg(priority ORDER BY id) FROM pgqueuer")
    assert jobs == [BEHIND, LIVE]


async def test_a_redelivered_event_stands_for_the_one_that_it_repeats(
    database: Database, story: Any, inbox: Inbox
) -> None:
    workflow_id = await story.workflow(ConversationClosed("GA_1"))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    first = await story.webhook(at=noon)
    repeat = await story.webhook(at=noon + timedelta(seconds=5))
    await inbox.drain()
    assert (await fed(database, workflow_id, first, repeat)).already == 1
    assert await story.runs() == [(first, "running")]


async def test_what_a_workflow_does_not_start_with_is_refused_and_told(
    database: Database, story: Any, inbox: Inbox
) -> None:
    workflow_id = await story.workflow(SurveyResponse("SV_1"))
    other = await story.event("survey/SV_2", survey_response_type("created"), {})
    partial = await story.event("survey/SV_1", survey_response_type("partial"), {})
    await inbox.drain()
    outcome = await fed(database, workflow_id, other, partial, 999)
    assert outcome.runs == ()
    assert [(one.event_id, one.words.split()[0]) for one in outcome.refused] == [
        (other, "it"),
        (partial, "it"),
        (999, "there"),
    ]
    assert "“Survey Response: partial”" in outcome.refused[1].words
    assert await story.verdicts() == [("ignored", "no-workflow"), ("ignored", "response-kind-not-ticked")]


async def test_a_workflow_that_cannot_run_anything_is_not_fed(database: Database, story: Any) -> None:
    off, empty = await story.workflow(), await story.workflow(tasks=(), is_on=False)
    async with database.transaction() as connection:
        await turn_off(connection, off)
    with pytest.raises(NotOn, match=f"afterword workflows on {off}"):
        await fed(database, off, 1)
    with pytest.raises(NoTask):
        await fed(database, empty, 1)
    async with database.transaction() as connection:
        await delete_workflow(connection, off)
    with pytest.raises(NoSuchWorkflow):
        await fed(database, off, 1)


# responses that came before their workflow ----------------------------------------------------------------


@pytest.fixture
async def survey_id(database: Database) -> str:
    """A survey that was answered three times."""
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        for number in range(3):
            response = await record_response(
                connection, survey, invitation_id=f"CGC_{number}", answers={"QID1": 5}, embedded_data={}
            )
            assert response is not None
    return survey_id


async def planned(database: Database, survey_id: str, **options: Any) -> list[tuple[str, int]]:
    async with database.transaction() as connection:
        plan = await plan_backfill(connection, survey_id, options.pop("since", LONG_AGO), **options)
    return [(one.workflow_id, one.responses) for one in plan]


async def backfill(database: Database, workflow_id: str, survey_id: str) -> int:
    runs = 0
    async with database.transaction() as connection:
        await tell_untold(connection, survey_id, LONG_AGO)
        while outcome := await feed_next(connection, RunQueue(database), workflow_id, LONG_AGO):
            runs += len(outcome.runs)
    return runs


async def test_responses_of_before_the_workflow_are_fed_to_it_once(
    database: Database, story: Any, inbox: Inbox, survey_id: str
) -> None:
    await inbox.drain()
    workflow_id = await story.workflow(SurveyResponse(survey_id))
    assert await planned(database, survey_id) == [(workflow_id, 3)]
    assert await backfill(database, workflow_id, survey_id) == 3
    assert await planned(database, survey_id) == [(workflow_id, 0)]
    assert await backfill(database, workflow_id, survey_id) == 0
    assert await story.verdicts() == [("matched", None)] * 3


async def test_responses_whose_events_are_gone_are_fed_all_the_same(
    database: Database, story: Any, inbox: Inbox, survey_id: str
) -> None:
    workflow_id = await story.workflow(SurveyResponse(survey_id, kinds=("created", "preview")))
    await inbox.drain()
    await database.pool.execute("DELETE FROM run; DELETE FROM event WHERE id <> (SELECT min(id) FROM event)")
    await database.pool.execute(
        "UPDATE response SET kind = (ARRAY['created', 'preview', 'test'])[n] "
        "FROM (SELECT id, row_number() OVER (ORDER BY invitation_id) AS n FROM response) AS numbered "
        "WHERE numbered.id = response.id"
    )
    assert await planned(database, survey_id) == [(workflow_id, 2)]
    assert await backfill(database, workflow_id, survey_id) == 2
    types = await database.pool.fetch("SELECT type, status FROM event ORDER BY type")
    assert [tuple(row) for row in types] == [
        ("Survey Response", "matched"),
        ("Survey Response: preview", "matched"),
        ("Survey Response: test", "ignored"),
    ]


async def test_only_responses_since_the_moment_and_of_the_workflow_are_fed(
    database: Database, story: Any, inbox: Inbox, survey_id: str
) -> None:
    await inbox.drain()
    await database.pool.execute(
        "UPDATE event SET received_at = '2026-01-01' WHERE id = (SELECT min(id) FROM event)"
    )
    first, second = [await story.workflow(SurveyResponse(survey_id)) for _ in range(2)]
    since = datetime(2026, 6, 1, tzinfo=UTC)
    assert sorted(await planned(database, survey_id, since=since)) == sorted([(first, 2), (second, 2)])
    assert await planned(database, survey_id, since=since, workflow_id=second) == [(second, 2)]


async def test_a_backfill_that_nothing_wants_says_so(database: Database, story: Any, survey_id: str) -> None:
    off = await story.workflow(SurveyResponse(survey_id), is_on=False)
    other = await story.workflow(SurveyResponse("SV_9"))
    with pytest.raises(ConfigurationError, match="No workflow that is on starts with"):
        await planned(database, survey_id)
    with pytest.raises(NotOn):
        await planned(database, survey_id, workflow_id=off)
    with pytest.raises(ConfigurationError, match="does not start with responses to"):
        await planned(database, survey_id, workflow_id=other)
