"""One run told whole: its tasks in the workflow's order, each with its attempts."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from afterword.outgoing.exchanges import Exchange
from afterword.workflows.conditions import Evaluation
from afterword.workflows.definitions import Definition, Task
from afterword.workflows.history.models import AttemptHistory, RunSummary, TaskHistory, TaskStatus
from afterword.workflows.running.moves import End

OPEN = frozenset({"running", "waiting"})


def tell_tasks(
    run: RunSummary,
    ends: Mapping[str, End],
    definition: Definition | None,
    attempts: Sequence[RowMapping],
) -> tuple[TaskHistory, ...]:
    """Each task of the run with its attempts; without a definition, those tasks that were attempted."""
    by_position: dict[int, list[AttemptHistory]] = {}
    for attempt in attempts:
        by_position.setdefault(attempt["position"], []).append(_attempt(attempt))
    count = max(by_position, default=-1) + 1 if definition is None else len(definition.tasks)
    return tuple(
        _task(
            run,
            ends,
            position,
            definition.tasks[position] if definition else None,
            by_position.get(position, []),
        )
        for position in range(count)
    )


def _task(
    run: RunSummary,
    ends: Mapping[str, End],
    position: int,
    task: Task | None,
    attempts: Sequence[AttemptHistory],
) -> TaskHistory:
    return TaskHistory(
        position=position,
        id=None if task is None else task.id,
        type=None if task is None else task.type,
        label=None if task is None else task.label,
        status=_status(run, ends, position, task, attempts),
        attempts=tuple(attempts),
    )


def _status(
    run: RunSummary,
    ends: Mapping[str, End],
    position: int,
    task: Task | None,
    attempts: Sequence[AttemptHistory],
) -> TaskStatus:
    if position < run.tasks_done:
        end = ends.get(task.id) if task else None
        last = attempts[-1].status if attempts else None
        if end is not None:
            return end.status
        return last if task is None and last in {"skipped", "failed", "not run"} else "succeeded"
    if position > run.tasks_done or (run.status not in OPEN and not attempts):
        return "not reached"
    return run.status


def _attempt(row: RowMapping) -> AttemptHistory:
    output: dict[str, Any] = dict(row["output"])
    sent = output.pop("sent", {})
    return AttemptHistory(
        attempt=row["attempt"],
        replay=row["replay"],
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        reason_values=row["reason_values"] or {},
        evaluation=read_evaluation(row["evaluation"]),
        started_at=row["started_at"],
        duration_seconds=(row["finished_at"] - row["started_at"]).total_seconds(),
        input=row["input"],
        output=output,
        sent=sent,
        exchanges=msgspec.convert(row["exchanges"] or (), tuple[Exchange, ...]),
    )


def read_evaluation(stored: object) -> Evaluation | None:
    """How conditions came out, as it is stored with a run or an attempt."""
    return None if stored is None else msgspec.convert(stored, Evaluation)
