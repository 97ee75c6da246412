"""A rehearsal goes the engine's way and changes nothing; what would be sent stands beside what was."""

import asyncio
from typing import Any

import msgspec
import pytest

from afterword.outcomes import Outcome, Permanent, Reason, Retry, Skip
from afterword.sending.brakes import Brakes
from afterword.sending.pausing import pause
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.store.tables import metadata
from afterword.tasks.contract import Done, Plan, TaskCall
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    JsonField,
    SurveyResponse,
    Task,
)
from afterword.workflows.rehearsing import rehearsal
from afterword.workflows.rehearsing.rehearsal import PastEvent, Rehearsal, TaskRehearsal, rehearse
from afterword.workflows.rehearsing.rehearsed_events import (
    InvalidBody,
    find_past_event,
    offered_events,
    pasted,
)
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.starting.matching import Inbox

WHY = Reason("because", "it is so")
EVENT = JsonEvent("OC_1", (JsonField("name", "$.name"), JsonField("conversationId", "$.conversation")))
FIRST = Task("T-1", "planned", "First", {"text": "Hello ~{aedj://name}"})
SECOND = Task("T-2", "planned", "Second", {"text": "~{ch://T-1/$.text}!"})


class Planned:
    """A task type whose plan is what it would send; ``outcomes`` end the plan of a task by its id."""

    def __init__(self, scripted: Any) -> None:
        self.scripted = scripted
        self.configuration = scripted.configuration
        self.repetition = scripted.repetition
        self.outcomes: dict[str, Exception] = {}
        self.repeats = False
        self.runs = 0

    name = label = "planned"
    repeats_when_unknown = True

    def outputs(self, _: Any) -> tuple[str, ...]:
        return ("text",)

    async def plan(self, call: TaskCall[Any]) -> Plan:
        if call.task_id in self.outcomes:
            raise self.outcomes[call.task_id]
        text = call.configuration.text
        return Plan({"text": text, "messageId": call.key}, {"text": text}, repeats=self.repeats)

    async def run(self, call: TaskCall[Any]) -> Done:
        self.runs += 1
        text = call.configuration.text
        return Done({"text": text}, sent={"text": text, "messageId": call.key})


@pytest.fixture
def planned(scripted: Any) -> Planned:
    return Planned(scripted)


def definition(*tasks: Task, conditions: Group | None = None) -> Definition:
    return Definition(EVENT, tasks or (FIRST, SECOND), conditions)


def body(**fields: str) -> PastEvent:
    return PastEvent(body=msgspec.json.encode(fields).decode())


async def go(
    database: Database,
    planned: Planned,
    defined: Definition,
    event: PastEvent,
    workflow_id: str | None = None,
) -> Rehearsal:
    return await rehearse(database, {"planned": planned}, defined, event, workflow_id=workflow_id)


async def carry_out(database: Database, planned: Planned) -> None:
    await Inbox(database, RunQueue(database)).drain()
    engine = RunEngine(database, {"planned": planned})
    for row in await database.pool.fetch("SELECT id FROM run WHERE status = 'running'"):
        await engine.advance(row["id"])


def verdicts(told: Rehearsal) -> list[tuple[str, str | None]]:
    return [(task.verdict, task.reason_code) for task in told.tasks]


async def everything(database: Database) -> dict[str, Any]:
    return {
        table.name: await database.pool.fetch(f"SELECT * FROM {table.name} ORDER BY 1")  # noqa: S608
        for table in metadata.sorted_tables
    }


async def test_piped_text_is_filled_in_and_what_a_task_would_put_out_is_given_to_the_next(
    database: Database, planned: Planned
) -> None:
    told = await go(database, planned, definition(), body(name="Ada"))
    assert told.starts
    assert told.fields == {"name": "Ada", "conversationId": ""}
    assert [task.sends["text"] for task in told.tasks] == ["Hello Ada", "Hello Ada!"]
    assert [task.given for task in told.tasks] == [{"text": "Hello Ada"}, {"text": "Hello Ada!"}]
    assert verdicts(told) == [("would be done", None), ("would be done", None)]


async def test_nothing_is_written_and_no_task_is_run(
    database: Database, story: Any, planned: Planned
) -> None:
    workflow_id = await story.workflow(EVENT, (FIRST, SECOND))
    event_id = await story.event("json-event/OC_1", "JSON Event", {"name": "Ada", "conversation": "conv1"})
    await carry_out(database, planned)
    before, runs = await everything(database), planned.runs
    async with database.transaction() as connection:
        past = await find_past_event(connection, event_id)
    assert past is not None
    await go(database, planned, definition(), past, workflow_id)
    await go(database, planned, definition(), body(name="Bea"), workflow_id)
    assert (await everything(database), planned.runs) == (before, runs)


async def test_it_stands_beside_the_run_with_the_same_event_and_differences_are_marked(
    database: Database, story: Any, planned: Planned
) -> None:
    workflow_id = await story.workflow(EVENT, (FIRST, SECOND))
    first = await story.event("json-event/OC_1", "JSON Event", {"name": "Ada"})
    await story.event("json-event/OC_1", "JSON Event", {"name": "Bea"})
    await carry_out(database, planned)
    changed = Task("T-1", "planned", "First", {"text": "Dear ~{aedj://name}"})
    async with database.transaction() as connection:
        past = await find_past_event(connection, first)
    assert past is not None
    told = await go(database, planned, definition(changed, SECOND), past, workflow_id)
    assert told.last_run is not None
    assert (told.last_run.event_id, told.last_run.same_event) == (first, True)
    line = next(line for line in told.tasks[0].lines if line.name == "text")
    assert (line.now, line.before) == ("Dear Ada", "Hello Ada")
    assert [task.differs for task in told.tasks] == [("text",), ("text",)]
    same = await go(database, planned, definition(), past, workflow_id)
    assert [task.differs for task in same.tasks] == [(), ()]


async def test_with_a_new_event_it_stands_beside_the_last_run_that_did_something(
    database: Database, story: Any, planned: Planned
) -> None:
    workflow_id = await story.workflow(EVENT, (FIRST,))
    for name in ("Ada", "Bea"):
        await story.event("json-event/OC_1", "JSON Event", {"name": name})
    await carry_out(database, planned)
    await database.pool.execute("UPDATE run SET status = 'skipped' WHERE id = (SELECT max(id) FROM run)")
    told = await go(database, planned, definition(FIRST), body(name="Cid"), workflow_id)
    assert told.last_run is not None
    assert not told.last_run.same_event
    assert told.tasks[0].before is not None
    assert told.tasks[0].before.sent["text"] == "Hello Ada"


async def test_without_a_run_there_is_nothing_to_differ_from(
    database: Database, story: Any, planned: Planned
) -> None:
    workflow_id = await story.workflow(EVENT, (FIRST,))
    told = await go(database, planned, definition(FIRST), body(name="Ada"), workflow_id)
    assert told.last_run is None
    assert told.tasks[0].differs == ()
    assert [line.before for line in told.tasks[0].lines] == [None, None]


async def test_conditions_of_the_workflow_that_do_not_hold_are_told_with_their_values(
    database: Database, planned: Planned
) -> None:
    conditions = Group("all", (Comparison("~{aedj://name}", "equals", "Bea"),))
    told = await go(database, planned, definition(conditions=conditions), body(name="Ada"))
    assert not told.starts
    assert told.reason_code == "conditions-not-met"
    assert told.evaluation is not None
    assert (told.evaluation.compared[0].found, told.evaluation.compared[0].wanted) == ("Ada", ("Bea",))
    assert verdicts(told) == [("would not run", "conditions-not-met")] * 2


async def test_conditions_of_a_task_are_told_and_those_that_need_it_are_not_run(
    database: Database, planned: Planned
) -> None:
    only_bea = Group("all", (Comparison("~{aedj://name}", "equals", "Bea"),))
    first = msgspec.structs.replace(FIRST, conditions=only_bea)
    alone = Task("T-3", "planned", "Third", {"text": "by itself"})
    told = await go(database, planned, definition(first, SECOND, alone), body(name="Ada"))
    assert verdicts(told) == [
        ("would not run", "task-conditions-not-met"),
        ("would not run", "needs-output-of-task"),
        ("would be done", None),
    ]
    assert told.tasks[0].evaluation is not None


@pytest.mark.parametrize(
    ("outcome", "verdict", "second"),
    [
        (Skip(WHY), "would be skipped", "would not run"),
        (Retry(WHY), "would be tried again", "would not run"),
        (Permanent(WHY), "would fail", "would be done"),
    ],
)
async def test_how_a_task_would_end_decides_about_those_that_need_its_output(
    database: Database, planned: Planned, outcome: Outcome, verdict: str, second: str
) -> None:
    planned.outcomes["T-1"] = outcome
    told = await go(database, planned, definition(), body(name="Ada"))
    assert verdicts(told)[0] == (verdict, "because")
    assert told.tasks[1].verdict == second


async def test_a_task_that_stops_its_dependents_stops_them_in_a_rehearsal_too(
    database: Database, planned: Planned
) -> None:
    planned.outcomes["T-1"] = Permanent(WHY)
    first = msgspec.structs.replace(FIRST, on_failure="stop-dependents")
    told = await go(database, planned, definition(first, SECOND), body(name="Ada"))
    assert verdicts(told)[1] == ("would not run", "needs-output-of-task")


async def test_what_was_done_before_is_said_to_be(database: Database, planned: Planned) -> None:
    planned.repeats = True
    told = await go(database, planned, definition(FIRST), body(name="Ada"))
    assert told.tasks[0].verdict == "was done before"


async def test_a_plan_with_a_fault_is_told_without_a_stack(database: Database, planned: Planned) -> None:
    planned.outcomes["T-1"] = RuntimeError("secret")
    told = await go(database, planned, definition(FIRST), body(name="Ada"))
    assert verdicts(told) == [("would fail", "unexpected-error")]
    assert "secret" not in msgspec.json.encode(told).decode()


async def test_a_plan_that_hangs_is_given_up(
    database: Database, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: TaskCall[Any]) -> Plan:
        await asyncio.Event().wait()
        return Plan({})

    monkeypatch.setattr(rehearsal, "PLAN_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(planned, "plan", hang)
    told = await go(database, planned, definition(FIRST), body(name="Ada"))
    assert verdicts(told) == [("would be tried again", "rehearsal-too-slow")]


async def test_a_plan_that_writes_is_refused_by_the_database(
    database: Database, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = database.read_only()

    async def write(_: TaskCall[Any]) -> Plan:
        async with reader.transaction() as connection:
            await connection.execute(metadata.tables["mailing_list"].insert().values(id="CG_1", name="x"))
        return Plan({})

    monkeypatch.setattr(planned, "plan", write)
    told = await go(database, planned, definition(FIRST), body(name="Ada"))
    assert verdicts(told) == [("would fail", "unexpected-error")]
    assert await database.pool.fetchval("SELECT count(*) FROM mailing_list") == 0
    async with database.transaction() as connection:
        await connection.execute(metadata.tables["mailing_list"].insert().values(id="CG_1", name="x"))


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (Task("T-1", "nobody-has-this", "One"), "task-type-unknown"),
        (Task("T-1", "planned", "One", {"text": 5}), "configuration-invalid"),
        (Task("T-1", "planned", "One", {"text": "~{aedj://nothing}"}), "piped-text-unknown"),
    ],
)
async def test_a_definition_that_cannot_work_is_told_as_it_would_fail(
    database: Database, planned: Planned, task: Task, code: str
) -> None:
    told = await go(database, planned, definition(task), body(name="Ada"))
    assert verdicts(told) == [("would fail", code)]


async def test_an_event_from_elsewhere_is_rehearsed_with_a_note(
    database: Database, story: Any, planned: Planned
) -> None:
    event_id = await story.event("json-event/OC_other", "JSON Event", {"name": "Ada"})
    async with database.transaction() as connection:
        past = await find_past_event(connection, event_id)
    assert past is not None
    told = await go(database, planned, definition(FIRST), past)
    assert told.starts
    assert "from elsewhere" in told.notes[0]


async def test_what_keeps_customers_from_being_written_to_is_said(
    database: Database, planned: Planned
) -> None:
    async with database.transaction() as connection:
        await pause(connection, by="Olive")
    in_test = msgspec.structs.replace(
        definition(), brakes=Brakes(in_test=True, allowed=("@team.example", "ada@acme.example"))
    )
    told = await go(database, planned, in_test, body(name="Ada"))
    paused, tested = told.notes
    assert paused.startswith("All sending is paused since")
    assert tested == "The Workflow is in test: it writes to @team.example, ada@acme.example alone."
    assert [task.verdict for task in told.tasks] == ["would be done"] * 2


async def test_an_event_that_cannot_be_read_starts_nothing_and_says_why(
    database: Database, planned: Planned
) -> None:
    told = await go(database, planned, definition(), PastEvent(body="{"))
    assert (told.starts, told.reason_code, told.tasks) == (False, "event-unusable", ())
    gone = PastEvent(body='{"responseId": "R_1", "surveyId": "SV_1"}')
    told = await go(database, planned, Definition(SurveyResponse("SV_1"), (FIRST,)), gone)
    assert told.reason_code == "response-gone"


async def test_it_is_the_engines_way(database: Database, story: Any, planned: Planned) -> None:
    """What a rehearsal says is what a run then does, for each way a task can end."""
    only_bea = Group("all", (Comparison("~{aedj://name}", "equals", "Bea"),))
    tasks = (
        msgspec.structs.replace(FIRST, conditions=only_bea),
        SECOND,
        Task("T-3", "planned", "Third", {"text": "~{aedj://name}"}),
        Task("T-4", "planned", "Fourth", {"text": "~{ch://T-3/$.text} ~{ch://T-1/$.text?d=nobody}"}),
    )
    told = await go(database, planned, definition(*tasks), body(name="Ada"))
    await story.workflow(EVENT, tasks)
    await story.event("json-event/OC_1", "JSON Event", {"name": "Ada"})
    await carry_out(database, planned)
    rows = await database.pool.fetch("SELECT status, reason_code, output FROM task_attempt ORDER BY position")

    def as_run(task: TaskRehearsal) -> tuple[str, str | None, str | None]:
        status = {"would be done": "succeeded", "would not run": "not run"}[task.verdict]
        return status, task.reason_code, task.sends.get("text")

    sent = [msgspec.json.decode(row["output"]).get("sent", {}).get("text") for row in rows]
    assert [as_run(task) for task in told.tasks] == [
        (row["status"], row["reason_code"], text) for row, text in zip(rows, sent, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("", "there is nothing", None),
        ('{"a": 1,\n "b" 2}', "line 2, column 6", (2, 6)),
        ("[1]", "top level", None),
        ('{"a": NaN}', "JSON", None),
        ('{"a": "\\ud800"}', "JSON", None),
        ("[" * 100_000, "nested too deep", None),
        ('{"a": "' + "x" * 300_000 + '"}', "longer than 256 KB", None),
    ],
)
def test_a_mistake_in_a_pasted_event_is_told_with_its_place(
    text: str, words: str, place: tuple[int, int] | None
) -> None:
    with pytest.raises(InvalidBody, match=words) as refused:
        pasted(EVENT, text)
    assert (refused.value.line, refused.value.column) == (place or (None, None))


def test_a_pasted_event_has_to_be_such_as_the_workflow_starts_with() -> None:
    with pytest.raises(InvalidBody, match=r"what Gladly sends.*type"):
        pasted(ConversationClosed("GA_1"), "{}")
    with pytest.raises(InvalidBody, match="responseId"):
        pasted(SurveyResponse("SV_1"), "{}")
    assert pasted(EVENT, "{}").body == "{}"


async def test_the_newest_events_are_offered_those_that_started_nothing_too(
    database: Database, story: Any, planned: Planned
) -> None:
    workflow_id = await story.workflow(EVENT, (FIRST,))
    started = await story.event("json-event/OC_1", "JSON Event", {"name": "Ada"})
    await carry_out(database, planned)
    await database.pool.execute("UPDATE workflow SET is_on = false")
    kept = await story.event("json-event/OC_1", "JSON Event", {"name": "Bea"})
    await story.event("json-event/OC_2", "JSON Event", {"name": "Cid"})
    await carry_out(database, planned)
    async with database.transaction() as connection:
        offered = await offered_events(connection, workflow_id, EVENT)
        assert await find_past_event(connection, 2**70) is None
    assert [(event.id, event.run_id is not None) for event in offered] == [(kept, False), (started, True)]
