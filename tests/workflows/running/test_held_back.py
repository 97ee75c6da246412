"""Brakes as runs meet them: held without an attempt, let go, cancelled, and not held for ever."""

import asyncio
from collections import Counter

import pytest
import pytest_asyncio
from tests.workflows.conftest import Note, Scripted, Story

from afterword.accounts.availability import Availability
from afterword.sending import pausing
from afterword.sending.brakes import Brakes
from afterword.sending.checking import BrakesCheck
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.contract import Done, TaskCall
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.held_back import NothingHeld, cancel, let_go, sending_state
from afterword.workflows.running.holds import Holds
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox


class Asking:
    """A workflow whose one task asks the brakes, and then has written."""

    def __init__(self, database: Database, scripted: Scripted, workflow_id: str) -> None:
        self.database = database
        self.workflow_id = workflow_id
        self.written: list[str] = []
        self.monotonic = 0.0
        self.holds = Holds(
            database,
            Availability(database),
            longest_days=7,
            down_alert_minutes=15,
            monotonic=lambda: self.monotonic,
        )
        self.engine = RunEngine(database, {"scripted": scripted})
        self.brakes = BrakesCheck(database, Settings.load({}))
        scripted.run = self.run  # type: ignore[method-assign]

    async def run(self, call: TaskCall[Note]) -> Done:
        await self.brakes.check_may_be_written_to(call.writer, "ada@customers.example")
        self.written.append(call.run_key)
        return Done()

    async def go_on(self) -> None:
        """What a worker does in a second or two."""
        await self.holds.keep()
        due = await self.database.pool.fetch(
            "SELECT id FROM run WHERE status IN ('running', 'waiting') AND due_at <= now()"
        )
        await asyncio.gather(*(self.engine.advance(row["id"]) for row in due))

    async def counts(self) -> Counter[str]:
        rows = await self.database.pool.fetch(
            "SELECT concat_ws(' ', status, reason_code) AS how, count(*) AS runs FROM run GROUP BY 1"
        )
        return Counter({row["how"]: row["runs"] for row in rows})


@pytest_asyncio.fixture
async def asking(database: Database, scripted: Scripted) -> Asking:
    definition = Definition(
        ConversationClosed("GA_1"),
        (Task("T-1", "scripted", "One"),),
        brakes=Brakes(invitations_per_hour=3),
    )
    async with database.transaction() as connection:
        workflow_id = await add_workflow(connection, name="Ask", definition=definition)
    return Asking(database, scripted, workflow_id)


async def close(story: Story, database: Database, count: int, name: str = "conv") -> None:
    for number in range(count):
        await story.webhook(conversation=f"{name}{number}")
    await Inbox(database, RunQueue(database)).drain()


async def test_paused_runs_wait_without_an_attempt_and_all_go_on_when_sending_is_resumed(
    asking: Asking, story: Story, database: Database
) -> None:
    async with database.transaction() as connection:
        await pausing.pause(connection, by="Olive")
    await close(story, database, 3)
    for _ in range(3):
        await asking.go_on()
    assert await asking.counts() == {"waiting sending-paused": 3}
    assert await database.pool.fetchval("SELECT max(attempt) FROM run") == 0
    assert await database.pool.fetchval("SELECT count(*) FROM task_attempt") == 3
    async with database.transaction() as connection:
        assert (await sending_state(connection)).paused_runs == 3
        await pausing.resume(connection, by="Olive")
    await asking.go_on()
    assert await asking.counts() == {"succeeded": 3}


async def test_what_is_beyond_the_limit_is_held_and_let_go_by_one_decision_with_all_of_that_hour(
    asking: Asking, story: Story, database: Database
) -> None:
    await close(story, database, 8)
    for _ in range(3):
        await asking.go_on()
    assert await asking.counts() == {"succeeded": 3, "waiting invitations-held": 5}
    async with database.transaction() as connection:
        (held,) = (await sending_state(connection)).held_back
        assert (held.workflow, held.runs, held.most) == ("Ask", 5, 3)
        assert await let_go(connection, asking.workflow_id, by="Olive") == 5
    await close(story, database, 2, "later")
    for _ in range(2):
        await asking.go_on()
    assert await asking.counts() == {"succeeded": 10}
    assert len(set(asking.written)) == len(asking.written) == 10


async def test_held_invitations_are_cancelled_for_good_and_the_next_are_held_again(
    asking: Asking, story: Story, database: Database
) -> None:
    await close(story, database, 5)
    await asking.go_on()
    async with database.transaction() as connection:
        assert await cancel(connection, asking.workflow_id, by="Olive") == 2
    await asking.go_on()
    assert await asking.counts() == {"succeeded": 3, "cancelled held-invitation-cancelled": 2}
    await close(story, database, 1, "later")
    await asking.go_on()
    assert (await asking.counts())["waiting invitations-held"] == 1


async def test_the_second_who_decides_is_told_that_nothing_is_held(
    asking: Asking, story: Story, database: Database
) -> None:
    await close(story, database, 4)
    await asking.go_on()
    async with database.transaction() as connection:
        await let_go(connection, asking.workflow_id, by="Olive")
    with pytest.raises(NothingHeld):
        async with database.transaction() as connection:
            await cancel(connection, asking.workflow_id, by="Ann")


async def test_a_run_that_is_held_just_as_somebody_lets_go_goes_on_by_itself(
    asking: Asking, story: Story, database: Database
) -> None:
    await close(story, database, 4)
    await asking.go_on()
    async with database.transaction() as connection:
        await let_go(connection, asking.workflow_id, by="Olive")
    await database.pool.execute(
        "UPDATE run SET status = 'waiting', waiting_for = 'sending/' || workflow_id, due_at = NULL, position = 0, "
        "key = gen_random_uuid() WHERE id = (SELECT min(id) FROM run)"
    )
    await asking.go_on()
    assert await asking.counts() == {"succeeded": 4}


async def test_what_was_held_for_a_week_fails_and_the_hold_is_forgotten(
    asking: Asking, story: Story, database: Database
) -> None:
    await close(story, database, 4)
    await asking.go_on()
    await database.pool.execute("UPDATE run SET held_since = now() - interval '8 days'")
    await database.pool.execute("UPDATE sending_hold SET since = now() - interval '8 days'")
    asking.monotonic += 60
    await asking.go_on()
    assert await asking.counts() == {"succeeded": 3, "failed held-too-long": 1}
    assert await database.pool.fetchval("SELECT count(*) FROM sending_hold") == 0


async def test_workflows_in_test_are_listed_with_their_allow_lists(
    asking: Asking, database: Database
) -> None:
    async with database.transaction() as connection:
        await add_workflow(
            connection,
            name="Trying",
            definition=Definition(
                ConversationClosed("GA_1"), (), brakes=Brakes(in_test=True, allowed=("@team.example",))
            ),
            is_on=False,
        )
        (test,) = (await sending_state(connection)).in_test
        (hidden,) = (await sending_state(connection, personal=False)).in_test
    assert (test.workflow, test.allowed, test.is_on) == ("Trying", ("@team.example",), False)
    assert hidden.allowed == ("(hidden)",)
