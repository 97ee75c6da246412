"""One attempt of one task: from its configuration as saved to how its run goes on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
import structlog

from afterword.outcomes import Outcome, Reason, Retry
from afterword.outgoing.exchanges import Exchange, recorded_exchanges
from afterword.piped_text import Source
from afterword.sending.brakes import Brakes
from afterword.store.database import OWN_DATABASE_AWAY
from afterword.tasks.contract import AnyTaskType, Repetition, TaskCall, repetition_of
from afterword.translating import N_
from afterword.workflows.definitions import Task
from afterword.workflows.running.moves import Move, after_outcome, after_result
from afterword.workflows.values.configuration import configure, installed
from afterword.workflows.values.event_data import EventData

log = structlog.get_logger()

FAULT = Reason(
    "unexpected-error", N_("the task ended in an error that it did not expect; the log has the details")
)


class Tried(msgspec.Struct, frozen=True):
    """What an attempt came to, with what the task was given and what was exchanged with others meanwhile."""

    move: Move
    input: object
    exchanges: Sequence[Exchange]
    started_at: datetime
    finished_at: datetime

    @classmethod
    def at_once(cls, move: Move) -> Self:
        """Decided without a call of the task."""
        now = datetime.now(UTC)
        return cls(move, {}, (), now, now)


class Caller(msgspec.Struct, frozen=True):
    """The run that a task is carried out for."""

    id: int
    key: str
    workflow_id: str
    started_at: datetime
    brakes: Brakes


class Attempts:
    """Carries out tasks of the types that are installed."""

    def __init__(self, task_types: Mapping[str, AnyTaskType], *, retry_time_scale: float) -> None:
        self._task_types = task_types
        self._retry_time_scale = retry_time_scale

    def stops_when_unknown(self, task: Task) -> bool:
        """Whether the task is to fail when nobody knows if it was done: its setting, or else its type's."""
        task_type = self._task_types.get(task.type)
        if task_type is None or repetition_of(task_type, task.configuration) is not Repetition.NEITHER:
            return False
        if task.after_unknown_outcome is None:
            return not task_type.repeats_when_unknown
        return task.after_unknown_outcome == "stop"

    async def try_once(
        self, task: Task, event: EventData, sources: tuple[Source, ...], *, run: Caller, failed_before: int
    ) -> Tried:
        """Carry the task out once.

        Raises:
            Exception: one of ``OWN_DATABASE_AWAY``, as our own database went away.
        """
        started_at = datetime.now(UTC)
        given: object = task.configuration
        with recorded_exchanges() as exchanges:
            try:
                task_type = installed(self._task_types, task.type)
                configuration = configure(task_type, task.configuration, sources)
                given = msgspec.to_builtins(configuration)
                call: TaskCall[Any] = TaskCall(
                    run_key=run.key,
                    task_id=task.id,
                    attempt=failed_before + 1,
                    configuration=configuration,
                    fields=event.fields,
                    survey_response=event.survey_response,
                    workflow_id=run.workflow_id,
                    brakes=run.brakes,
                    run_id=run.id,
                    run_started_at=run.started_at,
                )
                move = after_result(await task_type.run(call))
            except OWN_DATABASE_AWAY:
                raise
            except Outcome as outcome:
                move = self._after(outcome, task, failed_before)
            except Exception:
                log.exception("task_fault", task=task.id, type=task.type)
                move = self._after(
                    Retry(FAULT, outcome_unknown=self.stops_when_unknown(task)), task, failed_before
                )
        return Tried(move, given, exchanges, started_at, datetime.now(UTC))

    def _after(self, outcome: Outcome, task: Task, failed_before: int) -> Move:
        return after_outcome(
            outcome,
            failed_before,
            stop_when_unknown=self.stops_when_unknown(task),
            scale=self._retry_time_scale,
        )
