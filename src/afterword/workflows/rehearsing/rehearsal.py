"""Rehearse: what a workflow would do with an event, and what it did the last time. Nothing is written, sent or changed.

A rehearsal is a run that never was: it has a key of its own, so that it shows what a new run would send. Which tasks
are carried out is decided where the engine decides it (``readiness.py``); in place of ``run`` each task type's ``plan``
is called, and what it would put out is given to the tasks after it.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import msgspec
import structlog

from afterword.outcomes import Outcome, Permanent, Reason, Retry, Skip
from afterword.pages.wording import date_and_time
from afterword.piped_text import Source
from afterword.sending.brakes import Brakes
from afterword.sending.pausing import current_pause
from afterword.store.database import OWN_DATABASE_AWAY, Database
from afterword.tasks.contract import AnyTaskType, Plan, TaskCall
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.conditions import Evaluation, evaluate
from afterword.workflows.definitions import Definition, Event, Task
from afterword.workflows.rehearsing.rehearsed_before import LastRun, TaskLastTime, last_run
from afterword.workflows.running.attempts import FAULT
from afterword.workflows.running.engine import CONDITIONS_NOT_MET
from afterword.workflows.running.moves import End
from afterword.workflows.running.readiness import why_not_run
from afterword.workflows.starting.matching import is_of_its_kind
from afterword.workflows.starting.starters import origin_of
from afterword.workflows.values.configuration import configure, installed
from afterword.workflows.values.event_data import EventData, ResponseReader, read_event

log = structlog.get_logger()

PLAN_WITHIN_SECONDS = 20.0

Verdict = Literal[
    "would be done",
    "was done before",
    "would be skipped",
    "would be tried again",
    "would fail",
    "would not run",
]

OF_EACH_RUN = frozenset({"messageId"})
"""What each run makes anew; that it differs says nothing."""

TOO_SLOW = Reason(
    "rehearsal-too-slow", N_("what the task would do could not be found out in time; try again")
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A value that would be sent, beside what the last run sent; ``None`` where there is none."""

    name: str
    now: str | None
    before: str | None

    @property
    def differs(self) -> bool:
        """Whether something else would be sent than the last time."""
        return self.now != self.before


class TaskRehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a task would do. ``given`` is its configuration with piped text filled in.

    ``lines`` hold what it would send against what it sent in the last run (``before``); without a last run they tell
    the former alone. ``differs`` names the lines that differ, when there is something to hold them against.
    """

    id: str
    type: str
    label: str
    verdict: Verdict
    reason_code: str | None = None
    reason: str | None = None
    reason_values: Mapping[str, str] = {}
    evaluation: Evaluation | None = None
    given: Mapping[str, Any] = {}
    sends: Mapping[str, str] = {}
    output: Mapping[str, object] = {}
    before: TaskLastTime | None = None
    lines: tuple[Line, ...] = ()
    differs: tuple[str, ...] = ()


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a workflow would do with an event. ``starts`` tells whether it would begin at all.

    ``notes`` are what is odd about the event, as that it came from elsewhere than what the workflow starts with.
    """

    workflow_id: str | None
    event_id: int | None
    starts: bool
    reason_code: str | None = None
    reason: str | None = None
    fields: Mapping[str, str] = {}
    evaluation: Evaluation | None = None
    tasks: tuple[TaskRehearsal, ...] = ()
    last_run: LastRun | None = None
    notes: tuple[str, ...] = ()


class PastEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to rehearse with: one that came (``id``, ``origin``, ``type``), or a body that somebody made up."""

    body: str
    id: int | None = None
    origin: str | None = None
    type: str | None = None


async def rehearse(
    database: Database,
    task_types: Mapping[str, AnyTaskType],
    definition: Definition,
    event: PastEvent,
    *,
    workflow_id: str | None = None,
    responses: ResponseReader | None = None,
) -> Rehearsal:
    """Go through a definition, saved or not, with an event, and change nothing anywhere.

    ``workflow_id`` is the workflow whose last run it is held against, ``None`` for none.
    """
    reader = database.read_only()
    before = None if workflow_id is None else await last_run(reader, workflow_id, event.id)
    made = Rehearsal(
        workflow_id=workflow_id,
        event_id=event.id,
        starts=False,
        last_run=before,
        notes=(*_notes(workflow_id, definition.event, event), *await _brakes(reader, definition.brakes)),
    )
    try:
        data = await read_event(reader, definition.event, event.body, responses=responses)
    except (Outcome, ValueError) as error:
        reason = error.reason if isinstance(error, Outcome) else Reason("event-unusable", str(error))
        return msgspec.structs.replace(made, reason_code=reason.code, reason=reason.words)
    going = _Going(task_types, definition, data, before, workflow_id)
    made = msgspec.structs.replace(made, fields=data.fields)
    if definition.conditions is not None:
        evaluation = evaluate(definition.conditions, going.sources(0))
        made = msgspec.structs.replace(made, evaluation=evaluation)
        if not evaluation.holds:
            return msgspec.structs.replace(
                made,
                reason_code=CONDITIONS_NOT_MET.code,
                reason=CONDITIONS_NOT_MET.words,
                tasks=tuple(going.not_run(task, CONDITIONS_NOT_MET) for task in definition.tasks),
            )
    tasks = [await going.through(position) for position in range(len(definition.tasks))]
    return msgspec.structs.replace(made, starts=True, tasks=tuple(tasks))


class _Going:
    """Goes through the tasks in order; what one would put out, and how it would end, is known to the next."""

    def __init__(
        self,
        task_types: Mapping[str, AnyTaskType],
        definition: Definition,
        event: EventData,
        before: LastRun | None,
        workflow_id: str | None,
    ) -> None:
        self._task_types = task_types
        self._definition = definition
        self._event = event
        self._workflow_id = workflow_id
        self._before = {} if before is None else {task.id: task for task in before.tasks}
        self._key = str(uuid4())
        self._now = datetime.now(UTC)
        self._outputs: dict[str, Mapping[str, object]] = {}
        self._ends: dict[str, End] = {}

    def sources(self, position: int) -> tuple[Source, ...]:
        """What piped text can ask for at a task."""
        earlier = [task.id for task in self._definition.tasks[:position]]
        return self._event.sources_at(earlier, self._outputs, now=self._now, seed=self._key)

    async def through(self, position: int) -> TaskRehearsal:
        """Rehearse one task."""
        task = self._definition.tasks[position]
        sources = self.sources(position)
        hindered, evaluation = why_not_run(task, self._definition, self._ends, sources)
        if hindered is not None:
            return self.not_run(task, hindered, evaluation)
        given: Mapping[str, Any] = {}
        try:
            task_type = installed(self._task_types, task.type)
            configuration = configure(task_type, task.configuration, sources)
            given = msgspec.to_builtins(configuration)
            plan = await self._plan(task, task_type, configuration)
        except Outcome as outcome:
            return self._ended(task, outcome, given, evaluation)
        self._outputs[task.id] = plan.output
        before = self._before.get(task.id)
        lines = _lines(plan.sends, before)
        return TaskRehearsal(
            id=task.id,
            type=task.type,
            label=task.label or task.type,
            verdict="was done before" if plan.repeats else "would be done",
            reason_code=None if plan.waits is None else plan.waits.code,
            reason=None if plan.waits is None else plan.waits.words,
            evaluation=evaluation,
            given=given,
            sends=plan.sends,
            output=plan.output,
            before=before,
            lines=lines,
            differs=_differing(lines, before),
        )

    def not_run(self, task: Task, reason: Reason, evaluation: Evaluation | None = None) -> TaskRehearsal:
        """A task whose turn would not come."""
        self._ends[task.id] = End("not run", reason.code, reason.words)
        return self._without_plan(task, "would not run", reason, {}, evaluation)

    def _ended(
        self, task: Task, outcome: Outcome, given: Mapping[str, Any], evaluation: Evaluation | None
    ) -> TaskRehearsal:
        verdict: Verdict = "would fail"
        if isinstance(outcome, Skip):
            verdict = "would be skipped"
        elif isinstance(outcome, Retry):
            verdict = "would be tried again"
        reason = outcome.reason
        self._ends[task.id] = End(
            "failed" if verdict == "would fail" else "skipped", reason.code, reason.words
        )
        return self._without_plan(task, verdict, reason, given, evaluation)

    def _without_plan(
        self,
        task: Task,
        verdict: Verdict,
        reason: Reason,
        given: Mapping[str, Any],
        evaluation: Evaluation | None,
    ) -> TaskRehearsal:
        before = self._before.get(task.id)
        return TaskRehearsal(
            id=task.id,
            type=task.type,
            label=task.label or task.type,
            verdict=verdict,
            reason_code=reason.code,
            reason=reason.words,
            reason_values=reason.values,
            evaluation=evaluation,
            given=given,
            before=before,
            lines=_lines({}, before),
        )

    async def _plan(self, task: Task, task_type: AnyTaskType, configuration: msgspec.Struct) -> Plan:
        call: TaskCall[Any] = TaskCall(
            run_key=self._key,
            task_id=task.id,
            attempt=1,
            configuration=configuration,
            fields=self._event.fields,
            survey_response=self._event.survey_response,
            workflow_id=self._workflow_id,
            brakes=self._definition.brakes,
        )
        try:
            async with asyncio.timeout(PLAN_WITHIN_SECONDS):
                return await task_type.plan(call)
        except TimeoutError:
            raise Retry(TOO_SLOW) from None
        except (Outcome, *OWN_DATABASE_AWAY):
            raise
        except Exception as error:
            log.exception("plan_fault", task=task.id, type=task.type)
            raise Permanent(FAULT) from error


def _lines(sends: Mapping[str, str], before: TaskLastTime | None) -> tuple[Line, ...]:
    """What would be sent and what was, by name, in the order of what would be."""
    sent = {} if before is None else {name: str(value) for name, value in before.sent.items()}
    return tuple(
        Line(name=name, now=sends.get(name), before=sent.get(name)) for name in dict.fromkeys([*sends, *sent])
    )


def _differing(lines: tuple[Line, ...], before: TaskLastTime | None) -> tuple[str, ...]:
    """The lines that differ, where there is something to hold them against."""
    if before is None or not before.sent:
        return ()
    return tuple(line.name for line in lines if line.differs and line.name not in OF_EACH_RUN)


async def _brakes(database: Database, brakes: Brakes) -> tuple[str, ...]:
    """What keeps customers from being written to now, beside what the tasks themselves say."""
    async with database.transaction() as connection:
        paused = await current_pause(connection)
    told = []
    if paused is not None:
        since = f"{date_and_time(paused.since.astimezone(UTC))} UTC"
        told.append(
            _(
                "All sending is paused since %(since)s: a real run would wait until it is resumed.",
                since=since,
            )
        )
    if brakes.in_test:
        told.append(_in_test(brakes))
    return tuple(told)


def _in_test(brakes: Brakes) -> str:
    if not brakes.allowed:
        return _("The Workflow is in test: it writes to nobody.")
    return _("The Workflow is in test: it writes to %(allowed)s alone.", allowed=", ".join(brakes.allowed))


def _notes(workflow_id: str | None, wanted: Event, event: PastEvent) -> tuple[str, ...]:
    if event.origin is None:
        return ()
    if event.origin != origin_of(workflow_id or "", wanted):
        return (_("This event came from elsewhere; a real one of its kind would not start this Workflow."),)
    if not is_of_its_kind(wanted, event.type or ""):
        return (_("The Workflow does not start with events of this type."),)
    return ()
