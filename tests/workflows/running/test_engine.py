"""The run engine: a run goes as far as it can, and its row tells the truth."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.outgoing.budgets import present_use
from afterword.store.database import ConnectionLost, Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.workflows.definitions import JsonEvent, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.retries import SCHEDULE
from afterword.workflows.starting.matching import Inbox

WHY = Reason("because", "it is so")
TWO_TASKS = (Task("T-1", "scripted", "One"), Task("T-2", "scripted", "Two"))


@pytest.fixture
def engine(database: Database, scripted: Any) -> RunEngine:
    return RunEngine(database, {"scripted": scripted})


async def start(story: Any) -> int:
    """Make a run of what stands in the inbox; answers its id."""
    await Inbox(story.database, RunQueue(story.database)).drain()
    return int(await story.database.pool.fetchval("SELECT id FROM run"))


async def run_row(story: Any) -> dict[str, Any]:
    return dict(await story.database.pool.fetchrow("SELECT * FROM run"))


async def attempts(story: Any) -> list[tuple[int, int, str, str | None]]:
    rows = await story.database.pool.fetch(
        "SELECT position, attempt, status, reason_code FROM task_attempt ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def let_it_be_due(story: Any) -> None:
    await story.database.pool.execute("UPDATE run SET due_at = now() WHERE status = 'waiting'")


async def test_a_run_does_its_tasks_in_order_and_succeeds(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    await story.workflow(tasks=TWO_TASKS)
    await story.webhook()
    run_id = await start(story)
    assert await engine.advance(run_id) is None
    assert [call.task_id for call in scripted.calls] == ["T-1", "T-2"]
    row = await run_row(story)
    assert (row["status"], row["position"]) == ("succeeded", 2)
    assert row["finished_at"] is not None
    assert await attempts(story) == [(0, 1, "succeeded", None), (1, 1, "succeeded", None)]


async def test_a_run_knows_its_customer_and_conversation(story: Any, engine: RunEngine) -> None:
    await story.workflow()
    await story.webhook()
    await engine.advance(await start(story))
    row = await run_row(story)
    assert (row["customer_id"], row["conversation_id"]) == ("cust1", "conv1")


async def test_a_task_sees_the_events_fields_and_its_piped_text_filled_in(
    story: Any, scripted: Any, engine: RunEngine, json_event: JsonEvent
) -> None:
    task = Task("T-1", "scripted", "One", {"text": "For ~{aedj://customerId}"})
    await story.workflow(json_event, [task])
    await story.event("json-event/OC_1", "JSON Event", {"customerId": "c7", "conv": "k"})
    await engine.advance(await start(story))
    (call,) = scripted.calls
    assert call.configuration.text == "For c7"
    assert call.fields == {"customerId": "c7", "conversationId": "k"}


async def test_a_task_that_asks_for_a_value_nobody_has_fails_the_run_with_its_name(
    story: Any, scripted: Any, engine: RunEngine, json_event: JsonEvent
) -> None:
    await story.workflow(json_event, [Task("T-1", "scripted", "One", {"text": "~{aedj://nmae}"})])
    await story.event("json-event/OC_1", "JSON Event", {})
    await engine.advance(await start(story))
    row = await run_row(story)
    assert (row["status"], row["reason_code"]) == ("failed", "piped-text-unknown")
    assert "aedj://nmae" in row["reason_words"]
    assert scripted.calls == []


async def test_a_run_whose_every_task_was_skipped_is_skipped_for_the_first_ones_reason(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Skip(WHY)).then(Skip(Reason("other", "it is otherwise")))
    await story.workflow(tasks=TWO_TASKS)
    await story.webhook()
    await engine.advance(await start(story))
    row = await run_row(story)
    assert (row["status"], row["reason_code"], row["reason_words"]) == ("skipped", "because", "it is so")
    assert [attempt[2] for attempt in await attempts(story)] == ["skipped", "skipped"]


async def test_permanent_fails_the_run_at_once(story: Any, scripted: Any, engine: RunEngine) -> None:
    scripted.then(Permanent(WHY))
    await story.workflow()
    await story.webhook()
    assert await engine.advance(await start(story)) is None
    assert (await run_row(story))["status"] == "failed"
    assert len(scripted.calls) == 1


async def test_the_first_retry_comes_at_once_and_the_next_waits(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Retry(WHY)).then(Retry(WHY))
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    delay = await engine.advance(run_id)
    assert delay is not None
    assert 4 <= delay <= 6
    row = await run_row(story)
    assert (row["status"], row["reason_code"]) == ("waiting", "because")
    assert [call.attempt for call in scripted.calls] == [1, 2]
    again = await engine.advance(run_id)
    assert again is not None
    assert again > 0
    assert len(scripted.calls) == 2
    await let_it_be_due(story)
    assert await engine.advance(run_id) is None
    assert (await run_row(story))["status"] == "succeeded"
    assert (await run_row(story))["reason_code"] is None


async def test_an_always_failing_task_ends_as_failed_after_exactly_the_scheduled_attempts(
    story: Any, scripted: Any, database: Database
) -> None:
    engine = RunEngine(database, {"scripted": scripted}, retry_time_scale=1e-9)
    for _ in range(20):
        scripted.then(Retry(WHY))
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    for _ in range(20):
        await let_it_be_due(story)
        await engine.advance(run_id)
    assert [call.attempt for call in scripted.calls] == list(range(1, len(SCHEDULE) + 2))
    assert len(scripted.calls) == 10
    assert (await run_row(story))["status"] == "failed"


async def test_a_fault_in_a_task_type_is_tried_again_and_told_without_its_trace(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(ZeroDivisionError("secret detail"))
    await story.workflow()
    await story.webhook()
    assert await engine.advance(await start(story)) is None
    assert (await attempts(story))[0] == (0, 1, "retrying", "unexpected-error")
    assert (await run_row(story))["status"] == "succeeded"


@pytest.mark.parametrize(
    "gone",
    [ConnectionLost("refused"), asyncpg.CannotConnectNowError("starting"), asyncpg.AdminShutdownError()],
)
async def test_our_own_database_going_away_within_a_task_costs_no_attempt(
    story: Any, scripted: Any, engine: RunEngine, gone: Exception
) -> None:
    scripted.then(gone)
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    await engine.advance(run_id)
    assert (await attempts(story), (await run_row(story))["status"]) == ([], "running")
    await engine.advance(run_id)
    assert await attempts(story) == [(0, 1, "succeeded", None)]


async def test_a_task_that_waits_is_called_again_when_its_time_has_come(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    scripted.then(Wait(datetime.now(UTC) + timedelta(hours=1), "scheduled", "it is to be done later"))
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    delay = await engine.advance(run_id)
    assert delay is not None
    assert 3590 < delay <= 3600
    row = await run_row(story)
    assert (row["status"], row["reason_code"]) == ("waiting", "scheduled")
    await let_it_be_due(story)
    assert await engine.advance(run_id) is None
    assert [call.attempt for call in scripted.calls] == [1, 1]
    assert (await run_row(story))["status"] == "succeeded"


async def test_waking_a_finished_run_does_nothing(story: Any, scripted: Any, engine: RunEngine) -> None:
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    await engine.advance(run_id)
    before = await run_row(story)
    assert await engine.advance(run_id) is None
    assert await run_row(story) == before
    assert len(scripted.calls) == 1


async def test_the_late_result_of_a_worker_taken_for_dead_changes_nothing(
    story: Any, scripted: Any, engine: RunEngine, database: Database
) -> None:
    successor = RunEngine(database, {"scripted": scripted})

    async def be_overtaken(call: TaskCall[Any]) -> Done:
        await successor.advance(
            await database.pool.fetchval("SELECT id FROM run WHERE key::text = $1", call.run_key)
        )
        raise Permanent(WHY)

    scripted.behaviours.append(be_overtaken)
    await story.workflow(tasks=TWO_TASKS)
    await story.webhook()
    run_id = await start(story)
    assert await engine.advance(run_id) is None
    row = await run_row(story)
    assert (row["status"], row["reason_code"]) == ("succeeded", None)
    assert [status for _, _, status, _ in await attempts(story)] == ["succeeded", "succeeded"]


async def test_a_run_taken_up_after_a_crash_goes_on_at_the_task_that_was_not_finished(
    story: Any, scripted: Any, engine: RunEngine, database: Database
) -> None:
    async def crash(_: TaskCall[Any]) -> Done:
        raise KeyboardInterrupt

    await story.workflow(tasks=TWO_TASKS)
    await story.webhook()
    run_id = await start(story)
    scripted.then(Done({"kept": "yes"}))
    scripted.behaviours.append(crash)
    with pytest.raises(KeyboardInterrupt):
        await engine.advance(run_id)
    await RunEngine(database, {"scripted": scripted}).advance(run_id)
    assert [call.task_id for call in scripted.calls] == ["T-1", "T-2", "T-2"]
    row = await run_row(story)
    assert row["status"] == "succeeded"
    assert '"kept"' in row["outputs"]


async def test_a_task_type_that_is_not_installed_is_named(story: Any, engine: RunEngine) -> None:
    await story.workflow(tasks=[Task("T-1", "no-such", "One")])
    await story.webhook()
    await engine.advance(await start(story))
    row = await run_row(story)
    assert (row["status"], row["reason_code"]) == ("failed", "task-type-unknown")
    assert "no-such" in row["reason_words"]


async def test_a_run_whose_workflow_was_deleted_meanwhile_says_so(
    story: Any, database: Database, engine: RunEngine
) -> None:
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    await database.pool.execute("DELETE FROM workflow")
    assert await engine.advance(run_id) is None
    assert (await run_row(story))["reason_code"] == "workflow-deleted"


async def test_a_runs_key_is_its_own_wherever_runs_are_counted_alike(
    story: Any, scripted: Any, engine: RunEngine, database: Database
) -> None:
    scripted.then(Retry(WHY))
    await story.workflow()
    await story.webhook()
    run_id = await start(story)
    await engine.advance(run_id)
    first, second = (call.key for call in scripted.calls)
    assert first == second
    await database.pool.execute(
        "UPDATE run SET status = 'running', position = 0, due_at = now(), key = gen_random_uuid()"
    )
    await engine.advance(run_id)
    assert scripted.calls[-1].key != first


async def test_what_makes_up_for_the_past_has_backfills_share_of_vendors_limits(
    story: Any, scripted: Any, engine: RunEngine
) -> None:
    uses = []

    async def look(_: TaskCall[Any]) -> Done:
        uses.append(present_use())
        return Done({})

    await story.workflow()
    for conversation, priority in (("now", 0), ("then", 1)):
        scripted.behaviours.append(look)
        await story.webhook(conversation=conversation)
        await Inbox(story.database, RunQueue(story.database)).drain()
        run_id = await story.database.pool.fetchval(
            "UPDATE run SET priority = $1 WHERE id = (SELECT max(id) FROM run) RETURNING id", priority
        )
        await engine.advance(run_id)
    assert uses == ["live", "backfill"]
    assert present_use() is None
