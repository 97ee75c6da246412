"""Whatever happens to an account and to the runs that need it, in whatever order, nothing is lost and nothing used up.

Hypothesis makes up stories of two workers with an availability and a keeper each, of a vendor that goes away, comes
back, refuses a token or a call, and of an administrator who replaces tokens and turns the workflow off and on; each
story is lived on a real database.
"""

import asyncio
from collections import Counter
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

from afterword.accounts.availability import Availability, waiting_for
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing import Policy
from afterword.accounts.standing_store import credentials_of
from afterword.gladly.errors import (
    GladlyMissingPermission,
    GladlyRateLimited,
    GladlyTimedOut,
    GladlyUnavailable,
    GladlyWrongCredentials,
    Told,
)
from afterword.outcomes import Outcome
from afterword.outgoing.watching import watched
from afterword.store.database import Database
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.holds import Holds
from afterword.workflows.saving.workflows import add_workflow

T = TypeVar("T")
CALL = "POST /items"
TOLD = Told(call=CALL)
POLICY = Policy(failures=2, spread=0.0)
KEY = "a key for the tests, long enough to be one"

ANSWERS: dict[str, Outcome | None] = {
    "up": None,
    "down": GladlyUnavailable(TOLD),
    "lost": GladlyTimedOut(TOLD),
    "refusing": GladlyWrongCredentials(TOLD),
    "not permitting": GladlyMissingPermission(TOLD),
    "busy": GladlyRateLimited(TOLD),
}


class Empty(msgspec.Struct, frozen=True):
    """Nothing to configure."""


class Calls:
    """A task type that calls the vendor under a worker's watch."""

    name = "calls"
    label = "Calls"
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = Empty

    def __init__(self, story: "Stories", availability: Availability) -> None:
        self.story = story
        self.availability = availability

    def outputs(self, _: Empty) -> tuple[str, ...]:
        return ()

    async def plan(self, _: TaskCall[Empty]) -> Plan:
        return Plan({})

    async def run(self, call: TaskCall[Empty]) -> Done:
        async with self.story.database.transaction() as connection:
            credentials = await credentials_of(connection, self.story.account_id)
        watch = self.availability.watch(self.story.account_id, credentials)
        await watched(watch, CALL, lambda: self.story.answer(call.run_key))
        return Done()


class Stories(RuleBasedStateMachine):
    """One account, one workflow of one task that needs it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.vendor = "up"
        self.called = 0
        self.done: Counter[str] = Counter()
        self.clock = 0.0

    def live(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def monotonic(self) -> float:
        return self.clock

    async def answer(self, run_key: str) -> None:
        self.called += 1
        answer = ANSWERS[self.vendor]
        await asyncio.sleep(0)
        if answer is not None:
            raise answer
        self.done[run_key] += 1

    @initialize()
    def begin(self) -> None:
        self.live(self._begin())
        availabilities = [
            Availability(self.database, policy=POLICY, monotonic=self.monotonic) for _ in range(2)
        ]
        self.engines = [RunEngine(self.database, {"calls": Calls(self, known)}) for known in availabilities]
        self.keepers = [
            Holds(self.database, known, longest_days=7, down_alert_minutes=15, monotonic=self.monotonic)
            for known in availabilities
        ]

    async def _begin(self) -> None:
        self.database = await Database.connect(self.url, name="test", pool_size=8)
        await self.sql(
            "TRUNCATE event, run, task_attempt, workflow, problem, pgqueuer, connected_account, alert CASCADE"
        )
        async with self.database.transaction() as connection:
            account = await add_gladly(
                connection,
                SecretBox([KEY]),
                name="Support",
                base_url="https://acme.gladly.com",
                username="api",
                api_token="token",
            )
            self.account_id = account.id
            definition = Definition(ConversationClosed(account.id), (Task("T-1", "calls", "Calls"),))
            self.workflow_id = await add_workflow(connection, name="Test", definition=definition, is_on=True)

    async def sql(self, statement: str, *values: object) -> list[Any]:
        return [dict(row) for row in await self.database.pool.fetch(statement, *values)]

    async def _start(self, number: int) -> None:
        body = {
            "id": "e",
            "type": "CONVERSATION/CLOSED",
            "timestamp": "2026-11-23T12:00:00Z",
            "initiator": {"id": "a1", "type": "AGENT"},
            "content": {"customerId": "cust1", "conversationId": "conv1"},
        }
        await self.sql(
            "WITH new AS (INSERT INTO event (origin, type, body) SELECT 'gladly/GA_1', 'CONVERSATION/CLOSED', $2 "
            "FROM generate_series(1, $1) RETURNING id) "
            "INSERT INTO run (workflow_id, revision, event_id) SELECT $3, 1, id FROM new",
            number,
            msgspec.json.encode(body).decode(),
            self.workflow_id,
        )

    @rule(number=st.integers(0, 4), worker=st.integers(0, 1), vendor=st.sampled_from(sorted(ANSWERS)))
    def events_come_and_a_worker_takes_what_is_due(self, number: int, worker: int, vendor: str) -> None:
        self.vendor = vendor
        self.live(self._start(number))
        self.live(self._advance_all(worker))

    @rule(worker=st.integers(0, 1), vendor=st.sampled_from(["up", "down", "refusing"]))
    def after_a_while_the_keepers_look_and_a_worker_takes_what_is_due(self, worker: int, vendor: str) -> None:
        self.vendor = vendor
        self.live(self._pass())
        self.live(self._keep())
        self.live(self._advance_all(worker))

    async def _advance_all(self, worker: int) -> None:
        self.clock += (
            1  # what a process knows may be a second old; here it is not, so that calls can be counted
        )
        blocked = await self.blocked()
        before = await self.attempts()
        called = self.called
        due = await self.sql("SELECT id FROM run WHERE due_at <= now() AND status IN ('running', 'waiting')")
        await asyncio.gather(*(self.engines[worker].advance(row["id"]) for row in due))
        if blocked & await self.blocked() and self.vendor != "up":
            assert self.called - called <= 1, "more than one probe went"
            assert await self.attempts() == before, (
                "an attempt was used up while the account was not to be called"
            )

    async def attempts(self) -> list[tuple[int, int]]:
        rows = await self.sql("SELECT id, attempt FROM run WHERE finished_at IS NULL ORDER BY id")
        return [(row["id"], row["attempt"]) for row in rows]

    @rule()
    def the_keepers_look(self) -> None:
        self.live(self._keep())

    async def _keep(self) -> None:
        before, held = await self.blocked(), await self.held()
        await asyncio.gather(*(keeper.keep() for keeper in self.keepers))
        after, still = await self.blocked(), await self.held()
        for name in before & after:
            assert held[name] - still[name] <= 1, "more than one was let go to probe"

    async def blocked(self) -> set[str]:
        """What is not to be called with the token that there is now, by name."""
        async with self.database.transaction() as connection:
            credentials = await credentials_of(connection, self.account_id)
        rows = await self.sql(
            "SELECT account_id, call FROM account_availability "
            "WHERE state IN ('open', 'refused') AND credentials = $1",
            credentials,
        )
        return {waiting_for(row["account_id"], row["call"]) for row in rows}

    async def held(self) -> Counter[str]:
        rows = await self.sql("SELECT waiting_for AS name FROM run WHERE waiting_for IS NOT NULL")
        return Counter(row["name"] for row in rows)

    async def _pass(self) -> None:
        """Two hours: every pause between probes, every wait of a run, and what a process knows is over."""
        self.clock += 7200
        await self.sql(
            "UPDATE account_availability SET since = since - interval '2 hours', "
            "next_probe_at = next_probe_at - interval '2 hours', run_let_go_at = run_let_go_at - interval '2 hours'"
        )
        await self.sql(
            "UPDATE run SET due_at = now() WHERE due_at IS NOT NULL AND status IN ('running', 'waiting')"
        )

    @rule()
    def a_moment_passes(self) -> None:
        """What a process knows is old."""
        self.clock += 2
        self.live(
            self.sql("UPDATE run SET due_at = due_at - interval '2 s' WHERE status IN ('running', 'waiting')")
        )

    @rule()
    def the_token_is_replaced(self) -> None:
        self.live(self.sql("UPDATE connected_account SET secrets = secrets || 'x'::bytea"))

    @rule(is_on=st.booleans())
    def the_workflow_is_turned(self, *, is_on: bool) -> None:
        self.live(self.sql("UPDATE workflow SET is_on = $1", is_on))

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def what_is_held_is_not_due(self) -> None:
        wrong = self.live(
            self.sql(
                "SELECT id FROM run WHERE waiting_for IS NOT NULL AND (due_at IS NOT NULL OR status <> 'waiting')"
            )
        )
        assert wrong == []

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def no_run_fails_by_a_refused_token(self) -> None:
        wrong = self.live(
            self.sql(
                "SELECT id, reason_code FROM run WHERE status = 'failed' AND reason_code LIKE 'gladly-wrong%'"
            )
        )
        assert wrong == []

    def teardown(self) -> None:
        if hasattr(self, "database"):
            try:
                self.live(self.settle())
            finally:
                self.live(self.database.close())
        self.runner.close()

    async def settle(self) -> None:
        """When the vendor answers again and the workflow is on, all goes on, without anybody doing anything."""
        self.vendor = "up"
        await self.sql("UPDATE workflow SET is_on = true")
        for _ in range(4):
            await self._pass()
            await self._keep()
            await self._advance_all(0)
        assert not await self.blocked()
        left = await self.sql(
            "SELECT id, status, reason_code, waiting_for FROM run WHERE finished_at IS NULL"
        )
        assert left == []
        keys = await self.sql("SELECT key::text AS key, status FROM run")
        assert {row["key"] for row in keys if row["status"] == "succeeded"} == set(self.done)
        assert all(times == 1 for times in self.done.values())


async def test_nothing_is_lost_and_nothing_used_up_in_any_order(database_url: str) -> None:
    machine = type("StoriesHere", (Stories,), {"url": database_url})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
