"""The worker half: what it does by itself, and what it does without what it usually has."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.fixtures.workers import at_work

from afterword.accounts.secrets import SecretBox
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.worker import Worker
from afterword.workflows.definitions import Definition, JsonEvent, Task
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.schedules import SchedulesKeeper

Working = Callable[[Database], AbstractAsyncContextManager[None]]


@pytest.fixture
def working(tmp_path: Path) -> Working:
    """A worker that works until the block ends."""

    @asynccontextmanager
    async def work(database: Database) -> AsyncIterator[None]:
        settings = Settings.load({}, data_dir=tmp_path, worker_concurrency=4)
        async with at_work(Worker(settings, database, SecretBox.open(settings))):
            yield

    return work


async def something_to_do(database: Database) -> None:
    """A workflow whose only task type is not installed: its runs end as failed, without calling anybody."""
    definition = Definition(JsonEvent("OC_1"), (Task("T-1", "not-installed", "None"),))
    async with database.transaction() as connection:
        await add_workflow(connection, name="Test", definition=definition)
    await database.pool.execute(
        "INSERT INTO event (origin, type, body) SELECT 'json-event/OC_1', 'JSON Event', '{}' "
        "FROM generate_series(1, 20)"
    )


async def all_ended(database: Database) -> bool:
    return bool(await database.pool.fetchval("SELECT count(*) = 20 FROM run WHERE status = 'failed'"))


async def test_what_is_in_the_inbox_when_it_starts_is_worked_on(
    database: Database, working: Working, eventually: Any
) -> None:
    await something_to_do(database)
    async with working(database):
        await eventually(lambda: all_ended(database))


async def test_behind_a_proxy_that_lets_no_notification_through_it_looks_by_itself(
    database: Database, working: Working, eventually: Any
) -> None:
    database.can_listen = False
    async with working(database):
        await something_to_do(database)
        await eventually(lambda: all_ended(database))


async def test_runs_whose_jobs_were_lost_are_found_again(
    database: Database, working: Working, eventually: Any
) -> None:
    await something_to_do(database)
    await database.pool.execute("UPDATE event SET status = 'matched'")
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, due_at) "
        "SELECT workflow.id, 1, event.id, now() - interval '1 hour' FROM workflow, event"
    )
    async with working(database):
        await eventually(lambda: all_ended(database))


async def test_a_value_that_the_database_does_not_take_is_a_fault_and_keeps_no_other_part_from_its_work(
    database: Database, working: Working, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask_for_too_much(_: SchedulesKeeper) -> None:
        await database.pool.fetchval("SELECT $1::bigint", 2**70)

    monkeypatch.setattr(SchedulesKeeper, "tick", ask_for_too_much)
    with capture_logs() as logged:
        async with working(database):
            await something_to_do(database)
            await eventually(lambda: all_ended(database))
            await eventually(lambda: logged_of(logged, "work_fault"))
    assert logged_of(logged, "work_fault") == ["ask_for_too_much"]
    assert logged_of(logged, "database_away") == []


def logged_of(logged: list[Any], event: str) -> list[str]:
    return [line["during"] for line in logged if line["event"] == event]
