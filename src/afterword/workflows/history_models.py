"""What run history tells; every struct is written as JSON as it stands."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from afterword.workflows.concerned import Customer
from afterword.workflows.moves import AttemptStatus, RunStatus

EventStatus = Literal["received", "matched", "ignored", "redelivered"]
TaskStatus = Literal["succeeded", "skipped", "failed", "waiting", "running", "not reached"]


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line.

    ``workflow`` is the workflow's name, ``tasks`` how many tasks it has: ``None`` when it was deleted.
    """

    id: int
    workflow_id: str
    workflow: str | None
    revision: int
    status: RunStatus
    reason_code: str | None
    reason: str | None
    event_id: int
    event_type: str | None
    event_origin: str | None
    customer: Customer
    conversation_id: str
    started_at: datetime
    finished_at: datetime | None
    due_at: datetime | None
    duration_seconds: float | None
    tasks_done: int
    tasks: int | None


class EventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An event in one line, with the runs that it started."""

    id: int
    type: str
    origin: str
    status: EventStatus
    reason_code: str | None
    reason: str | None
    redelivery_of: int | None
    customer: Customer
    conversation_id: str
    received_at: datetime
    occurred_at: datetime | None
    run_ids: tuple[int, ...]


class AttemptHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a task: what it was given, what it gave, and what it sent out."""

    attempt: int
    status: AttemptStatus
    reason_code: str | None
    reason: str | None
    started_at: datetime
    duration_seconds: float
    input: dict[str, Any]
    output: dict[str, Any]
    sent: dict[str, Any]


class TaskHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a run. ``id``, ``type`` and ``label`` are unknown when the workflow was deleted."""

    position: int
    id: str | None
    type: str | None
    label: str | None
    status: TaskStatus
    attempts: tuple[AttemptHistory, ...]


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """The event that started a run, with its body as it was received."""

    id: int
    type: str
    origin: str
    received_at: datetime
    occurred_at: datetime | None
    body: str


class RunHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of one run; its tasks stand in the workflow's order."""

    run: RunSummary
    event: EventTold | None
    tasks: tuple[TaskHistory, ...]


class RunFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs; what is ``None`` does not matter."""

    status: RunStatus | None = None
    workflow_id: str | None = None
    conversation_id: str | None = None


class EventFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which events; ``statuses`` is empty for all."""

    statuses: tuple[EventStatus, ...] = ()


class WorkflowName(msgspec.Struct, frozen=True):
    """A workflow to choose from."""

    id: str
    name: str


ALL_RUNS = RunFilters()
ALL_EVENTS = EventFilters()
