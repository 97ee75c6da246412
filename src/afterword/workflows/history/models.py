"""What run history tells; every struct is written as JSON as it stands."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from afterword.events.models import FoundIn, how_found
from afterword.outgoing.exchanges import Exchange
from afterword.workflows.conditions import Evaluation
from afterword.workflows.history.concerned import Customer
from afterword.workflows.running.moves import AttemptStatus, RunStatus

EventStatus = Literal["received", "matched", "ignored", "redelivered"]
TaskStatus = Literal[
    "succeeded", "skipped", "failed", "not run", "waiting", "running", "cancelled", "not reached"
]


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line.

    ``workflow`` is the workflow's name, ``tasks`` how many tasks it has: ``None`` when it was deleted. ``waiting_for``
    names what has to change before a held run goes on: ``account/GA_…``, ``workflow/OC_…``. ``replays`` is how often it
    began again.
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
    waiting_for: str | None
    held_since: datetime | None
    problem_id: int | None
    replays: int


class EventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An event in one line, with the runs that it started.

    ``found_in`` names the record of Gladly's in which it was found, where it did not come by webhook; ``backfill_id``
    is the backfill that did so.
    """

    id: int
    type: str
    origin: str
    status: EventStatus
    reason_code: str | None
    reason: str | None
    redelivery_of: int | None
    found_in: FoundIn | None
    backfill_id: int | None
    customer: Customer
    conversation_id: str
    received_at: datetime
    occurred_at: datetime | None
    run_ids: tuple[int, ...]

    @property
    def how_found(self) -> str:
        """How it was found, in words; empty for one that was delivered."""
        return how_found(self.found_in, self.backfill_id)


class AttemptHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a task: what it was given, what it gave, what it sent out, and each call that it made.

    ``replay`` counts how often the run had begun again by then; ``evaluation`` is how the task's conditions came out.
    """

    attempt: int
    replay: int
    status: AttemptStatus
    reason_code: str | None
    reason: str | None
    reason_values: dict[str, Any]
    evaluation: Evaluation | None
    started_at: datetime
    duration_seconds: float
    input: dict[str, Any]
    output: dict[str, Any]
    sent: dict[str, Any]
    exchanges: tuple[Exchange, ...]


class TaskHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a run. ``id``, ``type`` and ``label`` are unknown when the workflow was deleted."""

    position: int
    id: str | None
    type: str | None
    label: str | None
    status: TaskStatus
    attempts: tuple[AttemptHistory, ...]


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """The event that started a run, with its body as it was received; ``found_in`` as in :class:`EventSummary`."""

    id: int
    type: str
    origin: str
    found_in: FoundIn | None
    backfill_id: int | None
    received_at: datetime
    occurred_at: datetime | None
    body: str

    @property
    def how_found(self) -> str:
        """How it was found, in words; empty for one that was delivered."""
        return how_found(self.found_in, self.backfill_id)


class RunHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of one run; its tasks stand in the workflow's order.

    ``evaluation`` is how the workflow's conditions came out, ``None`` where it has none. ``in_test`` tells that the
    revision that it began with writes to its allow-list alone.
    """

    run: RunSummary
    reason_values: dict[str, Any]
    evaluation: Evaluation | None
    event: EventTold | None
    tasks: tuple[TaskHistory, ...]
    in_test: bool = False


class RunFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs; what is ``None`` or empty does not matter, all the rest has to be true at once.

    ``started_from`` is counted in, ``started_until`` is not. ``event_type`` is the vendor's word, as events have it. A
    survey's runs are those of the workflows that belong to it, start with it or send it. ``revision`` is one of
    ``workflow_id``'s. ``search`` is what somebody typed (see ``search_words.py``).
    """

    statuses: tuple[RunStatus, ...] = ()
    workflow_id: str | None = None
    revision: int | None = None
    customer_id: str | None = None
    conversation_id: str | None = None
    reason_code: str | None = None
    event_type: str | None = None
    survey_id: str | None = None
    event_id: int | None = None
    problem_id: int | None = None
    started_from: datetime | None = None
    started_until: datetime | None = None
    search: str = ""


class EventFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which events; ``statuses`` is empty for all."""

    statuses: tuple[EventStatus, ...] = ()
    reason_code: str | None = None


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. ``next_before`` is to be given as ``before_id`` for the page after; ``None`` at the end.

    A page may have fewer runs than asked for, or none, and yet not be the last: it was looked so far, and no further,
    so that every page is answered at once.
    """

    runs: tuple[RunSummary, ...]
    next_before: int | None


class EventPage(msgspec.Struct, frozen=True):
    """Events, newest first, and where the next page begins, as in :class:`RunPage`."""

    events: tuple[EventSummary, ...]
    next_before: int | None


class Named(msgspec.Struct, frozen=True):
    """A workflow or a survey to choose from."""

    id: str
    name: str


ALL_RUNS = RunFilters()
ALL_EVENTS = EventFilters()
