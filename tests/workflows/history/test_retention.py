"""What ended long ago goes, with all that belongs to it; what waits stays."""

from typing import Any

import pytest

from afterword.store.database import Database
from afterword.workflows.history import retention
from afterword.workflows.history.retention import RetentionKeeper
from afterword.workflows.history.search_keeper import SearchKeeper
from afterword.workflows.running.replays import runs_by_id, start_replay

MAKE = """
WITH made AS (
    INSERT INTO event (origin, type, body, status, received_at)
    VALUES ('json-event/E', 'JSON Event', '{}', $1, now() - make_interval(days => $2)) RETURNING id
)
INSERT INTO run (workflow_id, revision, event_id, status, started_at, finished_at, due_at)
SELECT 'OC_1', 1, id, $3, now() - make_interval(days => $2),
       CASE WHEN $4::int IS NOT NULL THEN now() - make_interval(days => $4) END, NULL FROM made RETURNING id
"""


async def have_run(
    database: Database, status: str, *, started: int, ended: int | None, event: str = "matched"
) -> int:
    run_id = await database.pool.fetchval(MAKE, event, started, status, ended)
    await database.pool.execute(
        "INSERT INTO task_attempt (run_id, position, attempt, status, input, output, started_at, finished_at) "
        "VALUES ($1, 0, 1, 'succeeded', '{}', '{}', now(), now())",
        run_id,
    )
    return int(run_id)


async def ids(database: Database, query: str) -> set[int]:
    return {row["id"] for row in await database.pool.fetch(query)}


async def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(database: Database) -> None:
    old = await have_run(database, "succeeded", started=500, ended=401)
    waits = await have_run(database, "waiting", started=500, ended=None)
    runs = await have_run(database, "running", started=500, ended=None)
    waited_long = await have_run(database, "failed", started=500, ended=3)
    young = await have_run(database, "succeeded", started=2, ended=2)
    keeper = SearchKeeper(database)
    await keeper.tick()
    assert await RetentionKeeper(database, days=400).tick() == 1
    kept = {waits, runs, waited_long, young}
    assert await ids(database, "SELECT id FROM run") == kept
    assert await ids(database, "SELECT run_id AS id FROM task_attempt") == kept
    assert old not in await ids(database, "SELECT run_id AS id FROM run_search")
    events = await ids(database, "SELECT id FROM event")
    assert events == await ids(database, "SELECT event_id AS id FROM run")


async def test_events_without_a_run_go_and_those_in_the_inbox_stay(database: Database) -> None:
    await database.pool.execute(
        "INSERT INTO event (origin, type, body, status, received_at) SELECT 'gladly/GA', 'PING', '{}', status, "
        "now() - make_interval(days => days) FROM unnest(ARRAY['ignored', 'redelivered', 'received']) status, "
        "unnest(ARRAY[500, 3]) days"
    )
    await RetentionKeeper(database, days=400).tick()
    rows = await database.pool.fetch(
        "SELECT status, received_at < now() - interval '400 days' AS old FROM event"
    )
    assert sorted((row["status"], row["old"]) for row in rows) == [
        ("ignored", False),
        ("received", False),
        ("received", True),
        ("redelivered", False),
    ]


async def test_a_problem_counts_what_is_left_and_goes_with_the_last(database: Database) -> None:
    problem_id = await database.pool.fetchval(
        "INSERT INTO problem (workflow_id, task_id, reason_code, reason_words, runs, first_at, last_at) VALUES "
        "('OC_1', 'T-1', 'x', 'x', 2, now() - interval '500 days', now() - interval '450 days') RETURNING id"
    )
    gone = await have_run(database, "failed", started=500, ended=450)
    stays = await have_run(database, "failed", started=500, ended=399)
    await database.pool.execute("UPDATE run SET problem_id = $1", problem_id)
    await RetentionKeeper(database, days=400).tick()
    assert await ids(database, "SELECT id FROM run") == {stays}
    assert await database.pool.fetchval("SELECT runs FROM problem") == 1
    await RetentionKeeper(database, days=300).tick()
    assert gone not in await ids(database, "SELECT id FROM run")
    assert await database.pool.fetchval("SELECT count(*) FROM problem") == 0


async def test_many_go_batch_after_batch_and_the_next_tick_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 7)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, started_at, finished_at) SELECT 'OC_1', 1, n, "
        "CASE WHEN n % 5 = 0 THEN 'waiting' ELSE 'succeeded' END, now() - make_interval(days => 1000 - n), "
        "CASE WHEN n % 5 <> 0 THEN now() - make_interval(days => 1000 - n) END FROM generate_series(1, 900) n"
    )
    keeper = RetentionKeeper(database, days=500)
    monkeypatch.setattr(retention, "LONGEST_SECONDS", 0.0)
    assert await keeper.tick() == 0
    monkeypatch.setattr(retention, "LONGEST_SECONDS", 30.0)
    assert await keeper.tick() == 400
    assert await keeper.tick() == 0
    rows = await database.pool.fetch("SELECT status FROM run WHERE started_at < now() - interval '500 days'")
    assert {row["status"] for row in rows} == {"waiting"}
    assert len(rows) == 100


async def test_all_is_kept_where_that_is_set(database: Database) -> None:
    await have_run(database, "succeeded", started=5000, ended=5000)
    assert await RetentionKeeper(database, days=0).tick() == 0
    assert await database.pool.fetchval("SELECT count(*) FROM run") == 1


async def test_a_run_that_somebody_holds_is_left_for_the_next_time(database: Database) -> None:
    run_id = await have_run(database, "succeeded", started=500, ended=450)
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM run WHERE id = $1 FOR UPDATE", run_id)
        assert await RetentionKeeper(database, days=400).tick() == 0
    assert await RetentionKeeper(database, days=400).tick() == 1


async def test_a_replay_of_what_is_gone_ends(database: Database, eventually: Any) -> None:
    run_id = await have_run(database, "failed", started=500, ended=450)
    async with database.transaction() as connection:
        await start_replay(connection, runs_by_id([run_id]), what="it")
    assert await RetentionKeeper(database, days=400).tick() == 1
    assert await database.pool.fetchval("SELECT count(*) FROM replay") == 1
