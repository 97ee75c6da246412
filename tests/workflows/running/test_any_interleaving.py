"""Whatever happens in whatever order, the promises hold: crashes, retries, redeliveries, pauses, edits, replays.

Hypothesis makes up stories of two workers, a vendor that knows repeats by their key, and an administrator; each story
is lived on a real database. What the vendor saw is held against what was promised, after each step and at the end.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.replays import (
    FROM_FAILED,
    FROM_START,
    ReplaysKeeper,
    runs_by_id,
    start_replay,
)
from afterword.workflows.running.retries import SCHEDULE
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

T = TypeVar("T")
WHY = Reason("because", "it is so")
CLOSED = "CONVERSATION/CLOSED"
MOST_ATTEMPTS = len(SCHEDULE) + 1


class Note(msgspec.Struct, frozen=True):
    """Says which revision the configuration is of."""

    revision: int


class Killed(BaseException):
    """The worker was killed: nothing after this moment happens."""


class Vendor:
    """The other side: it remembers what it was asked to do, and does it once for each key."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.next: list[str] = []

    async def do(self, call: TaskCall[Note]) -> Done:
        what = self.next.pop(0) if self.next else "done"
        if what == "killed before":
            raise Killed
        if what in {"done", "killed after", "unknown"}:
            self.asked.append((call.key, call.configuration.revision))
        match what:
            case "killed after":
                raise Killed
            case "unknown":
                raise Retry(WHY, outcome_unknown=True)
            case "down":
                raise Retry(WHY)
            case "held":
                raise Retry(WHY, tried=False, waiting_for="account/GA_1")
            case "refused":
                raise Permanent(WHY)
            case "nothing to do":
                raise Skip(WHY)
            case "fault":
                raise ZeroDivisionError
        return Done({"text": "done"})


class Ours:
    """A task type; ``repetition`` says what doing it twice means."""

    label = "Ours"
    configuration = Note
    repeats_when_unknown = False

    def __init__(self, name: str, repetition: Repetition, vendor: Vendor) -> None:
        self.name = name
        self.repetition = repetition
        self.vendor = vendor

    def outputs(self, _: Note) -> tuple[str, ...]:
        return ("text",)

    async def plan(self, _: TaskCall[Note]) -> Plan:
        return Plan({})

    async def run(self, call: TaskCall[Note]) -> Done:
        return await self.vendor.do(call)


WHAT_HAPPENS = st.sampled_from(
    [
        "done",
        "done",
        "down",
        "unknown",
        "held",
        "refused",
        "nothing to do",
        "fault",
        "killed before",
        "killed after",
    ]
)


class Stories(RuleBasedStateMachine):
    """One workflow of two tasks: the first may be done twice safely, the second may not."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.vendor = Vendor()
        self.conversations = 0
        self.revision = 1
        self.closings: Counter[str] = Counter()
        self.rounds: defaultdict[str, int] = defaultdict(lambda: 1)

    def live(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        async def begin() -> None:
            self.database = await Database.connect(self.url, name="test", pool_size=4)
            await self.database.pool.execute(
                "TRUNCATE event, run, task_attempt, workflow, problem, replay, pgqueuer CASCADE"
            )
            async with self.database.transaction() as connection:
                self.workflow_id = await add_workflow(connection, name="Test", definition=self.definition())

        self.live(begin())
        self.queue = RunQueue(self.database)
        self.inbox = Inbox(self.database, self.queue)
        self.keeper = ReplaysKeeper(self.database, self.queue)
        types = {
            "safe": Ours("safe", Repetition.IDEMPOTENT, self.vendor),
            "once": Ours("once", Repetition.NEITHER, self.vendor),
        }
        self.workers = [RunEngine(self.database, types) for _ in range(2)]

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.settle()
            self.live(self.database.close())
        self.runner.close()

    def definition(self) -> Definition:
        configuration = {"revision": self.revision}
        return Definition(
            ConversationClosed("GA_1"),
            (Task("T-1", "safe", "Safe", configuration), Task("T-2", "once", "Once", configuration)),
        )

    async def row(self, sql: str, *values: object) -> list[Any]:
        return [dict(row) for row in await self.database.pool.fetch(sql, *values)]

    @rule()
    def a_conversation_is_closed(self) -> None:
        self.conversations += 1
        self.live(self._close(f"c{self.conversations}"))

    @precondition(lambda self: self.conversations)
    @rule(data=st.data())
    def the_closing_is_delivered_again(self, data: st.DataObject) -> None:
        self.live(self._close(f"c{data.draw(st.integers(1, self.conversations))}"))

    async def _close(self, conversation: str) -> None:
        self.closings[conversation] += 1
        body = {
            "id": f"{conversation}/{self.closings[conversation]}",
            "type": CLOSED,
            "timestamp": "2026-11-23T12:00:00Z",
            "initiator": {"id": "a1", "type": "AGENT"},
            "content": {"customerId": "cust1", "conversationId": conversation},
        }
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, body, conversation_id, occurred_at) "
            "VALUES ('gladly/GA_1', $1, $2, $3, '2026-11-23 12:00Z')",
            CLOSED,
            msgspec.json.encode(body).decode(),
            conversation,
        )
        await self.inbox.drain()

    @rule(data=st.data(), what=st.lists(WHAT_HAPPENS, max_size=3), worker=st.integers(0, 1))
    def a_worker_takes_a_run_on(self, data: st.DataObject, what: list[str], worker: int) -> None:
        run_id = self._some_run(data)
        if run_id is not None:
            self.vendor.next = list(what)
            self.live(self._advance(worker, run_id))
            self.vendor.next = []

    async def _advance(self, worker: int, run_id: int) -> None:
        with contextlib.suppress(Killed):
            await self.workers[worker].advance(run_id)

    @rule(data=st.data())
    def two_workers_take_one_run_on(self, data: st.DataObject) -> None:
        """As when a slow one was taken for dead."""
        run_id = self._some_run(data)
        if run_id is not None:
            self.live(self._both(run_id))

    async def _both(self, run_id: int) -> None:
        await asyncio.gather(self._advance(0, run_id), self._advance(1, run_id))

    @rule()
    def time_passes(self) -> None:
        self.live(self.row("UPDATE run SET due_at = now() WHERE status = 'waiting' AND waiting_for IS NULL"))

    @rule()
    def the_account_works_again(self) -> None:
        self.live(
            self.row(
                "UPDATE run SET due_at = now(), waiting_for = NULL WHERE status = 'waiting' AND waiting_for = $1",
                "account/GA_1",
            )
        )

    @rule(is_on=st.booleans())
    def the_workflow_is_turned(self, *, is_on: bool) -> None:
        self.live(self._turn(is_on=is_on))

    async def _turn(self, *, is_on: bool) -> None:
        await self.row("UPDATE workflow SET is_on = $1", is_on)
        if is_on:
            await self.row(
                "UPDATE run SET due_at = now(), waiting_for = NULL WHERE waiting_for LIKE 'workflow/%'"
            )

    @rule()
    def the_workflow_is_edited(self) -> None:
        self.revision += 1
        self.live(
            self.row(
                "WITH saved AS (INSERT INTO workflow_revision (workflow_id, number, definition) "
                "SELECT id, $1, $2::jsonb FROM workflow) UPDATE workflow SET current_revision = $1",
                self.revision,
                msgspec.json.encode(self.definition()).decode(),
            )
        )

    @rule(data=st.data(), from_task=st.sampled_from([FROM_START, FROM_FAILED, "T-2"]))
    def a_run_is_replayed(self, data: st.DataObject, from_task: str) -> None:
        run_id = self._some_run(data)
        if run_id is not None:
            self.live(self._replay(run_id, from_task))

    async def _replay(self, run_id: int, from_task: str) -> None:
        async with self.database.transaction() as connection:
            await start_replay(connection, runs_by_id([run_id]), what="one", from_task=from_task)
        await self.keeper.tick()
        for row in await self.row("SELECT key::text AS key, replays FROM run WHERE id = $1", run_id):
            self.rounds[row["key"]] = row["replays"] + 1

    def _some_run(self, data: st.DataObject) -> int | None:
        run_ids = [row["id"] for row in self.live(self.row("SELECT id FROM run ORDER BY id"))]
        return data.draw(st.sampled_from(run_ids)) if run_ids else None

    @invariant()
    def one_closing_makes_at_most_one_run_however_often_it_is_delivered(self) -> None:
        if hasattr(self, "database"):
            rows = self.live(
                self.row("SELECT event.conversation_id FROM event JOIN run ON run.event_id = event.id")
            )
            counted = Counter(row["conversation_id"] for row in rows)
            assert all(count == 1 for count in counted.values()), counted

    @invariant()
    def a_run_keeps_its_revision(self) -> None:
        if hasattr(self, "database"):
            rows = self.live(self.row("SELECT key::text AS key, revision FROM run"))
            revisions = {row["key"]: row["revision"] for row in rows}
            for key, revision in self.vendor.asked:
                assert revision == revisions[key.split("/")[0]]

    @invariant()
    def what_must_not_be_done_twice_is_done_at_most_once_a_round(self) -> None:
        done = Counter(key for key, _ in self.vendor.asked if key.endswith("/T-2"))
        for key, times in done.items():
            assert times <= self.rounds[key.split("/")[0]], (key, times)

    @invariant()
    def problems_count_the_failed_runs_exactly(self) -> None:
        if hasattr(self, "database"):
            counted = self.live(self.row("SELECT coalesce(sum(runs), 0) AS runs FROM problem"))[0]["runs"]
            failed = self.live(self.row("SELECT count(*) AS runs FROM run WHERE status = 'failed'"))[0][
                "runs"
            ]
            assert counted == failed

    @invariant()
    def no_task_is_attempted_more_often_than_the_schedule_says(self) -> None:
        if hasattr(self, "database"):
            rows = self.live(
                self.row(
                    "SELECT max(attempt) AS most FROM task_attempt WHERE status IN ('retrying', 'failed')"
                )
            )
            assert (rows[0]["most"] or 0) <= MOST_ATTEMPTS

    def settle(self) -> None:
        """The vendor does all it is asked; then nothing is left undone and nothing is silent."""
        self.live(self._turn(is_on=True))
        for _ in range(3):
            self.the_account_works_again()
            self.time_passes()
            for row in self.live(self.row("SELECT id FROM run WHERE status IN ('running', 'waiting')")):
                self.live(self._advance(0, row["id"]))
        open_ = self.live(self.row("SELECT id, status, reason_code FROM run WHERE finished_at IS NULL"))
        assert open_ == []
        silent = self.live(
            self.row(
                "SELECT id FROM run WHERE status <> 'succeeded' AND (reason_code IS NULL OR reason_words IS NULL)"
            )
        )
        assert silent == []
        succeeded = self.live(self.row("SELECT key::text AS key, ends FROM run WHERE status = 'succeeded'"))
        asked = {key for key, _ in self.vendor.asked}
        for row in succeeded:
            ended_otherwise = set(msgspec.json.decode(row["ends"]))
            for task in {"T-1", "T-2"} - ended_otherwise:
                assert f"{row['key']}/{task}" in asked


async def test_the_promises_hold_in_any_interleaving(database_url: str) -> None:
    machine = type("StoriesHere", (Stories,), {"url": database_url})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
