"""The brakes, asked right before a customer is written to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from afterword.alerts.recording import list_alerts
from afterword.outcomes import Retry, Skip
from afterword.sending import pausing
from afterword.sending.brakes import Brakes, Writer
from afterword.sending.checking import BrakesCheck, allowed_among
from afterword.sending.hourly import LEAST_UNUSUAL, forget_old_counts
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow, save_revision

TASKS = (Task("T-1", "scripted", "One"),)

Ask = Callable[..., Awaitable[str | None]]


class Sending:
    """A workflow, and what comes of asking for it."""

    def __init__(self, database: Database, workflow_id: str) -> None:
        self.database = database
        self.workflow_id = workflow_id
        self.revision = 1

    async def ask(
        self,
        run: int = 1,
        address: str = "ada@customers.example",
        *,
        brakes: Brakes | None = None,
        counts: bool = True,
        **settings: Any,
    ) -> str | None:
        """What it is held or skipped for, ``None`` when the customer may be written to."""
        writer = Writer(
            workflow_id=self.workflow_id, run_key=f"run {run}", task_id="T-1", brakes=brakes or Brakes()
        )
        try:
            check = BrakesCheck(self.database, Settings.load({}, **settings))
            await check.check_may_be_written_to(writer, address, counts=counts)
        except Retry as held:
            return None if held.tried else held.waiting_for
        except Skip as skipped:
            return skipped.reason.code
        return None

    async def save(self, brakes: Brakes) -> None:
        """Have the workflow's current revision say this."""
        async with self.database.transaction() as connection:
            self.revision = await save_revision(
                connection,
                self.workflow_id,
                Definition(ConversationClosed("GA_1"), TASKS, brakes=brakes),
                person_id=None,
                expected_revision=self.revision,
                check=None,
            )

    async def sent(self, hours_ago: int, count: int) -> None:
        """So many invitations were sent in an hour of the past."""
        await self.database.pool.execute(
            "INSERT INTO sending_hour (workflow_id, hour, sent) "
            "VALUES ($1, date_trunc('hour', now(), 'UTC') - make_interval(hours => $2), $3)",
            self.workflow_id,
            hours_ago,
            count,
        )

    async def most(self, many: int) -> int:
        """How many of so many may go."""
        answers = await asyncio.gather(*(self.ask(run) for run in range(many)))
        return answers.count(None)


@pytest_asyncio.fixture
async def sending(database: Database) -> Sending:
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection, name="Ask", definition=Definition(ConversationClosed("GA_1"), TASKS)
        )
    return Sending(database, workflow_id)


async def test_while_sending_is_paused_everything_is_held_and_who_paused_it_is_known(
    sending: Sending, database: Database
) -> None:
    async with database.transaction() as connection:
        assert await pausing.pause(connection, by="Olive", why="wrong  text")
        assert not await pausing.pause(connection, by="Another")
        found = await pausing.current_pause(connection)
    assert found is not None
    assert (found.by, found.why) == ("Olive", "wrong text")
    assert await sending.ask() == "sending"
    async with database.transaction() as connection:
        assert await pausing.resume(connection, by="Olive")
        assert not await pausing.resume(connection, by="Olive")
    assert await sending.ask() is None


async def test_in_test_only_the_allow_list_is_written_to(sending: Sending) -> None:
    in_test = Brakes(in_test=True, allowed=("@team.example",))
    assert await sending.ask(brakes=in_test) == "workflow-in-test"
    assert await sending.ask(address="bob@team.example", brakes=in_test) is None


async def test_a_workflow_put_in_test_writes_to_nobody_else_for_runs_that_began_before(
    sending: Sending,
) -> None:
    await sending.save(Brakes(in_test=True, allowed=("@team.example",)))
    assert await sending.ask() == "workflow-in-test"


async def test_a_run_that_began_in_a_test_stays_one_when_the_test_is_over(sending: Sending) -> None:
    assert await sending.ask(brakes=Brakes(in_test=True)) == "workflow-in-test"


async def test_notifications_go_to_those_on_the_list(sending: Sending, database: Database) -> None:
    brakes = Brakes(in_test=True, allowed=("lead@team.example",))
    writer = Writer(workflow_id=None, run_key="r", task_id="T-1", brakes=brakes)
    told = await allowed_among(database, writer, ["lead@team.example", "ada@customers.example"])
    assert told == ["lead@team.example"]


async def test_of_many_at_once_as_many_go_as_may_and_somebody_is_told_once(
    sending: Sending, database: Database
) -> None:
    await sending.save(Brakes(invitations_per_hour=20))
    assert await sending.most(60) == 20
    held = await database.pool.fetch("SELECT workflow_id, most, usual FROM sending_hold")
    assert [tuple(row) for row in held] == [(sending.workflow_id, 20, None)]
    async with database.pool.acquire() as connection:
        (alert,) = await list_alerts(connection)
    assert (alert.kind, alert.subject, alert.count) == (
        "invitations-held",
        f"sending/{sending.workflow_id}",
        1,
    )


async def test_of_many_of_one_process_at_once_as_many_go_as_may(sending: Sending, database: Database) -> None:
    await sending.save(Brakes(invitations_per_hour=5))
    async with database.transaction() as connection:
        other = await add_workflow(
            connection, name="Another", definition=Definition(ConversationClosed("GA_1"), TASKS)
        )
    check = BrakesCheck(database, Settings.load({}, invitations_per_hour=7))
    writers = [
        Writer(workflow_id=workflow_id, run_key=f"run {number}", task_id="T-1")
        for number in range(10)
        for workflow_id in (sending.workflow_id, other)
    ]
    answers = await asyncio.gather(
        *(check.check_may_be_written_to(writer, "ada@customers.example") for writer in writers),
        return_exceptions=True,
    )
    went = [number for number, answer in enumerate(answers) if answer is None]
    assert went == sorted([*range(0, 10, 2), *range(1, 14, 2)])
    assert await database.pool.fetchval("SELECT count(*) FROM sending_hold") == 2


async def test_who_was_counted_passes_again_and_is_counted_once(sending: Sending) -> None:
    await sending.save(Brakes(invitations_per_hour=2))
    assert [await sending.ask(1) for _ in range(5)] == [None] * 5
    assert await sending.ask(2) is None
    assert await sending.ask(3) == f"sending/{sending.workflow_id}"
    assert await sending.ask(1) is None


async def test_the_installations_limit_holds_where_the_workflow_says_nothing(sending: Sending) -> None:
    assert await sending.ask(1, invitations_per_hour=1) is None
    assert await sending.ask(2, invitations_per_hour=1) == f"sending/{sending.workflow_id}"
    assert await sending.ask(2, invitations_per_hour=0) is None


async def test_what_is_counted_elsewhere_is_not_counted_here(sending: Sending) -> None:
    await sending.save(Brakes(invitations_per_hour=1))
    assert [await sending.ask(run, counts=False) for run in range(3)] == [None] * 3


async def test_a_new_workflow_has_no_usual_yet(sending: Sending) -> None:
    for hour in range(1, 24):
        await sending.sent(hour, 1)
    assert await sending.most(LEAST_UNUSUAL + 20) == LEAST_UNUSUAL + 20


@pytest.mark.parametrize(
    ("of_the_week", "of_all", "expected"),
    [(30, 2, 150), (2, 30, 150), (1, 1, LEAST_UNUSUAL)],
    ids=["by the hour of the week", "by all hours", "never below what is always fine"],
)
async def test_five_times_the_usual_is_held(
    sending: Sending, database: Database, of_the_week: int, of_all: int, expected: int
) -> None:
    for week in range(1, 5):
        await sending.sent(168 * week, of_the_week)
    for hour in range(1, 31):
        await sending.sent(hour, of_all)
    assert await sending.most(expected + 10) == expected
    assert await database.pool.fetchval("SELECT usual FROM sending_hold") == max(of_the_week, of_all)


async def test_one_odd_hour_makes_nothing_usual(sending: Sending) -> None:
    await sending.sent(168, 5000)
    for week in range(2, 5):
        await sending.sent(168 * week, 40)
    for hour in range(1, 31):
        await sending.sent(hour, 3)
    assert await sending.most(210) == 200


async def test_old_counts_are_forgotten(sending: Sending, database: Database) -> None:
    await sending.sent(36 * 24, 1)
    await sending.sent(27 * 24, 1)
    await sending.ask()
    await database.pool.execute("UPDATE sending_permit SET granted_at = now() - interval '31 days'")
    await forget_old_counts(database)
    assert await database.pool.fetchval("SELECT count(*) FROM sending_hour") == 2
    assert await database.pool.fetchval("SELECT count(*) FROM sending_permit") == 0
