"""The run engine: takes a run as far as it goes.

The run's row is the truth. Each task's end is one statement that stores its attempt and moves the run on, and it
holds only if the run's version is still the one that was read: a worker that was taken for dead and comes back late
changes nothing. So a crash repeats at most one task.
"""

import contextlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import asyncpg
import msgspec
import structlog

from afterword.outcomes import Outcome, Permanent, Reason, Retry, Skip
from afterword.store.database import CONNECTION_LOST, ConnectionLost, Database, PlainConnection
from afterword.tasks.contract import AnyTaskType, Done, TaskCall, Wait
from afterword.workflows.configuration import configure
from afterword.workflows.definitions import Definition, Task
from afterword.workflows.event_data import EventData, read_event
from afterword.workflows.retries import delay_before_next
from afterword.workflows.workflows import Revisions

log = structlog.get_logger()

RECONNECT_SECONDS = 1.0
LEAST_WAIT_SECONDS = 0.05
FAULT_SECONDS = 60.0

READ = """
SELECT run.key::text AS key, run.workflow_id, run.revision, run.status, run.position, run.attempt, run.version,
       extract(epoch FROM run.due_at - now())::float8 AS due_in, event.body
FROM run JOIN event ON event.id = run.event_id WHERE run.id = $1
"""

MOVE_ON = """
WITH moved AS (
    UPDATE run SET position = $3, attempt = $4, status = $5, version = version + 1, outputs = outputs || $6::jsonb,
        reason_code = $7, reason_words = $8, due_at = now() + make_interval(secs => $9),
        conversation_id = coalesce(conversation_id, $19), customer_id = coalesce(customer_id, $20),
        finished_at = CASE WHEN $5 IN ('succeeded', 'skipped', 'failed') THEN now() END
    WHERE id = $1 AND version = $2
    RETURNING id
)
INSERT INTO task_attempt
    (run_id, position, attempt, status, input, output, reason_code, reason_words, started_at, finished_at)
SELECT id, $10, $11, $12, $13::jsonb, $14::jsonb, $15, $16, $17, $18 FROM moved
RETURNING id
"""

RunStatus = Literal["running", "waiting", "succeeded", "skipped", "failed"]
AttemptStatus = Literal["succeeded", "waiting", "retrying", "skipped", "failed"]

FAULT = Reason(
    "unexpected-error", "the task ended in an error that it did not expect; the log has the details"
)


class RunState(msgspec.Struct):
    """Where a run stands."""

    id: int
    key: str
    position: int
    attempt: int
    version: int


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes on after an attempt.

    ``again_in`` is in seconds, ``None`` when the run is at its end; ``attempt`` is how many attempts of the task that
    is then due have failed.
    """

    attempt_status: AttemptStatus
    run_status: RunStatus
    again_in: float | None
    attempt: int = 0
    next_task: bool = False
    reason: Reason | None = None
    output: Mapping[str, object] = {}
    recorded_output: str = "{}"


class RunEngine:
    """Advances runs; one for each worker process."""

    def __init__(
        self, database: Database, task_types: Mapping[str, AnyTaskType], *, retry_time_scale: float = 1.0
    ) -> None:
        self._database = database
        self._task_types = task_types
        self._retry_time_scale = retry_time_scale
        self._revisions = Revisions()

    async def advance(self, run_id: int) -> float | None:
        """Do what is due. Answers in how many seconds the run wants to be looked at again, ``None`` for never."""
        with structlog.contextvars.bound_contextvars(run_id=run_id):
            try:
                return await self._advance(run_id)
            except CONNECTION_LOST:
                log.warning("run_interrupted_by_database")
                return RECONNECT_SECONDS
            except Exception:
                log.exception("run_fault")
                await self._push_back(run_id)
                return FAULT_SECONDS

    async def _push_back(self, run_id: int) -> None:
        """Keep a run that the engine itself fails at out of the way of the others for a while."""
        with contextlib.suppress(*CONNECTION_LOST, asyncpg.PostgresError):
            await self._database.pool.execute(
                "UPDATE run SET due_at = now() + make_interval(secs => $2) "
                "WHERE id = $1 AND status IN ('running', 'waiting')",
                run_id,
                FAULT_SECONDS,
            )

    async def _advance(self, run_id: int) -> float | None:
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(READ, run_id)
            if row is None or row["status"] not in {"running", "waiting"}:
                return None
            if row["due_in"] is not None and row["due_in"] > 0:
                return float(row["due_in"])
            state = RunState(run_id, row["key"], row["position"], row["attempt"], row["version"])
            try:
                definition = await self._revisions.get(connection, row["workflow_id"], row["revision"])
            except LookupError:
                reason = Reason("workflow-deleted", "its workflow was deleted while the run waited")
                await self._end_before_task(connection, state, reason)
                return None
        return await self._go_through(state, definition, row["body"])

    async def _go_through(self, state: RunState, definition: Definition, body: str) -> float | None:
        try:
            event = await read_event(self._database, definition.event, body)
        except (Permanent, ValueError) as error:
            reason = error.reason if isinstance(error, Permanent) else Reason("event-unusable", str(error))
            async with self._database.pool.acquire() as connection:
                await self._end_before_task(connection, state, reason)
            return None
        while True:
            move = await self._attempt(state, definition, event)
            if move is None or move.again_in is None:
                return None
            if move.again_in > 0:
                return move.again_in

    async def _attempt(self, state: RunState, definition: Definition, event: EventData) -> Move | None:
        """Try the run's next task once and store how it went; ``None`` when another worker was faster."""
        task = definition.tasks[state.position]
        started_at = datetime.now(UTC)
        move, recorded_input = await self._carry_out(state, task, event)
        if move.next_task and state.position + 1 == len(definition.tasks):
            move = msgspec.structs.replace(move, run_status="succeeded", again_in=None)
        async with self._database.pool.acquire() as connection:
            stored = await connection.fetchval(
                MOVE_ON,
                state.id,
                state.version,
                state.position + 1 if move.next_task else state.position,
                move.attempt,
                move.run_status,
                _json({task.id: move.output} if move.next_task else {}),
                *_columns(move.reason),
                move.again_in,
                state.position,
                state.attempt + 1,
                move.attempt_status,
                _json(recorded_input),
                move.recorded_output,
                *_columns(move.reason),
                started_at,
                datetime.now(UTC),
                event.field("conversationId"),
                event.field("customerId"),
            )
        if stored is None:
            log.warning("late_result_dropped", task=task.id)
            return None
        state.version += 1
        state.attempt = move.attempt
        state.position += move.next_task
        return move

    async def _carry_out(self, state: RunState, task: Task, event: EventData) -> tuple[Move, object]:
        """Call the task; answers how the run goes on and the configuration that the task was given."""
        recorded_input: object = task.configuration
        try:
            task_type = self._task_type(task)
            configuration = configure(task_type, task.configuration, event.sources)
            recorded_input = msgspec.to_builtins(configuration)
            call: TaskCall[Any] = TaskCall(
                run_key=state.key,
                task_id=task.id,
                attempt=state.attempt + 1,
                configuration=configuration,
                fields=event.fields,
                survey_response_id=event.survey_response_id,
            )
            return self._after(await task_type.run(call)), recorded_input
        except (ConnectionLost, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
            raise
        except Outcome as outcome:
            return self._after_outcome(state, outcome), recorded_input
        except Exception:
            log.exception("task_fault", task=task.id, type=task.type)
            return self._after_outcome(state, Retry(FAULT)), recorded_input

    def _task_type(self, task: Task) -> AnyTaskType:
        try:
            return self._task_types[task.type]
        except KeyError:
            reason = Reason(
                "task-type-unknown", f"no task type {task.type!r} is installed here", {"type": task.type}
            )
            raise Permanent(reason) from None

    def _after(self, result: Done | Wait) -> Move:
        match result:
            case Done(output=output, sent=sent):
                return Move(
                    attempt_status="succeeded",
                    run_status="running",
                    again_in=0.0,
                    next_task=True,
                    output=output,
                    recorded_output=_json({**output, "sent": sent} if sent else output),
                )
            case Wait(until=until, code=code, words=words):
                seconds = max(0.0, (until - datetime.now(UTC)).total_seconds())
                return Move(
                    attempt_status="waiting",
                    run_status="waiting",
                    again_in=seconds,
                    reason=Reason(code, words),
                )

    def _after_outcome(self, state: RunState, outcome: Outcome) -> Move:
        match outcome:
            case Skip(reason=reason):
                return Move(attempt_status="skipped", run_status="skipped", again_in=None, reason=reason)
            case Retry(reason=reason) if not outcome.tried:
                return Move(
                    attempt_status="waiting",
                    run_status="waiting",
                    again_in=max(outcome.after or 0.0, LEAST_WAIT_SECONDS),
                    attempt=state.attempt,
                    reason=reason,
                )
            case Retry(reason=reason):
                delay = delay_before_next(
                    state.attempt + 1,
                    asked_for=outcome.after,
                    outcome_unknown=outcome.outcome_unknown,
                    random=random.random,
                    scale=self._retry_time_scale,
                )
                if delay is not None:
                    return Move(
                        attempt_status="retrying",
                        run_status="waiting",
                        again_in=delay,
                        attempt=state.attempt + 1,
                        reason=reason,
                    )
                return Move(attempt_status="failed", run_status="failed", again_in=None, reason=reason)
            case _:
                return Move(
                    attempt_status="failed", run_status="failed", again_in=None, reason=outcome.reason
                )

    async def _end_before_task(self, connection: PlainConnection, state: RunState, reason: Reason) -> None:
        """End a run that cannot come to its next task."""
        await connection.execute(
            """
            UPDATE run SET status = 'failed', version = version + 1, reason_code = $3, reason_words = $4,
                           due_at = NULL, finished_at = now()
            WHERE id = $1 AND version = $2
            """,
            state.id,
            state.version,
            reason.code,
            reason.words,
        )


def _columns(reason: Reason | None) -> tuple[str | None, str | None]:
    return (None, None) if reason is None else (reason.code, reason.words)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
