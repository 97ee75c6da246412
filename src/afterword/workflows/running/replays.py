"""Replays: runs that are done once more, one or all of a selection, with the same ids.

A replay is the same run again, from its start or from a task on: its key, and so every id that its tasks derive, is the
one it had, so that what was done already is not done again. Replays go behind live events and a few at a time; what is
still queued can be stopped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import structlog
from sqlalchemy import Select, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import Value, audit
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.database import Database, PlainConnection
from afterword.store.queue import RunQueue
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition
from afterword.workflows.history.search_keeper import look_again
from afterword.workflows.running.moves import End
from afterword.workflows.running.problems import discount
from afterword.workflows.running.revisions import Revisions
from afterword.workflows.running.run_store import json_text

log = structlog.get_logger()

FROM_START = "start"
FROM_FAILED = "failed"
REPLAYS_LOCK = 0x7265706C6179
MOST_AT_ONCE = 200

FINISH = """
UPDATE replay_run SET state = 'done'
WHERE state = 'started' AND NOT EXISTS (SELECT FROM run WHERE run.id = run_id AND run.status = 'running')
"""

UNDER_WAY = "SELECT count(*) FROM replay_run WHERE state = 'started'"

TAKE = """
SELECT queued.replay_id, queued.run_id, replay.from_task
FROM replay CROSS JOIN LATERAL (
    SELECT replay_id, run_id FROM replay_run WHERE replay_id = replay.id AND state = 'queued' ORDER BY run_id LIMIT $1
) queued
WHERE replay.finished_at IS NULL AND replay.stopped_at IS NULL
ORDER BY queued.replay_id, queued.run_id LIMIT $1
"""

LOCK = """
SELECT run.id, run.workflow_id, run.revision, run.status, run.position, run.outputs, run.ends
FROM run JOIN workflow ON workflow.id = run.workflow_id AND workflow.deleted_at IS NULL
WHERE run.id = ANY($1::bigint[]) AND run.status <> 'running' ORDER BY run.id FOR UPDATE OF run
"""

BEGIN_AGAIN = """
UPDATE run SET status = 'running', position = begun.position, outputs = begun.outputs::jsonb, ends = begun.ends::jsonb,
    attempt = 0, version = version + 1, in_flight = false, priority = 1, replays = replays + 1,
    reason_code = NULL, reason_words = NULL, reason_values = NULL, problem_id = NULL, waiting_for = NULL,
    held_since = NULL, due_at = now(), finished_at = NULL
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) AS begun (run_id, position, outputs, ends)
WHERE run.id = begun.run_id
"""

MARK = """
UPDATE replay_run SET state = CASE WHEN run_id = ANY($3::bigint[]) THEN 'started' ELSE 'left' END
FROM unnest($1::bigint[], $2::bigint[]) AS taken (replay, run)
WHERE replay_id = taken.replay AND run_id = taken.run
"""

CLOSE = """
UPDATE replay SET finished_at = now()
WHERE finished_at IS NULL AND NOT EXISTS (
    SELECT FROM replay_run WHERE replay_id = replay.id
        AND (state = 'started' OR (state = 'queued' AND replay.stopped_at IS NULL)))
"""


class Replay(msgspec.Struct, frozen=True):
    """A replay and how far it is.

    Of ``total`` runs, ``queued`` wait for their turn, ``started`` run, ``done`` were tried again (their own status
    tells with what success), and ``left`` were left alone: they were running anyway, or their workflow was deleted.
    """

    id: int
    what: str
    from_task: str
    total: int
    queued: int
    started: int
    done: int
    left: int
    created_at: datetime
    stopped_at: datetime | None
    finished_at: datetime | None


class Beginning(msgspec.Struct, frozen=True):
    """Where a run begins again: the position, and what is kept of the tasks before it."""

    position: int
    outputs: Mapping[str, Mapping[str, object]]
    ends: Mapping[str, End]


async def start_replay(
    connection: AsyncConnection,
    chosen: Select[Any],
    *,
    what: str,
    from_task: str = FROM_FAILED,
    person_id: str | None = None,
) -> int:
    """Have runs done once more; answers the replay's number.

    ``chosen`` selects the ids of the runs; ``what`` tells people which they are. ``from_task`` is the task's id,
    :data:`FROM_START` or :data:`FROM_FAILED`: the first task that did not succeed, or the start where all did.

    Raises:
        ConfigurationError: no run is chosen.
    """
    replay_id: int = await connection.scalar(
        insert(tables.replay)
        .values(what=what, from_task=from_task, person_id=person_id, total=0)
        .returning(tables.replay.c.id)
    )
    ids = chosen.subquery("chosen")
    added = await connection.execute(
        insert(tables.replay_run).from_select(
            ["replay_id", "run_id"], select(literal(replay_id), ids.c[0]).distinct()
        )
    )
    if not added.rowcount:
        raise ConfigurationError(_("There is no run to replay: %(what)s.", what=what))
    await connection.execute(
        update(tables.replay).where(tables.replay.c.id == replay_id).values(total=added.rowcount)
    )
    told: dict[str, Value] = {"what": what, "from": from_task, "runs": added.rowcount}
    await audit(connection, "replay", "started", (str(replay_id), f"Replay {replay_id}"), after=told)
    return replay_id


def runs_of_problem(problem_id: int) -> Select[Any]:
    """The runs that a problem counts."""
    return select(tables.run.c.id).where(
        tables.run.c.problem_id == problem_id, tables.run.c.status == "failed"
    )


def runs_by_id(run_ids: Sequence[int]) -> Select[Any]:
    """These runs."""
    return select(tables.run.c.id).where(tables.run.c.id.in_(run_ids))


async def stop_replay(connection: AsyncConnection, replay_id: int) -> bool:
    """Let those that are queued be; those that run are finished. False when it was at its end already."""
    replay = tables.replay
    stopped = await connection.execute(
        update(replay)
        .where(replay.c.id == replay_id, replay.c.finished_at.is_(None), replay.c.stopped_at.is_(None))
        .values(stopped_at=func.now())
    )
    if stopped.rowcount:
        await audit(connection, "replay", "stopped", (str(replay_id), f"Replay {replay_id}"))
    return bool(stopped.rowcount)


async def list_replays(connection: AsyncConnection, *, limit: int = 50) -> list[Replay]:
    """The newest replays."""
    return await _replays(connection, select(tables.replay).order_by(tables.replay.c.id.desc()).limit(limit))


async def get_replay(connection: AsyncConnection, replay_id: int) -> Replay | None:
    """One replay; ``None`` when there is none."""
    found = await _replays(connection, select(tables.replay).where(tables.replay.c.id == replay_id))
    return found[0] if found else None


async def _replays(connection: AsyncConnection, page: Select[Any]) -> list[Replay]:
    told = page.subquery("told")
    counted = tables.replay_run

    def count(state: str) -> Any:
        return func.count().filter(counted.c.state == state).label(state)

    rows = await connection.execute(
        select(told, *(count(state) for state in ("queued", "started", "done", "left")))
        .outerjoin(counted, counted.c.replay_id == told.c.id)
        .group_by(*told.c)
        .order_by(told.c.id.desc())
    )
    return [Replay(**{name: row[name] for name in Replay.__struct_fields__}) for row in rows.mappings()]


class ReplaysKeeper:
    """Takes runs out of the replays' queues, a few at a time; every worker may have one."""

    def __init__(self, database: Database, queue: RunQueue) -> None:
        self._database = database
        self._queue = queue
        self._revisions = Revisions()

    async def tick(self) -> int:
        """Begin as many runs again as there is room for; answers how many."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", REPLAYS_LOCK):
                return 0
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM replay WHERE finished_at IS NULL)"):
                return 0
            await connection.execute(FINISH)
            room = MOST_AT_ONCE - await connection.fetchval(UNDER_WAY)
            taken = await connection.fetch(TAKE, room) if room > 0 else []
            begun = await self._begin(connection, taken) if taken else []
            await connection.execute(CLOSE)
        return len(begun)

    async def _begin(self, connection: PlainConnection, taken: Sequence[asyncpg.Record]) -> list[int]:
        from_tasks = {row["run_id"]: row["from_task"] for row in taken}
        runs = await connection.fetch(LOCK, list(from_tasks))
        beginnings = [
            beginning_of(
                await self._revisions.get(self._database, run["workflow_id"], run["revision"]),
                from_tasks[run["id"]],
                position=run["position"],
                outputs=msgspec.json.decode(run["outputs"]),
                ends=msgspec.json.decode(run["ends"], type=dict[str, End]),
            )
            for run in runs
        ]
        run_ids = [run["id"] for run in runs]
        await discount(connection, run_ids)
        await connection.execute(
            BEGIN_AGAIN,
            run_ids,
            [beginning.position for beginning in beginnings],
            [json_text(beginning.outputs) for beginning in beginnings],
            [json_text(beginning.ends) for beginning in beginnings],
        )
        await self._queue.enqueue(connection, run_ids, behind=True)
        await look_again(connection, run_ids)
        await connection.execute(
            MARK, [row["replay_id"] for row in taken], [row["run_id"] for row in taken], run_ids
        )
        return run_ids


def beginning_of(
    definition: Definition,
    from_task: str,
    *,
    position: int,
    outputs: Mapping[str, Mapping[str, object]],
    ends: Mapping[str, End],
) -> Beginning:
    """Where a run that stands at ``position`` begins again; a task that it never came to is where it stands."""
    tasks = [task.id for task in definition.tasks]
    if from_task == FROM_FAILED:
        wanted = _first_without_success(tasks, position, ends)
    else:
        wanted = tasks.index(from_task) if from_task in tasks else 0
    begins = min(wanted, position)
    before = set(tasks[:begins])
    return Beginning(
        begins,
        {task: output for task, output in outputs.items() if task in before},
        {task: end for task, end in ends.items() if task in before},
    )


def _first_without_success(tasks: Sequence[str], position: int, ends: Mapping[str, End]) -> int:
    for wanted in ({"failed"}, {"skipped", "not run"}):
        found = [index for index, task in enumerate(tasks) if task in ends and ends[task].status in wanted]
        if found:
            return found[0]
    return position if position < len(tasks) else 0
