"""Replays: the same run again, with the same ids, from where it makes sense; and problems, counted exactly."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outcomes import ConfigurationError, Permanent, Reason, Retry, Skip
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.moves import End
from afterword.workflows.running.problems import Problem, list_problems
from afterword.workflows.running.replays import (
    FROM_FAILED,
    FROM_START,
    Replay,
    ReplaysKeeper,
    beginning_of,
    get_replay,
    runs_by_id,
    runs_of_problem,
    start_replay,
    stop_replay,
)
from afterword.workflows.starting.matching import Inbox

WHY = Reason("because", "it is so")
THREE_TASKS = tuple(Task(f"T-{number}", "scripted", f"Task {number}") for number in (1, 2, 3))


class Replaying:
    """Runs, replayed step by step without a worker."""

    def __init__(self, story: Any, scripted: Any) -> None:
        self.story = story
        self.database: Database = story.database
        self.scripted = scripted
        self.engine = RunEngine(self.database, {"scripted": scripted})
        self.queue = RunQueue(self.database)
        self.keeper = ReplaysKeeper(self.database, self.queue)

    async def run(self, count: int = 1, tasks: Sequence[Task] = THREE_TASKS) -> list[int]:
        """Make runs of a workflow and take them as far as they go; answers their ids."""
        await self.story.workflow(tasks=tasks)
        for number in range(count):
            await self.story.webhook(conversation=f"conversation {number}")
        await Inbox(self.database, self.queue).drain()
        rows = await self.database.pool.fetch("SELECT id FROM run ORDER BY id")
        for row in rows:
            await self.engine.advance(row["id"])
        return [row["id"] for row in rows]

    async def replay(self, run_ids: Sequence[int], from_task: str = FROM_FAILED) -> int:
        async with self.database.transaction() as connection:
            return await start_replay(connection, runs_by_id(run_ids), what="these", from_task=from_task)

    async def go(self) -> None:
        """One turn of the keeper, and its runs as far as they go."""
        await self.keeper.tick()
        for row in await self.database.pool.fetch("SELECT id FROM run WHERE status = 'running'"):
            await self.engine.advance(row["id"])

    async def told(self, replay_id: int) -> Replay:
        async with self.database.transaction() as connection:
            told = await get_replay(connection, replay_id)
        assert told is not None
        return told

    async def problems(self) -> list[Problem]:
        async with self.database.transaction() as connection:
            return await list_problems(connection)

    async def statuses(self) -> list[str]:
        rows = await self.database.pool.fetch("SELECT status FROM run ORDER BY id")
        return [row["status"] for row in rows]

    def called(self) -> list[str]:
        return [call.task_id for call in self.scripted.calls]


@pytest.fixture
def replaying(story: Any, scripted: Any) -> Replaying:
    return Replaying(story, scripted)


async def test_a_failed_run_goes_on_from_the_task_that_failed_with_the_same_ids(
    replaying: Replaying, scripted: Any
) -> None:
    scripted.then(Done({"text": "one"})).then(Permanent(WHY)).then(Done())
    run_ids = await replaying.run()
    first_keys = {call.task_id: call.key for call in scripted.calls}
    scripted.calls.clear()
    await replaying.replay(run_ids)
    await replaying.go()
    assert replaying.called() == ["T-2", "T-3"]
    assert {call.task_id: call.key for call in scripted.calls} == {
        name: key for name, key in first_keys.items() if name != "T-1"
    }
    assert await replaying.statuses() == ["succeeded"]


async def test_from_the_start_every_task_is_called_again_with_the_same_ids(
    replaying: Replaying, scripted: Any
) -> None:
    run_ids = await replaying.run()
    first = [(call.task_id, call.key, call.fields) for call in scripted.calls]
    scripted.calls.clear()
    await replaying.replay(run_ids, FROM_START)
    await replaying.go()
    assert len(first) == len(THREE_TASKS)
    assert [(call.task_id, call.key, call.fields) for call in scripted.calls] == first


async def test_a_waiting_run_is_tried_at_once_and_has_all_its_attempts_again(
    replaying: Replaying, scripted: Any
) -> None:
    scripted.then(Retry(WHY)).then(Retry(WHY))
    run_ids = await replaying.run(tasks=THREE_TASKS[:1])
    assert await replaying.statuses() == ["waiting"]
    await replaying.replay(run_ids)
    await replaying.go()
    assert await replaying.statuses() == ["succeeded"]
    assert [call.attempt for call in scripted.calls] == [1, 2, 1]


async def test_a_skipped_run_is_tried_from_the_task_that_was_skipped(
    replaying: Replaying, scripted: Any
) -> None:
    scripted.then(Skip(WHY))
    run_ids = await replaying.run(tasks=THREE_TASKS[:1])
    await replaying.replay(run_ids)
    await replaying.go()
    assert await replaying.statuses() == ["succeeded"]


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_done_run_begins_again_at_the_task_that_was_chosen(
    replaying: Replaying, scripted: Any, number: int
) -> None:
    run_ids = await replaying.run()
    scripted.calls.clear()
    await replaying.replay(run_ids, f"T-{number}")
    await replaying.go()
    assert replaying.called() == [f"T-{later}" for later in range(number, 4)]


async def test_a_run_that_is_running_is_left_alone(replaying: Replaying) -> None:
    run_ids = await replaying.run()
    await replaying.database.pool.execute("UPDATE run SET status = 'running'")
    replay_id = await replaying.replay(run_ids, FROM_START)
    await replaying.keeper.tick()
    told = await replaying.told(replay_id)
    assert (told.left, told.started) == (1, 0)
    assert await replaying.database.pool.fetchval("SELECT replays FROM run") == 0


async def test_two_runs_replayed_at_once_each_keep_their_own_event(
    replaying: Replaying, scripted: Any
) -> None:
    run_ids = await replaying.run(2)
    first = [(call.key, call.fields["conversationId"]) for call in scripted.calls]
    scripted.calls.clear()
    await replaying.replay(run_ids[1:], FROM_START)
    await replaying.replay(run_ids[:1], FROM_START)
    await replaying.go()
    assert len(first) == 2 * len(THREE_TASKS)
    assert sorted((call.key, call.fields["conversationId"]) for call in scripted.calls) == sorted(first)


async def test_progress_is_told_and_the_replay_ends(replaying: Replaying, scripted: Any) -> None:
    for _ in range(3):
        scripted.then(Permanent(WHY))
    run_ids = await replaying.run(3, THREE_TASKS[:1])
    replay_id = await replaying.replay(run_ids)
    before = await replaying.told(replay_id)
    assert (before.total, before.queued, before.done) == (3, 3, 0)
    await replaying.go()
    await replaying.keeper.tick()
    after = await replaying.told(replay_id)
    assert (after.queued, after.started, after.done) == (0, 0, 3)
    assert after.finished_at is not None


async def test_what_is_queued_can_be_stopped(
    replaying: Replaying, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterword.workflows.running.replays.MOST_AT_ONCE", 1)
    for _ in range(3):
        scripted.then(Permanent(WHY))
    run_ids = await replaying.run(3, THREE_TASKS[:1])
    replay_id = await replaying.replay(run_ids)
    await replaying.go()
    async with replaying.database.transaction() as connection:
        assert await stop_replay(connection, replay_id)
        assert not await stop_replay(connection, replay_id)
    await replaying.go()
    told = await replaying.told(replay_id)
    assert (told.done, told.queued) == (1, 2)
    assert told.finished_at is not None
    assert await replaying.statuses() == ["succeeded", "failed", "failed"]


async def test_replaying_nothing_is_refused(replaying: Replaying) -> None:
    with pytest.raises(ConfigurationError, match="no run to replay"):
        await replaying.replay([12345])


async def test_replayed_runs_go_behind_live_ones(replaying: Replaying) -> None:
    run_ids = await replaying.run()
    await replaying.database.pool.execute("DELETE FROM pgqueuer")  # their first jobs are done
    await replaying.replay(run_ids, FROM_START)
    await replaying.keeper.tick()
    await replaying.story.webhook(conversation="live")
    await Inbox(replaying.database, replaying.queue).drain()
    rows = await replaying.database.pool.fetch(
        "SELECT convert_from(payload, 'UTF8') AS run FROM pgqueuer WHERE status = 'queued' ORDER BY priority DESC, id"
    )
    jobs = [int(row["run"]) for row in rows]
    assert len(jobs) == 2
    assert jobs[-1] == run_ids[0]


async def test_failures_with_one_cause_are_one_problem(replaying: Replaying, scripted: Any) -> None:
    for _ in range(3):
        scripted.then(Permanent(WHY))
    scripted.then(Permanent(Reason("other", "it is otherwise")))
    await replaying.run(4, THREE_TASKS[:1])
    problems = await replaying.problems()
    assert {(problem.reason_code, problem.runs, problem.task_id) for problem in problems} == {
        ("because", 3, "T-1"),
        ("other", 1, "T-1"),
    }


async def test_a_problem_is_told_of_once_with_the_number_of_its_runs(
    replaying: Replaying, scripted: Any
) -> None:
    for _ in range(3):
        scripted.then(Permanent(WHY))
    await replaying.run(3, THREE_TASKS[:1])
    rows = await replaying.database.pool.fetch("SELECT kind, subject, count, words FROM alert")
    (problem,) = await replaying.problems()
    assert [(row["kind"], row["subject"], row["count"]) for row in rows] == [
        ("run-failed", f"problem/{problem.id}", 3)
    ]
    assert "it is so" in rows[0]["words"]


async def test_a_problem_is_gone_when_all_its_runs_were_replayed_with_success(
    replaying: Replaying, scripted: Any
) -> None:
    for _ in range(3):
        scripted.then(Permanent(WHY))
    await replaying.run(3, THREE_TASKS[:1])
    (problem,) = await replaying.problems()
    async with replaying.database.transaction() as connection:
        await start_replay(connection, runs_of_problem(problem.id), what="a problem")
    await replaying.go()
    assert await replaying.problems() == []
    assert await replaying.statuses() == ["succeeded"] * 3


async def test_a_run_that_fails_again_counts_once(replaying: Replaying, scripted: Any) -> None:
    scripted.then(Permanent(WHY)).then(Permanent(WHY))
    run_ids = await replaying.run(1, THREE_TASKS[:1])
    await replaying.replay(run_ids)
    await replaying.go()
    (problem,) = await replaying.problems()
    assert problem.runs == 1


async def test_a_late_result_from_before_the_replay_changes_nothing(
    replaying: Replaying, scripted: Any
) -> None:
    run_ids = await replaying.run(1, THREE_TASKS[:1])
    await replaying.database.pool.execute("UPDATE run SET status = 'waiting', position = 0, due_at = now()")

    async def slow(_: Any) -> Done:
        await replaying.replay(run_ids)
        await replaying.keeper.tick()
        return Done({"text": "late"})

    scripted.behaviours.append(slow)
    await replaying.engine.advance(run_ids[0])
    row = await replaying.database.pool.fetchrow("SELECT status, outputs, replays FROM run")
    assert row is not None
    assert (row["status"], row["replays"]) == ("running", 1)
    assert "late" not in row["outputs"]


ENDS = st.dictionaries(
    st.sampled_from(["T-1", "T-2", "T-3"]),
    st.sampled_from(["failed", "skipped", "not run"]).map(lambda status: End(status, "c", "w")),  # type: ignore[arg-type]
)


@given(
    position=st.integers(0, 3),
    ends=ENDS,
    from_task=st.sampled_from([FROM_START, FROM_FAILED, "T-1", "T-2", "T-3", "gone"]),
)
def test_a_run_never_begins_beyond_where_it_stood_and_keeps_only_what_is_before(
    position: int, ends: dict[str, End], from_task: str
) -> None:
    definition = Definition(ConversationClosed("GA_1"), THREE_TASKS)
    reached = {f"T-{number}" for number in range(1, position + 1)}
    ends = {task: end for task, end in ends.items() if task in reached}
    outputs: dict[str, dict[str, object]] = {task: {"text": task} for task in reached - set(ends)}
    beginning = beginning_of(definition, from_task, position=position, outputs=outputs, ends=ends)
    kept = {f"T-{number}" for number in range(1, beginning.position + 1)}
    assert 0 <= beginning.position <= position
    assert set(beginning.outputs) | set(beginning.ends) == kept
