"""Responses of a real Qualtrics, as runs read them: fetched once, kept as they came, each fault waited for or told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.qualtrics_accounts import QualtricsAccount, add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.events.models import ResponseKind, survey_origin, survey_response_type
from afterword.piped_text import render
from afterword.qualtrics import envelope
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.surveys.notified import NotifiedResponse
from afterword.tasks.contract import Wait
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import Definition, SurveyResponse, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.saving.known import read_known
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox
from afterword.workflows.values.event_data import EventData, read_event
from afterword.workflows.values.qualtrics_responses import QualtricsResponses

SURVEY, RESPONSE = "SV_3qZrV0sT9bLkHyN", "R_2dyzFvPqhjcWXoE"
VALUES = {
    "startDate": "2026-11-23T09:58:00Z",
    "recordedDate": "2026-11-23T10:00:00.123Z",
    "status": 0,
    "finished": 1,
    "distributionChannel": "email",
    "userLanguage": "EN",
    "recipientFirstName": "Ada",
    "QID1": 5,
    "QID2_TEXT": "Quick & kind",
    "QID3": ["1", "3"],
    "QID4_1": 2,
    "customerID": "c1",
    "ConversationId": "v1",
}
QUESTIONS = {
    "QID1": {
        "questionType": {"type": "MC", "selector": "SAVR"},
        "questionText": "<b>How</b> happy?",
        "choices": {str(n): {"recode": str(n + 1), "choiceText": f"Choice {n}"} for n in range(1, 5)},
    },
    "QID2": {"questionType": {"type": "TE", "selector": "ML"}, "questionText": "Why?"},
    "QID3": {"questionText": "What?", "choices": {str(n): {"choiceText": f"Thing {n}"} for n in range(1, 4)}},
    "QID4": {
        "questionText": "Rate",
        "subQuestions": {"1": {"choiceText": "Speed"}},
        "choices": {"1": {"recode": "1", "choiceText": "Bad"}, "2": {"recode": "2", "choiceText": "Good"}},
    },
}
EVERYTHING = " | ".join(
    [
        "${q://QID1/ChoiceNumericEntryValue}",
        "${q://QID1/SelectedChoicesRecode}",
        "${q://QID1/ChoiceGroup/SelectedChoices}",
        "${q://QID1/QuestionText}",
        "${q://QID2/ChoiceTextEntryValue}",
        "${q://QID3/ChoiceGroup/SelectedChoices}",
        "${q://QID4/ChoiceGroup/SelectedAnswers/1}",
        "${e://Field/CustomerId}",
        "${e://Field/Tier?d=none}",
        "${rm://Field/ResponseID}",
        "${m://FirstName}",
    ]
)
FILLED = (
    f"5 | 5 | Choice 4 | How happy? | Quick & kind | Thing 1, Thing 3 | Good | c1 | none | {RESPONSE} | Ada"
)


class Qualtrics:
    """A Qualtrics that has one survey with one response; ``not_there_for`` calls it does not give it out."""

    def __init__(self, stand_in: Any) -> None:
        self.values: dict[str, object] = dict(VALUES)
        self.labels: dict[str, object] = {"QID1": "Choice 4"}
        self.questions: dict[str, object] = dict(QUESTIONS)
        self.not_there_for = 0
        self.refuses_with = 0
        self.asked: list[str] = []
        stand_in.answers = [self.answer]

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/API/v3")
        self.asked.append(path)
        if self.refuses_with:
            return self._failure(self.refuses_with)
        if path == f"/surveys/{SURVEY}":
            names = [{"name": "CustomerId"}, {"name": "ConversationId"}]
            return self._success(
                {"id": SURVEY, "name": "CSAT", "questions": self.questions, "embeddedData": names}
            )
        if path != f"/surveys/{SURVEY}/responses/{RESPONSE}" or self.not_there_for > 0:
            self.not_there_for -= 1
            return self._failure(404)
        return self._success({"responseId": RESPONSE, "values": self.values, "labels": self.labels})

    def _success(self, result: object) -> web.Response:
        return web.Response(body=msgspec.json.encode(envelope.success(result)))

    def _failure(self, status: int) -> web.Response:
        return web.Response(status=status, body=msgspec.json.encode(envelope.failure(status, "no", None)))


@pytest.fixture
def qualtrics(stand_in: Any) -> Qualtrics:
    return Qualtrics(stand_in)


@pytest.fixture
async def account(database: Database, stand_in: Any) -> QualtricsAccount:
    async with database.transaction() as connection:
        return await add_qualtrics(
            connection, SecretBox(["x" * 32]), name="Acme", api_token="token", base_url=stand_in.url
        )


@pytest.fixture
async def responses(database: Database, tmp_path: Path) -> AsyncIterator[QualtricsResponses]:
    settings = Settings.load({}, data_dir=tmp_path)
    accounts = ConnectedAccounts(database, SecretBox(["x" * 32]), RateBudget(database.pool), settings)
    yield QualtricsResponses(database, accounts)
    await accounts.close()


@pytest.fixture
def engine(database: Database, scripted: Any, responses: QualtricsResponses) -> RunEngine:
    return RunEngine(database, {"scripted": scripted}, responses=responses, retry_time_scale=0.001)


class Told:
    """Tells of the response, and runs what it starts."""

    def __init__(self, database: Database, engine: RunEngine, account: QualtricsAccount) -> None:
        self.database = database
        self.engine = engine
        self.account = account

    async def workflow(
        self, *kinds: ResponseKind, text: str = EVERYTHING, conditions: Group | None = None
    ) -> str:
        event = SurveyResponse(SURVEY, self.account.id, kinds or ("created",))
        task = Task("T-1", "scripted", "One", {"text": text})
        async with self.database.transaction() as connection:
            return await add_workflow(
                connection, name="Test", definition=Definition(event, (task,), conditions=conditions)
            )

    def body(self, kind: ResponseKind = "created", announcement: str | None = None) -> str:
        told = NotifiedResponse(
            response_id=RESPONSE, survey_id=SURVEY, kind=kind, announcement=announcement or kind
        )
        return msgspec.json.encode(told).decode()

    async def tell(self, kind: ResponseKind = "created", announcement: str | None = None) -> list[int]:
        """Record the event and match it; answers the runs that it started."""
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, body) VALUES ($1, $2, $3)",
            survey_origin(SURVEY, self.account.id),
            survey_response_type(kind),
            self.body(kind, announcement),
        )
        before = await self.runs()
        await Inbox(self.database, RunQueue(self.database)).drain()
        return [run for run in await self.runs() if run not in before]

    async def runs(self) -> list[int]:
        return [row["id"] for row in await self.database.pool.fetch("SELECT id FROM run ORDER BY id")]

    async def run(self, kind: ResponseKind = "created") -> tuple[str, str | None]:
        """How the run of a response ended."""
        (run,) = await self.tell(kind)
        await self.advance(run)
        return await self.state(run)

    async def advance(self, run: int) -> None:
        await self.database.pool.execute(
            "UPDATE run SET due_at = now() WHERE id = $1 AND due_at IS NOT NULL", run
        )
        await self.engine.advance(run)

    async def state(self, run: int) -> tuple[str, str | None]:
        row = await self.database.pool.fetchrow("SELECT status, reason_code FROM run WHERE id = $1", run)
        assert row is not None
        return row["status"], row["reason_code"]

    async def state_of(self, workflow: str) -> tuple[str, str | None]:
        run = await self.database.pool.fetchval("SELECT id FROM run WHERE workflow_id = $1", workflow)
        return await self.state(run)

    async def read(self, reader: QualtricsResponses) -> EventData:
        return await read_event(
            self.database, SurveyResponse(SURVEY, self.account.id), self.body(), responses=reader
        )


@pytest.fixture
def told(database: Database, engine: RunEngine, account: QualtricsAccount) -> Told:
    return Told(database, engine, account)


async def test_a_run_sees_answers_embedded_data_and_metadata(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    await told.workflow()
    assert await told.run() == ("succeeded", None)
    (call,) = scripted.calls
    assert call.configuration.text == FILLED
    assert call.survey_response_id == RESPONSE
    assert (call.fields["responseId"], call.fields["surveyId"]) == (RESPONSE, SURVEY)
    row = await told.database.pool.fetchrow("SELECT customer_id, conversation_id FROM run")
    assert tuple(row or ()) == ("c1", "v1")


async def test_a_response_that_is_not_there_yet_is_waited_for(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    qualtrics.not_there_for = 2
    await told.workflow()
    (run,) = await told.tell()
    await told.advance(run)
    assert await told.state(run) == ("waiting", "qualtrics-response-not-there-yet")
    await told.advance(run)
    assert (await told.state(run))[0] == "waiting"
    await told.advance(run)
    assert await told.state(run) == ("succeeded", None)
    assert scripted.calls[0].configuration.text == FILLED


async def test_a_response_that_never_comes_ends_the_run_after_ten_attempts(
    told: Told, qualtrics: Qualtrics
) -> None:
    qualtrics.not_there_for = 1000
    await told.workflow()
    (run,) = await told.tell()
    for _ in range(12):
        await told.advance(run)
    assert await told.state(run) == ("failed", "qualtrics-response-not-there-yet")
    assert len(qualtrics.asked) == 10


async def test_conditions_are_held_against_a_response_that_came_late(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    qualtrics.not_there_for = 1
    low = Group("all", (Comparison("${q://QID1/SelectedChoicesRecode}", "is less than", "3", type="number"),))
    await told.workflow(conditions=low)
    (run,) = await told.tell()
    await told.advance(run)
    await told.advance(run)
    assert await told.state(run) == ("skipped", "conditions-not-met")
    assert scripted.calls == []


async def test_whoever_reads_it_again_sees_the_same_whatever_qualtrics_says_by_then(
    told: Told, qualtrics: Qualtrics, responses: QualtricsResponses, scripted: Any
) -> None:
    await told.workflow()
    await told.workflow()
    first, second = await told.tell()
    await told.advance(first)
    qualtrics.values = {**VALUES, "QID1": 2, "QID2_TEXT": "changed"}
    qualtrics.questions = {}
    await told.advance(second)
    assert [call.configuration.text for call in scripted.calls] == [FILLED, FILLED]
    assert len(qualtrics.asked) == 2
    qualtrics.refuses_with = 500
    for reader in (responses, QualtricsResponses(told.database, None)):
        assert (await told.read(reader)).fields["customerID"] == "c1"
    assert len(qualtrics.asked) == 2


async def test_runs_that_read_at_once_see_the_same(told: Told, qualtrics: Qualtrics, scripted: Any) -> None:
    for _ in range(4):
        await told.workflow()
    await asyncio.gather(*(told.engine.advance(run) for run in await told.tell()))
    assert [call.configuration.text for call in scripted.calls] == [FILLED] * 4
    assert await told.database.pool.fetchval("SELECT count(*) FROM qualtrics_response") == 1


async def test_an_update_is_read_anew_and_is_what_everybody_sees_from_then_on(
    told: Told, qualtrics: Qualtrics, scripted: Any, responses: QualtricsResponses
) -> None:
    await told.workflow("created", "updated", text="${q://QID2/ChoiceTextEntryValue}")
    await told.run()
    qualtrics.values = {**VALUES, "QID2_TEXT": "On second thought"}
    (run,) = await told.tell("updated", "updated 2026-11-23T12:00:00.000+00:00")
    await told.advance(run)
    assert [call.configuration.text for call in scripted.calls] == ["Quick & kind", "On second thought"]
    seen = await told.read(responses)
    assert render("${q://QID2/ChoiceTextEntryValue}", seen.sources[0]) == "On second thought"
    assert seen.survey_response is not None
    assert seen.survey_response.version == 2


async def test_an_update_is_read_again_once_another_one_would_not_be_taken_for_its_repeat(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    await told.workflow("updated", text="${q://QID2/ChoiceTextEntryValue}")
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    (run,) = await told.tell("updated", f"updated {moment}")
    scripted.then(Wait(datetime.now(UTC) + timedelta(hours=1), "later", "later"))
    await told.advance(run)
    state = scripted.calls[0].survey_response
    assert state.settles_at == datetime.fromisoformat(moment) + timedelta(seconds=60)
    qualtrics.values = {**VALUES, "QID2_TEXT": "On third thought"}
    ago = (datetime.fromisoformat(moment) - timedelta(seconds=61)).isoformat(timespec="milliseconds")
    pool = told.database.pool
    await pool.execute("UPDATE event SET body = replace(body, $1, $2)", moment, ago)
    await pool.execute(
        "UPDATE qualtrics_response SET fetched_at = now() - interval '5 seconds', announcement = $1",
        f"updated {ago}",
    )
    await told.advance(run)
    assert [call.configuration.text for call in scripted.calls] == ["Quick & kind", "On third thought"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"status": 1}, "preview"),
        ({"status": 2}, "test"),
        ({"status": 4}, "imported"),
        ({"finished": 0}, "partial"),
    ],
)
async def test_a_response_of_a_kind_that_is_not_ticked_is_skipped_and_one_that_is_goes_on(
    told: Told, qualtrics: Qualtrics, values: dict[str, object], kind: ResponseKind, scripted: Any
) -> None:
    qualtrics.values = {**VALUES, **values}
    ordinary, ticked = await told.workflow(), await told.workflow(kind)
    for run in await told.tell():
        await told.advance(run)
    assert await told.state_of(ordinary) == ("skipped", "response-of-another-kind")
    assert await told.state_of(ticked) == ("succeeded", None)
    assert len(scripted.calls) == 1


async def test_a_workflow_for_previews_alone_leaves_an_ordinary_response(
    told: Told, qualtrics: Qualtrics
) -> None:
    await told.workflow("preview")
    assert await told.run() == ("skipped", "response-of-another-kind")


async def test_a_question_that_is_new_in_the_survey_is_known_by_the_next_response(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    qualtrics.questions = {"QID1": QUESTIONS["QID1"]}
    await told.workflow(
        "created", "updated", text="${q://QID2/QuestionText}: ${q://QID2/ChoiceTextEntryValue}"
    )
    await told.run()
    qualtrics.questions = dict(QUESTIONS)
    await told.database.pool.execute("UPDATE qualtrics_survey SET read_at = now() - interval '2 minutes'")
    (run,) = await told.tell("updated")
    await told.advance(run)
    assert [call.configuration.text for call in scripted.calls] == [": Quick & kind", "Why?: Quick & kind"]
    async with told.database.transaction() as connection:
        definition = Definition(SurveyResponse(SURVEY, told.account.id), ())
        known = (await read_known(connection, definition)).account_surveys[told.account.id, SURVEY]
    assert [question.id for question in known.questions] == ["QID1", "QID2", "QID3", "QID4"]


async def test_a_choice_that_was_taken_out_of_the_survey_is_known_by_its_label(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    qualtrics.values = {**VALUES, "QID1": 9}
    qualtrics.labels = {"QID1": "Gone <i>now</i>"}
    await told.workflow(text="${q://QID1/ChoiceGroup/SelectedChoices} ${q://QID1/SelectedChoicesRecode}")
    await told.run()
    assert scripted.calls[0].configuration.text == "Gone now 9"


async def test_a_survey_is_not_read_with_every_response(told: Told, qualtrics: Qualtrics) -> None:
    await told.workflow("created", "updated")
    await told.run()
    for number in range(3):
        (run,) = await told.tell("updated", f"updated {number}")
        await told.advance(run)
    assert qualtrics.asked.count(f"/surveys/{SURVEY}") == 1
    assert await told.database.pool.fetchval("SELECT count(*) FROM qualtrics_survey") == 1


@pytest.mark.parametrize(
    ("status", "ended"), [(500, "waiting"), (429, "waiting"), (401, "waiting"), (400, "failed")]
)
async def test_what_the_account_answers_decides_and_then_the_same_run_goes_on(
    told: Told, qualtrics: Qualtrics, status: int, ended: str
) -> None:
    qualtrics.refuses_with = status
    await told.workflow()
    assert (await told.run())[0] == ended


async def test_a_rehearsal_reads_a_response_and_keeps_nothing(
    told: Told, qualtrics: Qualtrics, responses: QualtricsResponses
) -> None:
    looking = QualtricsResponses(told.database, responses._accounts, keeps=False)
    assert (await told.read(looking)).fields["customerID"] == "c1"
    for table in ("qualtrics_response", "qualtrics_survey"):
        assert await told.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608


async def test_a_character_that_cannot_be_stored_is_left_out(
    told: Told, qualtrics: Qualtrics, scripted: Any
) -> None:
    qualtrics.values = {**VALUES, "QID2_TEXT": "a\x00b", "customerID": "c\x001"}
    await told.workflow(text="${q://QID2/ChoiceTextEntryValue} ${e://Field/CustomerId}")
    assert await told.run() == ("succeeded", None)
    assert scripted.calls[0].configuration.text == "ab c1"
