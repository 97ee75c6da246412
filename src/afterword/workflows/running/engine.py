"""The run engine: takes a run as far as it goes.

What is in the database is the truth (``run_store.py``); a crash repeats at most one task. Which tasks are carried out
is decided in ``readiness.py``, one attempt is made in ``attempts.py``, what follows from it in ``moves.py``.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog
from msgspec.structs import replace

from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.outgoing.budgets import calling_for
from afterword.piped_text import Source
from afterword.store.database import DATABASE_AWAY, Database
from afterword.tasks.contract import AnyTaskType
from afterword.translating import N_
from afterword.workflows.conditions import Evaluation, evaluate
from afterword.workflows.definitions import Definition, Task
from afterword.workflows.running.attempts import Attempts, Caller, Tried
from afterword.workflows.running.moves import (
    OUTCOME_UNKNOWN,
    End,
    Move,
    RunStatus,
    after_outcome,
    end_of,
    end_of_run,
    failed,
    not_run,
)
from afterword.workflows.running.problems import NO_TASK
from afterword.workflows.running.readiness import why_not_run
from afterword.workflows.running.revisions import Revisions
from afterword.workflows.running.run_store import Attempt, RunMove, RunStore, StoredRun
from afterword.workflows.values.event_data import EventData, ResponseReader, read_event

log = structlog.get_logger()

RECONNECT_SECONDS = 1.0
FAULT_SECONDS = 60.0
ACTIVE: tuple[RunStatus, ...] = ("running", "waiting")

WORKFLOW_OFF = Reason("workflow-off", N_("its workflow is off; the run goes on when it is turned on again"))
WORKFLOW_DELETED = Reason("workflow-deleted", N_("its workflow was deleted before the run was at its end"))
CONDITIONS_NOT_MET = Reason("conditions-not-met", N_("the conditions of the workflow did not hold"))


class RunState(msgspec.Struct):
    """Where a run stands, as this worker knows it."""

    id: int
    key: str
    workflow_id: str
    version: int
    position: int
    attempt: int
    in_flight: bool
    outputs: dict[str, Mapping[str, object]]
    ends: dict[str, End]
    started_at: datetime

    def sources(self, event: EventData, definition: Definition) -> tuple[Source, ...]:
        """What piped text can ask for now."""
        earlier = [task.id for task in definition.tasks[: self.position]]
        return event.sources_at(earlier, self.outputs, now=self.started_at, seed=self.key)

    def stays(
        self, status: RunStatus, *, again_in: float | None = None, reason: Reason | None = None
    ) -> RunMove:
        """A move to another status at the same task."""
        return RunMove(
            run_id=self.id,
            version=self.version,
            position=self.position,
            attempt=self.attempt,
            status=status,
            again_in=again_in,
            reason=reason,
            in_flight=self.in_flight,
        )


class RunEngine:
    """Advances runs; one for each worker process."""

    def __init__(
        self,
        database: Database,
        task_types: Mapping[str, AnyTaskType],
        *,
        responses: ResponseReader | None = None,
        retry_time_scale: float = 1.0,
    ) -> None:
        """``responses`` reads the Responses of connected Qualtrics accounts."""
        self._database = database
        self._store = RunStore(database)
        self._attempts = Attempts(task_types, retry_time_scale=retry_time_scale)
        self._responses = responses
        self._retry_time_scale = retry_time_scale
        self._revisions = Revisions()

    async def advance(self, run_id: int) -> float | None:
        """Do what is due. Answers in how many seconds the run wants to be looked at again, ``None`` for never."""
        with structlog.contextvars.bound_contextvars(run_id=run_id):
            try:
                return await self._advance(run_id)
            except DATABASE_AWAY:
                log.warning("run_interrupted_by_database")
                return RECONNECT_SECONDS
            except Exception:
                log.exception("run_fault")
                await self._push_back(run_id)
                return FAULT_SECONDS

    async def _push_back(self, run_id: int) -> None:
        """Keep a run that the engine itself fails at out of the way of the others for a while."""
        with contextlib.suppress(*DATABASE_AWAY):
            await self._database.pool.execute(
                "UPDATE run SET due_at = now() + make_interval(secs => $2) "
                "WHERE id = $1 AND status IN ('running', 'waiting')",
                run_id,
                FAULT_SECONDS,
            )

    async def _advance(self, run_id: int) -> float | None:
        run = await self._store.read(run_id)
        if run is None or run.status not in ACTIVE or run.due_in is None:
            return None
        if run.due_in > 0:
            return run.due_in
        state = RunState(
            run.id,
            run.key,
            run.workflow_id,
            run.version,
            run.position,
            run.attempt,
            run.in_flight,
            dict(run.outputs),
            dict(run.ends),
            run.started_at,
        )
        if run.is_deleted:
            await self._end(state, "cancelled", WORKFLOW_DELETED)
            return None
        if not run.is_on:
            await self._hold(state, WORKFLOW_OFF, f"workflow/{run.workflow_id}")
            return None
        with calling_for("backfill" if run.is_behind_live else "live"):
            return await self._begin(run, state)

    async def _begin(self, run: StoredRun, state: RunState) -> float | None:
        """Read the revision and the event; before the first task hold it against the workflow's conditions."""
        definition = await self._revisions.get(self._database, run.workflow_id, run.revision)
        try:
            event = await read_event(self._database, definition.event, run.body, responses=self._responses)
        except Retry as outcome:
            return await self._put_off(state, outcome)
        except Skip as outcome:
            await self._end(state, "skipped", outcome.reason)
            return None
        except (Permanent, ValueError) as error:
            reason = error.reason if isinstance(error, Permanent) else Reason("event-unusable", str(error))
            await self._end(state, "failed", reason)
            return None
        evaluation: Evaluation | None = None
        if definition.conditions is not None and state.position == 0:
            evaluation = evaluate(definition.conditions, state.sources(event, definition))
            if not evaluation.holds:
                await self._end(state, "skipped", CONDITIONS_NOT_MET, event=event, evaluation=evaluation)
                return None
        return await self._go_through(state, definition, event, evaluation)

    async def _go_through(
        self, state: RunState, definition: Definition, event: EventData, evaluation: Evaluation | None
    ) -> float | None:
        while state.position < len(definition.tasks):
            tried = await self._next_task(state, definition, event)
            if tried is None or not await self._store_attempt(state, definition, event, tried, evaluation):
                return None
            evaluation = None
            if not tried.move.ended and tried.move.again_in != 0:
                return tried.move.again_in
        return None

    async def _next_task(self, state: RunState, definition: Definition, event: EventData) -> Tried | None:
        """Attempt the task that is due, or find out why it is not carried out; ``None`` when it was lost to another."""
        task = definition.tasks[state.position]
        sources = state.sources(event, definition)
        hindered, evaluation = why_not_run(task, definition, state.ends, sources)
        if hindered is not None:
            return Tried.at_once(not_run(hindered, evaluation))
        if self._attempts.stops_when_unknown(task):
            if state.in_flight:
                return Tried.at_once(failed(OUTCOME_UNKNOWN))
            if not await self._mark_in_flight(state):
                return None
        run = Caller(state.id, state.key, state.workflow_id, state.started_at, definition.brakes)
        tried = await self._attempts.try_once(task, event, sources, run=run, failed_before=state.attempt)
        move = replace(tried.move, evaluation=evaluation)
        return replace(tried, move=move)

    async def _mark_in_flight(self, state: RunState) -> bool:
        """Note that the task is about to be done: should this worker die meanwhile, nobody knows whether it was."""
        move = state.stays("running", again_in=0.0)
        marked = await self._move(state, replace(move, in_flight=True))
        state.in_flight = marked
        return marked

    async def _store_attempt(
        self,
        state: RunState,
        definition: Definition,
        event: EventData,
        tried: Tried,
        evaluation: Evaluation | None,
    ) -> bool:
        """Store the attempt and move the run on; false when another worker was faster."""
        task, move = definition.tasks[state.position], tried.move
        if move.ended:
            _note_end(state, task, move)
        is_last = move.ended and state.position + 1 == len(definition.tasks)
        status, reason = (
            end_of_run(state.ends, len(definition.tasks)) if is_last else (move.run_status, move.reason)
        )
        stored = await self._move(
            state,
            RunMove(
                run_id=state.id,
                version=state.version,
                position=state.position + 1 if move.ended else state.position,
                attempt=0 if move.ended else move.attempt,
                status=status,
                again_in=None if is_last else move.again_in,
                reason=reason if is_last or not move.ended else None,
                outputs={task.id: move.output} if task.id in state.outputs and move.ended else None,
                ends={task.id: state.ends[task.id]} if task.id in state.ends and move.ended else None,
                conversation_id=event.field("conversationId"),
                customer_id=event.field("customerId"),
                waiting_for=move.waiting_for,
                evaluation=evaluation,
                tried=_attempt(state, tried),
                failed=(state.workflow_id, _first_failed(state)) if status == "failed" else None,
            ),
        )
        state.attempt = 0 if move.ended else move.attempt
        state.position += move.ended
        state.in_flight = False
        return stored

    async def _put_off(self, state: RunState, outcome: Retry) -> float | None:
        """The event itself cannot be read yet: a wait before the first task, counted like an attempt of it."""
        move = after_outcome(outcome, state.attempt, stop_when_unknown=False, scale=self._retry_time_scale)
        if move.ended:
            await self._end(state, "failed", outcome.reason)
            return None
        put_off = state.stays(move.run_status, again_in=move.again_in, reason=move.reason)
        stored = await self._move(state, replace(put_off, attempt=move.attempt, waiting_for=move.waiting_for))
        return move.again_in if stored else None

    async def _hold(self, state: RunState, reason: Reason, waiting_for: str) -> None:
        await self._move(state, replace(state.stays("waiting", reason=reason), waiting_for=waiting_for))

    async def _end(
        self,
        state: RunState,
        status: RunStatus,
        reason: Reason,
        *,
        event: EventData | None = None,
        evaluation: Evaluation | None = None,
    ) -> None:
        """End a run that does not come to its next task."""
        end = state.stays(status, reason=reason)
        await self._move(
            state,
            replace(
                end,
                in_flight=False,
                conversation_id=event.field("conversationId") if event else None,
                customer_id=event.field("customerId") if event else None,
                evaluation=evaluation,
                failed=(state.workflow_id, NO_TASK) if status == "failed" else None,
            ),
        )

    async def _move(self, state: RunState, move: RunMove) -> bool:
        moved = await self._store.move(move)
        if not moved:
            log.warning("late_result_dropped")
        state.version += moved
        return moved


def _note_end(state: RunState, task: Task, move: Move) -> None:
    """Remember how a task ended, for the tasks after it."""
    end = end_of(move)
    if end is None:
        state.outputs[task.id] = move.output
    else:
        state.ends[task.id] = end


def _first_failed(state: RunState) -> str:
    return next((task_id for task_id, end in state.ends.items() if end.status == "failed"), NO_TASK)


def _attempt(state: RunState, tried: Tried) -> Attempt:
    move = tried.move
    return Attempt(
        position=state.position,
        number=state.attempt + 1,
        status=move.attempt_status,
        input=tried.input,
        output={**move.output, "sent": move.sent} if move.sent else move.output,
        reason=move.reason,
        evaluation=move.evaluation,
        exchanges=tried.exchanges,
        started_at=tried.started_at,
        finished_at=tried.finished_at,
    )
