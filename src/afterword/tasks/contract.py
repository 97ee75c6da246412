"""What a task type is: all that the engine knows of tasks, and all that a new one has to be.

A task type is a class with the attributes of :class:`TaskType`, made known by an entry point of the group
``afterword.task_types``; nothing else lists it. Its configuration is a typed model from which the web form, the
config file and the docs are made: each field is ``Annotated`` with a ``msgspec.Meta`` that has its ``title`` (the label
in the form), ``description`` (a sentence of help) and, where one helps, ``examples``. Fields marked with
:class:`Piped` hold piped text, which the engine fills in before the task sees it.
"""

import enum
import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar, cast, runtime_checkable

import msgspec

from afterword.piped_text import Place
from afterword.sending.brakes import NO_BRAKES, Brakes, Writer


class Repetition(enum.Enum):
    """What it means when a task is done again because nobody knows whether it was done."""

    IDEMPOTENT = "idempotent"
    """Same key, same effect: the second time changes nothing."""
    LOOKED_UP = "can be looked up"
    """The task finds out whether it was done before it does it."""
    NEITHER = "neither"
    """The other side may do it twice."""


class Piped(msgspec.Struct, frozen=True):
    """Marks a configuration field that holds piped text: a text, or texts in a tuple or in the values of a mapping.

    Its values are made harmless for the place that the text goes to: ``into``, or what stands in the field of the same
    model that ``chosen_by`` names, as when a body is ``"json"`` or ``"form"`` by choice. The task gets it ready and
    escapes nothing itself.

    ``of`` tells whose values it is filled with. *run*: the event's and earlier tasks', by the engine, before the task
    sees it. *invitation*: the contact's and the links, by whoever makes the mail; the task gets it as it was written.
    """

    into: Place = "text"
    chosen_by: str | None = None
    of: Literal["run", "invitation"] = "run"


class EmbeddedDataName(msgspec.Struct, frozen=True):
    """Marks a configuration field that names Embedded Data which the task sends along: an invitation can ask for it."""


Configuration = TypeVar("Configuration", bound=msgspec.Struct)


class SurveyResponseState(msgspec.Struct, frozen=True, kw_only=True):
    """The Response that started a run, as it is when the task is called; its answers are filled into piped text.

    ``version`` grows with each change of it. ``is_finished``: nothing more is expected of the respondent;
    ``finished_at`` is when it counts as finished in any case, where that is known. ``recorded_at`` is when it first
    came. Before ``settles_at`` it may change without another event telling of it.
    """

    id: str
    version: int = 1
    is_finished: bool = True
    finished_at: datetime | None = None
    recorded_at: datetime | None = None
    settles_at: datetime | None = None


class TaskCall(msgspec.Struct, Generic[Configuration], frozen=True, kw_only=True):
    """One call of a task: its configuration with piped text filled in, and the event that started the run.

    ``fields`` are the event's, by name; ``survey_response`` is set when a survey response started the run.
    ``workflow_id`` is ``None`` for a definition that is not saved, ``brakes`` are those of the run's own revision.
    ``run_id`` says which run it is, for what a task writes down, and ``run_started_at`` when that began for the first
    time; both are ``None`` in a rehearsal.
    """

    run_key: str
    task_id: str
    attempt: int
    configuration: Configuration
    fields: Mapping[str, str]
    survey_response: SurveyResponseState | None = None
    workflow_id: str | None = None
    brakes: Brakes = NO_BRAKES
    run_id: int | None = None
    run_started_at: datetime | None = None

    @property
    def writer(self) -> Writer:
        """On whose behalf the task writes to customers."""
        return Writer(
            workflow_id=self.workflow_id, run_key=self.run_key, task_id=self.task_id, brakes=self.brakes
        )

    @property
    def survey_response_id(self) -> str | None:
        """The id of the Response that started the run."""
        return None if self.survey_response is None else self.survey_response.id

    @property
    def key(self) -> str:
        """The same for every attempt of this task in this run, and for no other, anywhere.

        It does not hang on the run's number: two installations, or one that was restored from a backup, count alike.
        """
        return f"{self.run_key}/{self.task_id}"


class Done(msgspec.Struct, frozen=True):
    """The task is finished.

    ``output``, a JSON object, is for later tasks (``~{ch://T-1/$.itemId}``) and the run history; ``sent``, what went
    out, is for the run history.
    """

    output: Mapping[str, object] = {}
    sent: Mapping[str, str] = {}


class Wait(msgspec.Struct, frozen=True):
    """Nothing more to do before ``until``; then the task is called again."""

    until: datetime
    code: str
    words: str


class Plan(msgspec.Struct, frozen=True):
    """What a task would do: a rehearsal's answer.

    ``sends`` is named as in :class:`Done`'s ``sent``, so that the two can be held side by side; ``output`` is what
    later tasks may go by, made up where only the other side can know. ``repeats`` tells that it was done before and
    would not be done again; ``waits``, that it would wait first.
    """

    sends: Mapping[str, str]
    output: Mapping[str, object] = {}
    repeats: bool = False
    waits: Wait | None = None


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
    def repeats_when_unknown(self) -> bool:
        """For *neither*: whether it is done again when nobody knows if it was done, where a workflow does not say."""

    @property
    def configuration(self) -> type[Configuration]:
        """The typed model of its configuration."""

    def outputs(self, configuration: Configuration, /) -> tuple[str, ...] | None:
        """The names at the top of its output, for the choice of piped text and its check; ``None`` when only the answer
        tells.
        """

    async def plan(self, call: TaskCall[Configuration], /) -> Plan:
        """Say what :meth:`run` would do, without doing it: nothing is written, sent or changed anywhere.

        It may read, at the vendor's too.

        Raises:
            Retry, Permanent, Skip: as :meth:`run` would.
        """

    async def run(self, call: TaskCall[Configuration], /) -> Done | Wait:
        """Do it.

        Raises:
            Retry, Permanent, Skip: as ``afterword.outcomes`` says; anything else is a fault of the task type, which
                is tried again like a :class:`~afterword.outcomes.Retry`.
        """


@runtime_checkable
class RepetitionByConfiguration(Protocol):
    """What a task type has besides, when what doing it twice means hangs on its configuration, as on a method."""

    def repetition_of(self, saved: Mapping[str, Any], /) -> Repetition:
        """What doing it twice means with this configuration, as it is saved."""


AnyTaskType = TaskType[Any]
"""A task type whose configuration the holder does not know; the engine makes it from the type's own model."""


def repetition_of(task_type: AnyTaskType, saved: Mapping[str, Any]) -> Repetition:
    """What doing a task of this type twice means, with this configuration as it is saved."""
    if _repeats_by_configuration(type(task_type)):
        return cast("RepetitionByConfiguration", task_type).repetition_of(saved)
    return task_type.repetition


@functools.cache
def _repeats_by_configuration(kind: type[object]) -> bool:
    """Asked before each task, and slow to tell: remembered."""
    return issubclass(kind, RepetitionByConfiguration)
