"""Which tasks of a run are carried out: after failures, skips, and by conditions; and how the run ends then."""

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest

from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Repetition
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

WHY = Reason("because", "it is so")
FIRST = Task("T-1", "scripted", "First")
INDEPENDENT = Task("T-2", "scripted", "Second")
DEPENDENT = Task("T-2", "scripted", "Second", {"text": "~{ch://T-1/text}"})


def only_if(field: str, value: str) -> Group:
    return Group("all", (Comparison(field, "equals", value),))


@pytest.fixture
def engine(database: Database, scripted: Any) -> RunEngine:
    return RunEngine(database, {"scripted": scripted})


class Told(msgspec.Struct):
    status: str
    reason: str | None
    tasks: list[tuple[str, str | None]]


async def run(story: Any, engine: RunEngine) -> Told:
    """Take the one run there is as far as it goes."""
    await Inbox(story.database, RunQueue(story.database)).drain()
    run_id = await story.database.pool.fetchval("SELECT id FROM run")
    await engine.advance(run_id)
    return await tell(story)


async def tell(story: Any) -> Told:
    row = await story.database.pool.fetchrow("SELECT status, reason_code FROM run")
    attempts = await story.database.pool.fetch("SELECT status, reason_code FROM task_attempt ORDER BY id")
    return Told(row["status"], row["reason_code"], [tuple(attempt) for attempt in attempts])


async def define(story: Any, *tasks: Task, conditions: Group | None = None) -> None:
    async with story.database.transaction() as connection:
        await add_workflow(
            connection, name="Test", definition=Definition(ConversationClosed("GA_1"), tasks, conditions)
        )
    await story.webhook()


async def test_a_failed_task_does_not_keep_the_others_from_their_work(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Permanent(WHY))
    await define(story, FIRST, INDEPENDENT)
    assert await run(story, engine) == Told("failed", "because", [("failed", "because"), ("succeeded", None)])


async def test_a_task_that_needs_a_failed_ones_output_goes_on_with_nothing_by_default(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Permanent(WHY))
    await define(story, FIRST, DEPENDENT)
    assert await run(story, engine) == Told("failed", "because", [("failed", "because"), ("succeeded", None)])
    assert scripted.calls[1].configuration.text == ""


async def test_a_failed_task_that_is_set_to_stop_stops_those_that_need_its_output(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Permanent(WHY))
    stopping = msgspec.structs.replace(FIRST, on_failure="stop-dependents")
    third = Task("T-3", "scripted", "Third")
    await define(story, stopping, DEPENDENT, third)
    assert await run(story, engine) == Told(
        "failed", "because", [("failed", "because"), ("not run", "needs-output-of-task"), ("succeeded", None)]
    )


async def test_what_needs_the_output_of_a_skipped_task_is_not_run(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Skip(WHY))
    await define(story, FIRST, DEPENDENT)
    assert await run(story, engine) == Told(
        "skipped", "because", [("skipped", "because"), ("not run", "needs-output-of-task")]
    )


async def test_a_run_of_which_a_part_was_skipped_succeeded(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Skip(WHY))
    await define(story, FIRST, INDEPENDENT)
    assert (await run(story, engine)).status == "succeeded"


async def test_a_task_uses_the_output_of_an_earlier_one(story: Any, scripted: Any, engine: RunEngine) -> None:
    first = Task("T-1", "scripted", "First", {"text": "hello"})
    await define(story, first, DEPENDENT)
    assert (await run(story, engine)).status == "succeeded"
    assert scripted.calls[1].configuration.text == "hello"


async def test_the_output_of_an_earlier_task_is_there_after_a_wait(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    first = Task("T-1", "scripted", "First", {"text": "hello"})
    await define(story, first, DEPENDENT)

    async def fail_twice(call: Any) -> Any:
        raise Retry(WHY)

    scripted.behaviours = [scripted.echo, fail_twice, fail_twice]
    assert (await run(story, engine)).status == "waiting"
    await story.database.pool.execute("UPDATE run SET due_at = now()")
    await engine.advance(await story.database.pool.fetchval("SELECT id FROM run"))
    assert (await tell(story)).status == "succeeded"
    assert scripted.calls[-1].configuration.text == "hello"


async def test_a_workflow_whose_conditions_do_not_hold_skips_the_run_and_shows_the_values(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    await define(story, FIRST, conditions=only_if("~{aedj://inboxId}", "another"))
    assert await run(story, engine) == Told("skipped", "conditions-not-met", [])
    assert scripted.calls == []
    evaluation = msgspec.json.decode(await story.database.pool.fetchval("SELECT evaluation FROM run"))
    assert [(one["found"], one["wanted"], one["holds"]) for one in evaluation["compared"]] == [
        ("inbox1", ["another"], False)
    ]


async def test_conditions_that_hold_are_shown_too(story: Any, scripted: Any, engine: RunEngine) -> None:
    await define(story, FIRST, conditions=only_if("~{aedj://inboxId}", "inbox1"))
    assert (await run(story, engine)).status == "succeeded"
    evaluation = msgspec.json.decode(await story.database.pool.fetchval("SELECT evaluation FROM run"))
    assert evaluation["holds"] is True


async def test_a_task_whose_conditions_do_not_hold_is_not_run_and_the_others_are(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    conditional = msgspec.structs.replace(FIRST, conditions=only_if("~{aedj://inboxId}", "another"))
    await define(story, conditional, INDEPENDENT)
    assert await run(story, engine) == Told(
        "succeeded", None, [("not run", "task-conditions-not-met"), ("succeeded", None)]
    )
    evaluation = msgspec.json.decode(
        await story.database.pool.fetchval("SELECT evaluation FROM task_attempt ORDER BY id LIMIT 1")
    )
    assert evaluation["holds"] is False


async def test_a_task_may_hang_on_an_earlier_ones_output_by_its_conditions(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    first = Task("T-1", "scripted", "First", {"text": "5"})
    second = msgspec.structs.replace(
        INDEPENDENT,
        conditions=Group("all", (Comparison("~{ch://T-1/text}", "is less than", "3", type="number"),)),
    )
    await define(story, first, second)
    assert (await run(story, engine)).tasks == [("succeeded", None), ("not run", "task-conditions-not-met")]


class TestUnknownOutcome:
    """A task type that may do it twice, and nobody knows whether it did."""

    @pytest.fixture(autouse=True)
    def repeats(self, scripted: Any) -> None:
        scripted.repetition = Repetition.NEITHER
        scripted.repeats_when_unknown = False

    async def test_it_stops_as_failed_where_it_is_set_so(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        scripted.then(Retry(WHY, outcome_unknown=True))
        await define(story, FIRST)
        assert await run(story, engine) == Told("failed", "outcome-unknown", [("failed", "outcome-unknown")])
        assert len(scripted.calls) == 1

    async def test_it_is_done_again_where_it_is_set_so(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        scripted.then(Retry(WHY, outcome_unknown=True)).then(Retry(WHY, outcome_unknown=True))
        await define(story, msgspec.structs.replace(FIRST, after_unknown_outcome="do-again"))
        assert (await run(story, engine)).status == "waiting"

    async def test_a_failure_that_is_known_to_have_done_nothing_is_tried_again(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        scripted.then(Retry(WHY))
        await define(story, FIRST)
        assert (await run(story, engine)).status == "succeeded"

    async def test_a_worker_that_dies_in_the_middle_of_it_leaves_an_unknown_outcome(
        self, story: Any, scripted: Any, engine: RunEngine, database: Database
    ) -> None:
        begun = asyncio.Event()

        async def hang(_: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

        scripted.behaviours.append(hang)
        await define(story, FIRST)
        killed = asyncio.create_task(run(story, engine))
        await begun.wait()
        killed.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killed
        scripted.calls.clear()
        another = RunEngine(database, {"scripted": scripted})
        await another.advance(await story.database.pool.fetchval("SELECT id FROM run"))
        assert await tell(story) == Told("failed", "outcome-unknown", [("failed", "outcome-unknown")])
        assert scripted.calls == []

    async def _in_flight_while(self, story: Any, scripted: Any, engine: RunEngine) -> bool:
        seen: list[bool] = []

        async def look(_: Any) -> Any:
            seen.append(await story.database.pool.fetchval("SELECT in_flight FROM run"))
            raise Retry(WHY)

        scripted.behaviours[:] = [look]
        await run(story, engine)
        return seen[0]

    async def test_what_repeats_safely_is_not_marked(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        scripted.repetition = Repetition.IDEMPOTENT
        await define(story, FIRST)
        assert await self._in_flight_while(story, scripted, engine) is False


class TestWorkflowThatChangedMeanwhile:
    async def test_a_run_of_a_workflow_that_is_off_is_held_and_costs_nothing(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        await define(story, FIRST)
        await Inbox(story.database, RunQueue(story.database)).drain()
        await story.database.pool.execute("UPDATE workflow SET is_on = false")
        run_id = await story.database.pool.fetchval("SELECT id FROM run")
        assert await engine.advance(run_id) is None
        row = await story.database.pool.fetchrow("SELECT * FROM run")
        assert (row["status"], row["reason_code"], row["due_at"]) == ("waiting", "workflow-off", None)
        assert row["waiting_for"] == f"workflow/{row['workflow_id']}"
        assert row["held_since"] is not None
        assert scripted.calls == []

    async def test_a_run_of_a_workflow_that_was_deleted_is_cancelled(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        await define(story, FIRST)
        await Inbox(story.database, RunQueue(story.database)).drain()
        await story.database.pool.execute("UPDATE workflow SET deleted_at = now()")
        await engine.advance(await story.database.pool.fetchval("SELECT id FROM run"))
        assert await tell(story) == Told("cancelled", "workflow-deleted", [])
        assert scripted.calls == []

    async def test_a_run_keeps_the_revision_that_it_began_with(
        self, story: Any, scripted: Any, engine: RunEngine
    ) -> None:
        await define(story, Task("T-1", "scripted", "First", {"text": "old"}))
        await Inbox(story.database, RunQueue(story.database)).drain()
        changed = Definition(ConversationClosed("GA_1"), (Task("T-1", "scripted", "First", {"text": "new"}),))
        await story.database.pool.execute(
            "INSERT INTO workflow_revision (workflow_id, number, definition) SELECT id, 2, $1::jsonb FROM workflow",
            msgspec.json.encode(changed).decode(),
        )
        await story.database.pool.execute("UPDATE workflow SET current_revision = 2")
        await engine.advance(await story.database.pool.fetchval("SELECT id FROM run"))
        assert scripted.calls[0].configuration.text == "old"


async def test_a_held_run_keeps_when_it_was_first_held_and_uses_no_attempt(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    held = Retry(WHY, tried=False, waiting_for="account/GA_1")
    scripted.then(held).then(held)
    await define(story, FIRST)
    await run(story, engine)
    first = await story.database.pool.fetchrow("SELECT * FROM run")
    assert (first["status"], first["waiting_for"], first["due_at"]) == ("waiting", "account/GA_1", None)
    await story.database.pool.execute("UPDATE run SET waiting_for = NULL, due_at = now()")
    await engine.advance(first["id"])
    second = await story.database.pool.fetchrow("SELECT * FROM run")
    assert second["held_since"] == first["held_since"]
    assert second["attempt"] == 0
