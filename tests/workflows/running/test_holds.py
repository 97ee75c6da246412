"""Held runs: they use up nothing, are let go when their way is clear, and do not wait for ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from tests.workflows.conftest import Scripted, Story

from afterword.accounts.availability import Availability
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing import Policy
from afterword.alerts.recording import list_alerts
from afterword.gladly.errors import (
    GladlyMissingPermission,
    GladlyTimedOut,
    GladlyUnavailable,
    GladlyWrongCredentials,
    Told,
)
from afterword.outcomes import Outcome
from afterword.outgoing.watching import watched
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, Repetition, TaskCall
from afterword.workflows.definitions import Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.holds import Holds
from afterword.workflows.starting.matching import Inbox

CALL = "POST /items"
DOWN = GladlyUnavailable(Told(call=CALL, status=503))
REFUSED = GladlyWrongCredentials(Told(call=CALL, status=401))
POLICY = Policy(failures=3, spread=0.0)


class Vendor:
    """A vendor at which each call ends as is said, and an engine whose one task calls it, under watch."""

    def __init__(self, database: Database, account_id: str, scripted: Scripted) -> None:
        self.database = database
        self.account_id = account_id
        self.answer: Outcome | None = None
        self.called: list[str] = []
        self.monotonic = 0.0
        self.availability = Availability(database, policy=POLICY, monotonic=self.clock)
        self.holds = Holds(
            database, self.availability, longest_days=7, down_alert_minutes=15, monotonic=self.clock
        )
        self.engine = RunEngine(database, {"scripted": scripted}, retry_time_scale=0.0001)
        self.scripted = scripted
        scripted.run = self.run  # type: ignore[method-assign]

    def clock(self) -> float:
        self.monotonic += 2.0  # every look is a new one
        return self.monotonic

    async def run(self, call: TaskCall) -> Done:  # type: ignore[type-arg]
        credentials = await self.database.pool.fetchval(
            "SELECT sha256(secrets || convert_to(concat_ws(E'\\n', username, base_url), 'UTF8')) "
            "FROM connected_account WHERE id = $1",
            self.account_id,
        )
        watch = self.availability.watch(self.account_id, credentials)

        async def make() -> None:
            self.called.append(call.run_key)
            if self.answer is not None:
                raise self.answer

        await watched(watch, CALL, make)
        return Done()

    async def advance_all(self) -> None:
        """Let every run that is due go as far as it goes, as a worker would."""
        for _ in range(20):
            due = await self.database.pool.fetch(
                "SELECT id FROM run WHERE status IN ('running', 'waiting') AND due_at <= now() + interval '1 minute'"
            )
            if not due:
                return
            await self.database.pool.execute(
                "UPDATE run SET due_at = now() WHERE due_at BETWEEN now() AND now() + interval '1 minute'"
            )
            await asyncio.gather(*(self.engine.advance(row["id"]) for row in due))

    async def probe_now(self) -> None:
        await self.database.pool.execute(
            "UPDATE account_availability SET next_probe_at = now() - interval '1 s'"
        )


Runs = Callable[[int], Awaitable[str]]


@pytest_asyncio.fixture
async def vendor(database: Database, scripted: Scripted) -> Vendor:
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            SecretBox(["a key for the tests, long enough to be one"]),
            name="Support",
            base_url="https://acme.gladly.com",
            username="api",
            api_token="token",
        )
    return Vendor(database, account.id, scripted)


@pytest.fixture
def make_runs(story: Story, database: Database) -> Runs:
    async def make(number: int) -> str:
        workflow = await story.workflow()
        for n in range(number):
            await story.webhook(conversation=f"conv{n}")
        await Inbox(database, RunQueue(database)).drain()
        assert await database.pool.fetchval("SELECT count(*) FROM run") == number
        return workflow

    return make


async def counts(database: Database) -> dict[str, int]:
    rows = await database.pool.fetch(
        "SELECT status || coalesce(' for ' || split_part(waiting_for, '/', 1), '') AS how, count(*) AS runs "
        "FROM run GROUP BY 1"
    )
    return {row["how"]: row["runs"] for row in rows}


async def test_runs_of_an_account_that_is_down_wait_and_all_go_on_when_it_is_back(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(50)
    vendor.answer = DOWN
    await vendor.advance_all()
    assert await counts(database) == {"waiting for account": 50}
    called = len(vendor.called)
    for _ in range(5):
        await vendor.holds.keep()
        await vendor.advance_all()
    assert len(vendor.called) == called
    assert await database.pool.fetchval("SELECT max(attempt) FROM run") <= 2
    vendor.answer = None
    await vendor.probe_now()
    await vendor.holds.keep()
    await vendor.advance_all()
    await vendor.holds.keep()
    await vendor.advance_all()
    assert await counts(database) == {"succeeded": 50}
    assert len(set(vendor.called[called:])) == len(vendor.called) - called == 50


async def test_one_run_is_let_go_as_the_probe_however_many_keepers_there_are(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(30)
    vendor.answer = DOWN
    await vendor.advance_all()
    for _ in range(3):
        await vendor.probe_now()
        await asyncio.gather(*(vendor.holds.keep() for _ in range(4)))
        await vendor.holds.keep()
        assert await counts(database) == {"waiting for account": 29, "waiting": 1}
        called = len(vendor.called)
        await vendor.advance_all()
        assert len(vendor.called) == called + 1
        assert await counts(database) == {"waiting for account": 30}


async def test_a_probe_in_vain_uses_no_attempt_and_is_held_since_it_was_first(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(1)
    vendor.answer = DOWN
    await vendor.advance_all()
    before = await database.pool.fetchrow("SELECT attempt, held_since FROM run")
    for _ in range(5):
        await vendor.probe_now()
        await vendor.holds.keep()
        await vendor.advance_all()
    assert await database.pool.fetchrow("SELECT attempt, held_since FROM run") == before
    assert len(vendor.called) == POLICY.failures + 5


async def test_a_run_that_was_let_go_and_did_not_call_is_followed_by_another(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(10)
    vendor.answer = DOWN
    await vendor.advance_all()
    await vendor.probe_now()
    await vendor.holds.keep()
    await vendor.holds.keep()
    assert (await counts(database))["waiting"] == 1
    await database.pool.execute(
        "UPDATE account_availability SET run_let_go_at = run_let_go_at - interval '16 s'"
    )
    await vendor.holds.keep()
    assert (await counts(database))["waiting"] == 2


async def test_a_run_that_is_held_just_as_the_way_becomes_clear_is_let_go(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(1)
    vendor.answer = DOWN
    await vendor.advance_all()
    assert await counts(database) == {"waiting for account": 1}
    await database.pool.execute("DELETE FROM account_availability")  # it was closed before the run was held
    await vendor.holds.keep()
    vendor.answer = None
    await vendor.advance_all()
    assert await counts(database) == {"succeeded": 1}


async def test_a_refused_token_fails_no_run_and_replacing_it_lets_all_go_on(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(40)
    vendor.answer = REFUSED
    await vendor.advance_all()
    assert await counts(database) == {"waiting for account": 40}
    assert await database.pool.fetchval("SELECT max(attempt) FROM run") == 0
    vendor.answer = None
    await vendor.holds.keep()
    assert await counts(database) == {"waiting for account": 40}
    await database.pool.execute("UPDATE connected_account SET secrets = 'another token'")
    await vendor.holds.keep()
    await vendor.advance_all()
    assert await counts(database) == {"succeeded": 40}
    async with database.pool.acquire() as connection:
        assert [alert.kind for alert in await list_alerts(connection)] == ["token-refused"]


async def test_what_one_call_is_not_permitted_holds_by_its_own_name_and_comes_back(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(5)
    vendor.answer = GladlyMissingPermission(Told(call=CALL, status=403))
    await vendor.advance_all()
    names = await database.pool.fetch("SELECT DISTINCT waiting_for FROM run")
    assert [row["waiting_for"] for row in names] == [f"account/{vendor.account_id}/{CALL}"]
    vendor.answer = None
    await vendor.probe_now()
    await vendor.holds.keep()
    await vendor.advance_all()
    await vendor.holds.keep()
    await vendor.advance_all()
    assert await counts(database) == {"succeeded": 5}


async def test_runs_of_a_removed_account_do_not_wait_for_it(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(3)
    vendor.answer = REFUSED
    await vendor.advance_all()
    await database.pool.execute("DELETE FROM connected_account")
    await vendor.holds.keep()
    assert await counts(database) == {"waiting": 3}


async def test_runs_of_a_workflow_that_is_off_wait_until_it_is_on(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(3)
    await database.pool.execute("UPDATE workflow SET is_on = false")
    await vendor.advance_all()
    await vendor.holds.keep()
    assert await counts(database) == {"waiting for workflow": 3}
    await database.pool.execute("UPDATE workflow SET is_on = true")
    await vendor.holds.keep()
    await vendor.advance_all()
    assert await counts(database) == {"succeeded": 3}


async def test_held_runs_of_a_deleted_workflow_are_cancelled_whatever_they_wait_for(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(3)
    vendor.answer = REFUSED
    await vendor.advance_all()
    await database.pool.execute("UPDATE workflow SET is_on = false, deleted_at = now()")
    vendor.monotonic += 60
    await vendor.holds.keep()
    await vendor.advance_all()
    reasons = await database.pool.fetch("SELECT DISTINCT status, reason_code FROM run")
    assert [tuple(row) for row in reasons] == [("cancelled", "workflow-deleted")]


async def test_what_was_held_for_too_long_fails_with_its_reason_as_one_problem_and_one_alert(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(4)
    vendor.answer = REFUSED
    await vendor.advance_all()
    await database.pool.execute(
        "UPDATE run SET held_since = now() - interval '7 days 1 minute' WHERE id % 2 = 0"
    )
    vendor.monotonic += 60
    await vendor.holds.keep()
    rows = await database.pool.fetch(
        "SELECT DISTINCT status, reason_code, reason_values->>'waiting_for' AS name, waiting_for, due_at, "
        "ends->'T-1'->>'status' AS task FROM run WHERE id % 2 = 0"
    )
    assert [tuple(row) for row in rows] == [
        ("failed", "held-too-long", f"account/{vendor.account_id}", None, None, "failed")
    ]
    assert await counts(database) == {"failed": 2, "waiting for account": 2}
    problem = await database.pool.fetchrow("SELECT task_id, reason_code, runs FROM problem")
    assert tuple(problem or ()) == ("T-1", "held-too-long", 2)
    async with database.pool.acquire() as connection:
        alerts = [(alert.kind, alert.count) for alert in await list_alerts(connection)]
    assert alerts == [("held-too-long", 2), ("token-refused", 1)]


async def test_a_task_that_is_to_stop_when_nobody_knows_whether_it_was_done_is_not_held_to_be_done_again(
    vendor: Vendor, story: Story, database: Database
) -> None:
    vendor.scripted.repetition = Repetition.NEITHER
    await story.workflow(tasks=[Task("T-1", "scripted", "One", after_unknown_outcome="stop")])
    for n in range(POLICY.failures):
        await story.webhook(conversation=f"conv{n}")
    await Inbox(database, RunQueue(database)).drain()
    vendor.answer = GladlyTimedOut(Told(call=CALL))
    await vendor.advance_all()
    assert await counts(database) == {"failed": POLICY.failures}
    assert await database.pool.fetchval("SELECT state FROM account_availability") == "open"
    reasons = await database.pool.fetch("SELECT DISTINCT reason_code FROM run")
    assert [row["reason_code"] for row in reasons] == ["outcome-unknown"]


async def test_a_worker_that_comes_back_late_changes_nothing_of_a_run_that_was_ended(
    vendor: Vendor, make_runs: Runs, database: Database
) -> None:
    await make_runs(1)
    vendor.answer = REFUSED
    await vendor.advance_all()
    version = await database.pool.fetchval("SELECT version FROM run")
    await database.pool.execute("UPDATE run SET held_since = now() - interval '8 days'")
    vendor.monotonic += 60
    await vendor.holds.keep()
    assert await database.pool.fetchval("SELECT version FROM run") == version + 1


async def test_ten_thousand_are_let_go_in_a_few_looks(
    vendor: Vendor, story: Story, database: Database
) -> None:
    workflow = await story.workflow()
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, waiting_for, held_since, due_at) "
        "SELECT $1, 1, n, 'waiting', 'account/' || $2, now(), NULL FROM generate_series(1, 10000) AS n",
        workflow,
        vendor.account_id,
    )
    looks = 0
    while (await counts(database)).get("waiting for account"):
        await vendor.holds.keep()
        looks += 1
        assert looks <= 3
    assert await database.pool.fetchval("SELECT bool_and(due_at <= now() AND version = 0) FROM run")


async def test_looking_costs_little_with_many_held_runs_and_many_that_are_not(
    vendor: Vendor, database: Database
) -> None:
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, waiting_for, held_since, due_at) "
        "SELECT 'OC_1', 1, n, 'waiting', CASE WHEN n % 3 = 0 THEN 'account/' || $1 WHEN n % 3 = 1 THEN 'other/1' END, "
        "now(), NULL FROM generate_series(1, 30000) AS n",
        vendor.account_id,
    )
    await database.pool.execute("ANALYZE run")
    from afterword.workflows.running.holds import LOOK  # noqa: PLC0415 - the statement, to see its plan

    plan = await database.pool.fetch(f"EXPLAIN (ANALYZE, BUFFERS OFF) {LOOK.replace('$1', '15')}")
    lines = "\n".join(row[0] for row in plan)
    assert "Seq Scan on run" not in lines
    assert "run_waiting_for_idx" in lines
