"""Runs in the database, as the engine reads and moves them: in batches, each run guarded by its version.

The run's row is the truth. A task's end is stored and its run moved on in one statement, together with whatever else
ends at that moment; it holds only if the run's version is still the one that was read, so that a worker that was taken
for dead and comes back late changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from afterword.outcomes import Reason
from afterword.outgoing.exchanges import Exchange
from afterword.store.batches import Batches
from afterword.store.database import NOT_STORABLE, Database
from afterword.workflows.conditions import Evaluation
from afterword.workflows.running.moves import AttemptStatus, End, RunStatus
from afterword.workflows.running.problems import Failure, record_failures

READS_IN_FLIGHT = 1
MOVES_IN_FLIGHT = 2
LARGEST_BATCH = 200

READ = """
SELECT run.id, run.key::text AS key, run.workflow_id, run.revision, run.status, run.position, run.attempt, run.version,
       run.in_flight, run.replays, run.outputs, run.ends, run.started_at, run.priority > 0 AS is_behind_live,
       extract(epoch FROM run.due_at - now())::float8 AS due_in, event.body,
       coalesce(workflow.is_on, false) AS is_on, workflow.id IS NULL OR workflow.deleted_at IS NOT NULL AS is_deleted
FROM run JOIN event ON event.id = run.event_id LEFT JOIN workflow ON workflow.id = run.workflow_id
WHERE run.id = ANY($1::bigint[])
"""

MOVE = """
WITH asked AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::int[], $3::int[], $4::int[], $5::text[], $6::float8[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bool[], $16::text[]
    ) AS asked (run_id, version, position, attempt, status, again_in, code, words, reason_values, outputs, ends,
                conversation_id, customer_id, waiting_for, in_flight, evaluation)
), moved AS (
    UPDATE run SET position = asked.position, attempt = asked.attempt, status = asked.status,
        version = run.version + 1, in_flight = asked.in_flight,
        outputs = CASE WHEN asked.outputs IS NULL THEN run.outputs ELSE run.outputs || asked.outputs::jsonb END,
        ends = CASE WHEN asked.ends IS NULL THEN run.ends ELSE run.ends || asked.ends::jsonb END,
        evaluation = CASE WHEN asked.evaluation IS NULL THEN run.evaluation ELSE asked.evaluation::jsonb END,
        reason_code = asked.code, reason_words = asked.words, reason_values = asked.reason_values::jsonb,
        due_at = CASE WHEN asked.status = 'running' AND asked.again_in = 0 THEN run.due_at
                      ELSE now() + make_interval(secs => asked.again_in) END,
        conversation_id = coalesce(run.conversation_id, asked.conversation_id),
        customer_id = coalesce(run.customer_id, asked.customer_id),
        waiting_for = asked.waiting_for,
        held_since = CASE WHEN asked.waiting_for IS NOT NULL THEN coalesce(run.held_since, now()) END,
        finished_at = CASE WHEN asked.status NOT IN ('running', 'waiting') THEN now() END
    FROM asked WHERE run.id = asked.run_id AND run.version = asked.version
    RETURNING run.id, run.replays
), attempted AS (
    INSERT INTO task_attempt (run_id, replay, position, attempt, status, input, output, reason_code, reason_words,
                              reason_values, evaluation, exchanges, started_at, finished_at)
    SELECT moved.id, moved.replays, attempt.position, attempt.number, attempt.status, attempt.input::jsonb,
           attempt.output::jsonb, attempt.code, attempt.words, attempt.reason_values::jsonb, attempt.evaluation::jsonb,
           attempt.exchanges::jsonb, attempt.started_at, attempt.finished_at
    FROM unnest(
        $17::bigint[], $18::int[], $19::int[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
        $25::text[], $26::text[], $27::text[], $28::timestamptz[], $29::timestamptz[]
    ) AS attempt (run_id, position, number, status, input, output, code, words, reason_values, evaluation, exchanges,
                  started_at, finished_at)
    JOIN moved ON moved.id = attempt.run_id
)
SELECT id FROM moved
"""


class StoredRun(msgspec.Struct, frozen=True):
    """A run as it was read, with its event's body; ``due_in`` in seconds, ``None`` when nothing is due by itself.

    ``is_behind_live``: it makes up for the past, and what happens now comes first.
    """

    id: int
    key: str
    workflow_id: str
    revision: int
    status: RunStatus
    position: int
    attempt: int
    version: int
    in_flight: bool
    replays: int
    outputs: Mapping[str, Mapping[str, object]]
    ends: Mapping[str, End]
    started_at: datetime
    is_behind_live: bool
    due_in: float | None
    body: str
    is_on: bool
    is_deleted: bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt of a task, for run history."""

    position: int
    number: int
    status: AttemptStatus
    input: object
    output: Mapping[str, object]
    reason: Reason | None
    evaluation: Evaluation | None
    exchanges: Sequence[Exchange]
    started_at: datetime
    finished_at: datetime


class RunMove(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run goes from ``version``: its whole next state, and the attempt that brought it there.

    ``again_in``: seconds until it is due, ``None`` when nothing is due by itself. ``failed`` names the workflow and the
    task when the run fails with this move.
    """

    run_id: int
    version: int
    position: int
    attempt: int
    status: RunStatus
    again_in: float | None
    reason: Reason | None = None
    outputs: Mapping[str, Mapping[str, object]] | None = None
    ends: Mapping[str, End] | None = None
    conversation_id: str | None = None
    customer_id: str | None = None
    waiting_for: str | None = None
    in_flight: bool = False
    evaluation: Evaluation | None = None
    tried: Attempt | None = None
    failed: tuple[str, str] | None = None


class RunStore:
    """Reads and moves runs for one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reads: Batches[int, StoredRun | None] = Batches(
            self._read_all, largest=LARGEST_BATCH, in_flight=READS_IN_FLIGHT
        )
        self._moves: Batches[RunMove, bool] = Batches(
            self._move_all, largest=LARGEST_BATCH, in_flight=MOVES_IN_FLIGHT, alone_on=NOT_STORABLE
        )

    async def read(self, run_id: int) -> StoredRun | None:
        """A run as it is now; ``None`` when there is none."""
        return await self._reads.add(run_id)

    async def move(self, move: RunMove) -> bool:
        """Move a run on; false when it is no longer as it was read, and nothing was changed."""
        return await self._moves.add(move)

    async def _read_all(self, run_ids: Sequence[int]) -> list[StoredRun | None]:
        rows = await self._database.pool.fetch(READ, run_ids)
        runs = {row["id"]: _stored(row) for row in rows}
        return [runs.get(run_id) for run_id in run_ids]

    async def _move_all(self, moves: Sequence[RunMove]) -> list[bool]:
        moved = await self._move_together(moves)
        return [move.run_id in moved for move in moves]

    async def _move_together(self, moves: Sequence[RunMove]) -> set[int]:
        columns = _columns(moves)
        failing = [move for move in moves if move.failed is not None]
        async with self._database.pool.acquire() as connection:
            if not failing:
                return {row["id"] for row in await connection.fetch(MOVE, *columns)}
            async with connection.transaction():
                moved = {row["id"] for row in await connection.fetch(MOVE, *columns)}
                await record_failures(
                    connection, _failures([move for move in failing if move.run_id in moved])
                )
        return moved


def _failures(moves: Sequence[RunMove]) -> list[Failure]:
    return [
        Failure(move.run_id, *move.failed, move.reason)
        for move in moves
        if move.failed is not None and move.reason is not None
    ]


def _stored(row: asyncpg.Record) -> StoredRun:
    values = dict(row)
    values["outputs"] = msgspec.json.decode(row["outputs"]) if row["outputs"] != "{}" else {}
    values["ends"] = msgspec.json.decode(row["ends"], type=dict[str, End]) if row["ends"] != "{}" else {}
    return StoredRun(**values)


def _columns(moves: Sequence[RunMove]) -> list[list[object]]:
    """The statement's parameters: each a column of what is asked, then of the attempts."""
    attempts = [(move.run_id, move.tried) for move in moves if move.tried is not None]
    return [
        [move.run_id for move in moves],
        [move.version for move in moves],
        [move.position for move in moves],
        [move.attempt for move in moves],
        [move.status for move in moves],
        [move.again_in for move in moves],
        [move.reason and move.reason.code for move in moves],
        [move.reason and move.reason.words for move in moves],
        [json_or_none(move.reason.values) if move.reason else None for move in moves],
        [json_or_none(move.outputs) for move in moves],
        [json_or_none(move.ends) for move in moves],
        [move.conversation_id for move in moves],
        [move.customer_id for move in moves],
        [move.waiting_for for move in moves],
        [move.in_flight for move in moves],
        [json_or_none(move.evaluation) for move in moves],
        [run_id for run_id, _ in attempts],
        [attempt.position for _, attempt in attempts],
        [attempt.number for _, attempt in attempts],
        [attempt.status for _, attempt in attempts],
        [json_text(attempt.input) for _, attempt in attempts],
        [json_text(attempt.output) for _, attempt in attempts],
        [attempt.reason and attempt.reason.code for _, attempt in attempts],
        [attempt.reason and attempt.reason.words for _, attempt in attempts],
        [json_or_none(attempt.reason.values) if attempt.reason else None for _, attempt in attempts],
        [json_or_none(attempt.evaluation) for _, attempt in attempts],
        [json_or_none(attempt.exchanges) for _, attempt in attempts],
        [attempt.started_at for _, attempt in attempts],
        [attempt.finished_at for _, attempt in attempts],
    ]


def json_text(value: object) -> str:
    """A value as JSON for the database, which takes everything but a NUL in a text."""
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def json_or_none(value: object) -> str | None:
    """The same; ``None`` for nothing and for what is empty."""
    return json_text(value) if value else None
