"""A reopening wakes the runs whose invitation it cancels, at once, and no others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.workflows.conftest import Story

from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.starting.matching import Inbox

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def waiting_run(database: Database, policy: str, *, sent: bool = False, **run: Any) -> int:
    """A run that waits for an hour with an invitation about the conversation conv1; it has a job that is put off."""
    pool = database.pool
    await pool.execute(
        "INSERT INTO survey (id, name, definition) VALUES ('SV_1', 'S', '{}') ON CONFLICT DO NOTHING;"
    )
    await pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) VALUES ('CID_1', 'a@b.example', '', '') "
        "ON CONFLICT DO NOTHING"
    )
    await pool.execute(
        "INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name, "
        "from_name, subject, message, send_at, sent_at, conversation_id, when_reopened) VALUES ('EMD_1', 'SV_1', "
        "'CID_1', 'CG_1', 'token', 'a@b.example', '', '', '', '', '', now(), $2, 'conv1', $1)",
        policy,
        NOON if sent else None,
    )
    waiting_for = run.get("waiting_for")
    run_id: int = await pool.fetchval(
        "INSERT INTO run (workflow_id, revision, event_id, status, conversation_id, due_at, waiting_for) "
        "VALUES ('OC_1', 1, 4711, 'waiting', 'conv1', $1, $2) RETURNING id",
        None if waiting_for else datetime.now(UTC) + timedelta(hours=1),
        waiting_for,
    )
    if waiting_for is None:
        async with pool.acquire() as connection:
            await RunQueue(database).enqueue(connection, [run_id])
        await pool.execute("UPDATE pgqueuer SET execute_after = now() + interval '1 hour'")
    return run_id


async def reopen(story: Story, database: Database) -> tuple[bool, bool]:
    """Gladly tells of the reopening; whether the run is due then, and has a job that is."""
    await story.webhook("CONVERSATION/REOPENED", at=NOON, conversation="conv1")
    await Inbox(database, RunQueue(database)).drain()
    row = await database.pool.fetchrow(
        "SELECT coalesce(due_at <= now() AND waiting_for IS NULL, false) AS is_due, EXISTS (SELECT FROM pgqueuer "
        "WHERE dedupe_key = run.id::text AND status = 'queued' AND execute_after <= now()) AS has_job FROM run"
    )
    assert row is not None
    return row["is_due"], row["has_job"]


@pytest.mark.parametrize("policy", ["cancel-if-not-sent", "cancel-if-not-answered"])
async def test_who_waits_for_the_time_of_sending_is_woken(
    story: Story, database: Database, policy: str
) -> None:
    await waiting_run(database, policy)
    assert await reopen(story, database) == (True, True)


async def test_who_is_held_is_woken_too(story: Story, database: Database) -> None:
    await waiting_run(database, "cancel-if-not-sent", waiting_for="sending")
    assert await reopen(story, database) == (True, True)


@pytest.mark.parametrize(("policy", "sent"), [("keep", False), ("cancel-if-not-sent", True)])
async def test_others_are_left_alone(story: Story, database: Database, policy: str, sent: bool) -> None:
    await waiting_run(database, policy, sent=sent)
    assert await reopen(story, database) == (False, False)
