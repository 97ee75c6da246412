"""What a task type is: all that the engine knows of tasks, and all that a new one has to be.

A task type is a class with the attributes of :class:`TaskType`, made known by an entry point of the group
``afterword.task_types``; nothing else lists it. Its configuration is a typed model from which the web form, the
config file and the docs are made. Fields marked with :class:`Piped` hold piped text, which the engine fills in before
the task sees it.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec


class Repetition(enum.Enum):
    """What it means when a task is done again because nobody knows whether it was done."""

    IDEMPOTENT = "idempotent"
    """Same key, same effect: the second time changes nothing."""
    LOOKED_UP = "can be looked up"
    """The task finds out whether it was done before it does it."""
    NEITHER = "neither"
    """The other side may do it twice."""


class Piped(msgspec.Struct, frozen=True):
    """Marks a configuration field that holds piped text, filled in by the engine."""


Configuration = TypeVar("Configuration", bound=msgspec.Struct)


class TaskCall(msgspec.Struct, Generic[Configuration], frozen=True, kw_only=True):
    """One call of a task: its configuration with piped text filled in, and the event that started the run.

    ``fields`` are the event's, by name; ``survey_response_id`` is set when a survey response started the run.
    """

    run_key: str
    task_id: str
    attempt: int
    configuration: Configuration
    fields: Mapping[str, str]
    survey_response_id: str | None = None

    @property
    def key(self) -> str:
        """The same for every attempt of this task in this run, and for no other, anywhere.

        It does not hang on the run's number: two installations, or one that was restored from a backup, count alike.
        """
        return f"{self.run_key}/{self.task_id}"


class Done(msgspec.Struct, frozen=True):
    """The task is finished. ``output`` is for later tasks and the run history; ``sent`` is for the run history."""

    output: Mapping[str, str] = {}
    sent: Mapping[str, str] = {}


class Wait(msgspec.Struct, frozen=True):
    """Nothing more to do before ``until``; then the task is called again."""

    until: datetime
    code: str
    words: str


class TaskType(Protocol[Configuration]):
    """A task type. It is made once in each process, with the worker's :class:`~afterword.tasks.services.Services`."""

    @property
    def name(self) -> str:
        """What definitions call it; stable, lower case with hyphens."""

    @property
    def label(self) -> str:
        """What people call it, in the vendors' words."""

    @property
    def repetition(self) -> Repetition:
        """What doing it twice means."""

    @property
    def configuration(self) -> type[Configuration]:
        """The typed model of its configuration."""

    async def run(self, call: TaskCall[Configuration]) -> Done | Wait:
        """Do it.

        Raises:
            Retry, Permanent, Skip: as ``afterword.outcomes`` says; anything else is a fault of the task type, which
                is tried again like a :class:`~afterword.outcomes.Retry`.
        """


AnyTaskType = TaskType[Any]
"""A task type whose configuration the holder does not know; the engine makes it from the type's own model."""
