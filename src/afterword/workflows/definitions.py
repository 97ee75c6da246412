"""What a workflow says: the event that starts it, conditions, and its tasks in order."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from afterword.events.models import ResponseKind
from afterword.sending.brakes import NO_BRAKES, Brakes
from afterword.workflows.conditions import Group


class ConversationClosed(msgspec.Struct, frozen=True, tag="gladly-conversation-closed", tag_field="type"):
    """A Conversation of this connected Gladly account was closed."""

    account: str


class JsonField(msgspec.Struct, frozen=True):
    """A JSON field: a name and where its value stands in the event, as a JSONPath."""

    name: str
    path: str


class JsonEvent(msgspec.Struct, frozen=True, tag="json-event", tag_field="type"):
    """A JSON event arrived at this endpoint."""

    endpoint: str
    fields: tuple[JsonField, ...] = ()


class SurveyResponse(msgspec.Struct, frozen=True, tag="survey-response", tag_field="type"):
    """A Response to this Survey was recorded.

    ``account`` is the connected Qualtrics account that the Survey is in; without one it is a Survey of our own.
    ``kinds`` are the boxes that are ticked.
    """

    survey: str
    account: str | None = None
    kinds: tuple[ResponseKind, ...] = ("created",)


class Schedule(msgspec.Struct, frozen=True, tag="schedule", tag_field="type"):
    """A time came: ``cron`` (five fields) on the clocks of ``time_zone`` (an IANA name)."""

    cron: str
    time_zone: str = "UTC"


Event = ConversationClosed | JsonEvent | SurveyResponse | Schedule

OnFailure = Literal["continue", "stop-dependents"]
AfterUnknownOutcome = Literal["do-again", "stop"]


class Task(msgspec.Struct, frozen=True):
    """A task of a workflow: its type and that type's configuration, as saved.

    ``on_failure``: whether the tasks that need this one's output are carried out all the same when it failed, its
    output being empty. ``after_unknown_outcome``: what happens when nobody knows whether the other side did it, for
    types whose repetition is *neither*; ``None`` is the type's own default.
    """

    id: str
    type: str
    label: Annotated[str, Meta(max_length=200)]
    configuration: dict[str, Any] = {}
    conditions: Group | None = None
    on_failure: OnFailure = "continue"
    after_unknown_outcome: AfterUnknownOutcome | None = None


class Definition(msgspec.Struct, frozen=True):
    """What a revision of a workflow says."""

    event: Event
    tasks: tuple[Task, ...]
    conditions: Group | None = None
    brakes: Brakes = NO_BRAKES
