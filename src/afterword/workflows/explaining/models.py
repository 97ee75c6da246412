"""What explain tells; every struct is written as JSON as it stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from afterword.events.models import FoundIn
from afterword.workflows.conditions import Evaluation
from afterword.workflows.history.concerned import Customer

Kind = Literal["conversation", "customer", "email", "response", "run", "event", "invitation", "nothing"]
Tone = Literal["good", "still", "warn", "bad", "busy"]
"""How a sentence is meant: it went well, it is as it should be, it waits, it went wrong, it is being worked on."""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, in words, at its time; ``run_id`` and ``event_id`` tell where to look closer."""

    at: datetime
    words: str
    tone: Tone = "still"
    details: tuple[str, ...] = ()
    run_id: int | None = None
    event_id: int | None = None


class PassedBy(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow that an event did not start, and why."""

    workflow_id: str
    workflow: str
    code: str
    words: str


class AttemptTold(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a task; ``sent`` is what went out with it. ``replay`` counts the replays of the run before it."""

    attempt: int
    replay: int
    status: str
    reason_code: str | None
    reason: str | None
    started_at: datetime
    finished_at: datetime
    sent: Mapping[str, object]
    output: Mapping[str, object]
    evaluation: Evaluation | None


class TaskTold(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a run; ``id``, ``type`` and ``label`` are unknown when the workflow's revision is gone."""

    position: int
    id: str | None
    type: str | None
    label: str
    status: str
    attempts: tuple[AttemptTold, ...]


class RunTold(msgspec.Struct, frozen=True, kw_only=True):
    """A run: a workflow that looked at an event, what it decided and what it did."""

    id: int
    workflow_id: str
    workflow: str
    revision: int
    status: str
    reason_code: str | None
    reason: str | None
    evaluation: Evaluation | None
    started_at: datetime
    finished_at: datetime | None
    due_at: datetime | None
    waiting_for: str | None
    waiting_for_name: str | None
    held_since: datetime | None
    position: int
    attempt: int
    replays: int
    tasks: tuple[TaskTold, ...]

    @property
    def is_open(self) -> bool:
        """Whether it goes on by itself, now or later."""
        return self.status in {"running", "waiting"}


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """An event, what came of it, and which workflows looked at it or did not.

    ``source`` names the account, endpoint or survey that it came from; ``response_id`` is set for a survey's response.
    ``found_in`` is the record of Gladly's that it was found in, where no webhook told it; ``backfill_id`` by whom.
    """

    id: int
    type: str
    origin: str
    source: str
    status: str
    reason_code: str | None
    reason: str | None
    redelivery_of: int | None
    found_in: FoundIn | None
    backfill_id: int | None
    occurred_at: datetime | None
    received_at: datetime
    response_id: str | None
    runs: tuple[RunTold, ...]
    passed_by: tuple[PassedBy, ...]


class AnswerTold(msgspec.Struct, frozen=True):
    """An answer of a response, as the survey words it."""

    question: str
    answer: str


class ResponseTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer answered."""

    id: str
    survey_id: str
    survey: str
    recorded_at: datetime
    answers: tuple[AnswerTold, ...]


class InvitationTold(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to answer a survey. ``opted_out_at`` is the contact's, whenever that was; ``cancelled_at`` is when
    a reopening cancelled it.

    Whether a mail was opened is not recorded.
    """

    id: str
    run_id: int | None
    survey_id: str
    survey: str
    email: str
    created_at: datetime
    send_at: datetime
    sent_at: datetime | None
    expires_at: datetime | None
    opted_out_at: datetime | None
    response_id: str | None
    cancelled_at: datetime | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened about one conversation; without one, about one event.

    ``answer`` says in a sentence whether the customer was asked, and why not. ``sentences`` tell it in order of time,
    ``upcoming`` what will happen next. ``is_cut`` tells that there is more than is told.
    """

    conversation_id: str | None
    customer: Customer
    answer: str
    tone: Tone
    last_at: datetime
    sentences: tuple[Sentence, ...]
    upcoming: tuple[str, ...]
    events: tuple[EventTold, ...]
    invitations: tuple[InvitationTold, ...]
    responses: tuple[ResponseTold, ...]
    is_cut: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to what was asked: stories, the newest first; ``advice`` when nothing was found.

    ``kind`` is what the words that were asked turned out to be. ``more`` tells that older conversations are left out.
    """

    asked: str
    kind: Kind
    stories: tuple[Story, ...] = ()
    more: bool = False
    advice: tuple[str, ...] = ()
