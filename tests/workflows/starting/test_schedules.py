"""Schedules: each due moment is one event, whoever comes first."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.definitions import Definition, Schedule, Task
from afterword.workflows.saving.workflows import delete_workflow, save_revision, turn_off, turn_on
from afterword.workflows.starting.matching import Inbox
from afterword.workflows.starting.schedules import SchedulesKeeper

HOURLY = Schedule("0 * * * *", "Europe/Berlin")
TASKS = (Task("T-1", "scripted", "One"),)


@pytest.fixture
def keeper(database: Database) -> SchedulesKeeper:
    return SchedulesKeeper(database)


@pytest.fixture
def put_back(database: Database) -> Callable[[timedelta], Awaitable[datetime]]:
    """As if every schedule had been due so long ago; answers the moment."""

    async def put(by: timedelta) -> datetime:
        moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - by
        await database.pool.execute("UPDATE schedule SET next_at = $1", moment)
        return moment

    return put


async def test_a_due_moment_is_one_event_that_starts_its_workflow(
    keeper: SchedulesKeeper, story: Any, database: Database, put_back: Any
) -> None:
    workflow_id = await story.workflow(HOURLY)
    moment = await put_back(timedelta(0))
    assert await keeper.tick() == 1
    assert await keeper.tick() == 0
    event = await database.pool.fetchrow("SELECT * FROM event")
    assert event is not None
    assert (event["origin"], event["type"]) == (f"schedule/{workflow_id}", "Schedule")
    assert msgspec.json.decode(event["body"]) == {
        "scheduledFor": moment.isoformat(),
        "workflowId": workflow_id,
        "missed": "0",
    }
    assert await database.pool.fetchval("SELECT next_at FROM schedule") == moment + timedelta(hours=1)
    assert await Inbox(database, RunQueue(database)).drain() == 1


async def test_ten_workers_make_one_event_of_one_moment(
    story: Any, database: Database, put_back: Any
) -> None:
    for _ in range(3):
        await story.workflow(HOURLY)
    await put_back(timedelta(0))
    await asyncio.gather(*(SchedulesKeeper(database).tick() for _ in range(10)))
    assert await database.pool.fetchval("SELECT count(*) FROM event") == 3


async def test_a_moment_that_was_recorded_is_not_recorded_again(
    keeper: SchedulesKeeper, story: Any, put_back: Any
) -> None:
    await story.workflow(HOURLY)
    await put_back(timedelta(0))
    await keeper.tick()
    await put_back(timedelta(0))
    await keeper.tick()
    assert await story.verdicts() == [("received", None)]


async def test_after_a_downtime_the_latest_moment_is_run_and_the_missed_ones_are_told(
    keeper: SchedulesKeeper, story: Any, database: Database, put_back: Any
) -> None:
    await story.workflow(HOURLY)
    first = await put_back(timedelta(hours=5))
    await keeper.tick()
    missed, made_up = await database.pool.fetch("SELECT * FROM event ORDER BY id")
    assert (missed["status"], missed["reason_code"]) == ("ignored", "schedule-missed")
    assert missed["reason_words"].startswith(
        f"5 moments passed from {first.isoformat(timespec='minutes')} on"
    )
    assert made_up["status"] == "received"
    told = msgspec.json.decode(made_up["body"])
    assert (told["scheduledFor"], told["missed"]) == ((first + timedelta(hours=5)).isoformat(), "5")


async def test_a_workflow_that_is_off_or_deleted_is_not_due_and_nothing_is_made_up_for(
    keeper: SchedulesKeeper, story: Any, database: Database, put_back: Any
) -> None:
    off, deleted = await story.workflow(HOURLY), await story.workflow(HOURLY)
    await story.workflow(HOURLY, is_on=False)
    await put_back(timedelta(hours=5))
    async with database.transaction() as connection:
        await turn_off(connection, off)
        await delete_workflow(connection, deleted)
    assert await keeper.tick() == 0
    async with database.transaction() as connection:
        await turn_on(connection, off, check=None)
    assert await keeper.tick() == 0
    assert await database.pool.fetchval("SELECT next_at > now() FROM schedule")


async def test_a_schedule_that_changes_begins_anew_and_one_that_does_not_goes_on(
    story: Any, database: Database, put_back: Any
) -> None:
    workflow_id = await story.workflow(HOURLY)
    moment = await put_back(timedelta(0))

    async def save(event: Schedule, label: str, revision: int) -> datetime:
        async with database.transaction() as connection:
            await save_revision(
                connection,
                workflow_id,
                Definition(event, (Task("T-1", "scripted", label),)),
                person_id=None,
                expected_revision=revision,
                check=None,
            )
        return datetime.fromisoformat(
            str(
                await database.pool.fetchval(
                    "SELECT next_at FROM schedule WHERE workflow_id = $1", workflow_id
                )
            )
        )

    assert await save(HOURLY, "Another", 1) == moment
    assert await save(Schedule("30 * * * *"), "Another", 2) > datetime.now(UTC)


async def test_a_schedule_that_cannot_be_read_any_more_keeps_no_other_from_its_moment(
    keeper: SchedulesKeeper, story: Any, database: Database, put_back: Any
) -> None:
    unreadable, _ = await story.workflow(HOURLY), await story.workflow(HOURLY)
    await put_back(timedelta(0))
    await database.pool.execute(
        "UPDATE schedule SET time_zone = 'Mars/Base', next_at = next_at - interval '1 hour' WHERE workflow_id = $1",
        unreadable,
    )
    await keeper.tick()
    assert await database.pool.fetchval("SELECT count(*) FROM event") == 1
    assert await database.pool.fetchval("SELECT count(*) FROM schedule") == 1
