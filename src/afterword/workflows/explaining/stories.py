"""What was gathered made into stories: one for each conversation, one for each event that belongs to none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from afterword.events.models import response_of_key
from afterword.gladly.webhooks import CONVERSATION_REOPENED
from afterword.surveys.definitions import ScoreQuestion, SurveyDefinition
from afterword.translating import gettext as _
from afterword.workflows.conditions import Evaluation
from afterword.workflows.definitions import Task
from afterword.workflows.explaining.gathering import Gathered
from afterword.workflows.explaining.models import (
    AnswerTold,
    AttemptTold,
    EventTold,
    InvitationTold,
    PassedBy,
    ResponseTold,
    RunTold,
    TaskTold,
)
from afterword.workflows.history.concerned import Concerned, Customer, concerned, named_by
from afterword.workflows.saving.listing import DELETED


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A story's parts, before it is told in words; ``key`` is the conversation's id, or names the event."""

    key: str
    conversation_id: str | None
    customer: Customer
    events: tuple[EventTold, ...]
    invitations: tuple[InvitationTold, ...]
    responses: tuple[ResponseTold, ...]

    @property
    def runs(self) -> tuple[RunTold, ...]:
        """Every run, in order of its start."""
        return tuple(sorted((run for event in self.events for run in event.runs), key=lambda run: run.id))


def materials(gathered: Gathered, passed: Mapping[int, tuple[PassedBy, ...]]) -> list[Material]:
    """The stories, those with the newest event first. ``passed`` tells by event which workflows it did not start."""
    keys: dict[str, list[RowMapping]] = {}
    for event_id in sorted(gathered.events):
        keys.setdefault(gathered.story_of[event_id], []).append(gathered.events[event_id])
    invitations: dict[str, list[RowMapping]] = {}
    for row in gathered.invitations.values():
        invitations.setdefault(gathered.story_of_invitation(row["id"]), []).append(row)
    told = [
        _material(gathered, key, keys.get(key, []), invitations.get(key, []), passed)
        for key in keys.keys() | invitations.keys()
    ]
    return sorted(told, key=_last_id, reverse=True)


def _last_id(material: Material) -> int:
    return max((event.id for event in material.events), default=0)


def _material(
    gathered: Gathered,
    key: str,
    events: list[RowMapping],
    invitations: list[RowMapping],
    passed: Mapping[int, tuple[PassedBy, ...]],
) -> Material:
    about = _about(gathered, events)
    is_conversation = not key.startswith(("event ", "invitation "))
    ids = {row["id"] for row in invitations}
    response_ids = {response_of(row) for row in events} | {
        row["id"] for row in gathered.responses.values() if row["invitation_id"] in ids
    }
    return Material(
        key=key,
        conversation_id=key if is_conversation else about.conversation_id or None,
        customer=_named(about.customer, invitations),
        events=tuple(_event(gathered, row, passed.get(row["id"], ())) for row in events),
        invitations=tuple(_invitation(gathered, row) for row in invitations),
        responses=tuple(
            _response(gathered, row) for row in gathered.responses.values() if row["id"] in response_ids
        ),
    )


def _about(gathered: Gathered, events: list[RowMapping]) -> Concerned:
    """Whom the events are about: what the first tells, with the name that a task found out."""
    found = Concerned()
    for row in events:
        told = concerned(row["origin"], row["body"])
        customer = told.customer
        if customer.id and (not found.customer.id or (customer.name and not found.customer.name)):
            found = Concerned(customer, told.conversation_id or found.conversation_id)
    for run in gathered.runs.values():
        if any(run["event_id"] == row["id"] for row in events):
            found = named_by(run["outputs"], found)
    return found


def _named(customer: Customer, invitations: list[RowMapping]) -> Customer:
    if customer.email or not invitations:
        return customer
    row = invitations[-1]
    name = f"{row['first_name']} {row['last_name']}".strip()
    return Customer(customer.id, customer.name or name, row["email"])


def response_of(event: RowMapping) -> str | None:
    """The id of the response that an event tells of: its deduplication key."""
    if not str(event["origin"]).startswith(("survey/", "qualtrics/")) or not event["deduplication_key"]:
        return None
    return response_of_key(event["deduplication_key"])


def _event(gathered: Gathered, row: RowMapping, passed: tuple[PassedBy, ...]) -> EventTold:
    runs = sorted(
        (run for run in gathered.runs.values() if run["event_id"] == row["id"]), key=lambda run: run["id"]
    )
    return EventTold(
        id=row["id"],
        type=row["type"],
        origin=row["origin"],
        source=_source(gathered, row["origin"]),
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        redelivery_of=row["redelivery_of"],
        found_in=row["found_in"],
        backfill_id=row["backfill_id"],
        occurred_at=row["occurred_at"],
        received_at=row["received_at"],
        response_id=response_of(row),
        runs=tuple(_run(gathered, run) for run in runs),
        passed_by=passed,
    )


def _source(gathered: Gathered, origin: str) -> str:
    """What an origin is called: the account, the workflow of the endpoint, the survey."""
    kind, _slash, rest = origin.partition("/")
    last = rest.rpartition("/")[2]
    match kind:
        case "gladly":
            return gathered.accounts.get(rest, rest)
        case "json-event" | "schedule":
            return str(gathered.workflows[rest]["name"]) if rest in gathered.workflows else rest
        case _:
            return str(gathered.surveys[last]["name"]) if last in gathered.surveys else last


def _run(gathered: Gathered, row: RowMapping) -> RunTold:
    definition = gathered.definitions.get((row["workflow_id"], row["revision"]))
    workflow = gathered.workflows.get(row["workflow_id"])
    attempts = gathered.attempts.get(row["id"], [])
    tasks: Mapping[int, Task] = {} if definition is None else dict(enumerate(definition.tasks))
    positions = sorted(tasks.keys() | {attempt["position"] for attempt in attempts})
    kept = ("id", "workflow_id", "revision", "status", "reason_code", "started_at", "finished_at", "due_at")
    held = ("waiting_for", "held_since", "position", "attempt", "replays")
    return RunTold(
        **{name: row[name] for name in (*kept, *held)},
        workflow=workflow["name"] if workflow is not None else DELETED,
        reason=row["reason_words"],
        evaluation=_evaluation(row["evaluation"]),
        waiting_for_name=_waiting_for(gathered, row["waiting_for"]),
        tasks=tuple(
            _task(
                row, position, tasks.get(position), [one for one in attempts if one["position"] == position]
            )
            for position in positions
        ),
    )


def _task(run: RowMapping, position: int, task: Task | None, attempts: list[RowMapping]) -> TaskTold:
    status = attempts[-1]["status"] if attempts else "not reached"
    if not attempts and run["finished_at"] is None and position == run["position"]:
        status = run["status"]
    return TaskTold(
        position=position,
        id=task.id if task else None,
        type=task.type if task else None,
        label=(task.label or task.type) if task else _("Task %(number)s", number=position + 1),
        status=status,
        attempts=tuple(_attempt(one) for one in attempts),
    )


def _attempt(row: RowMapping) -> AttemptTold:
    output: dict[str, Any] = dict(row["output"])
    sent = output.pop("sent", {})
    return AttemptTold(
        attempt=row["attempt"],
        replay=row["replay"],
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        sent=sent,
        output=output,
        evaluation=_evaluation(row["evaluation"]),
    )


def _evaluation(stored: object) -> Evaluation | None:
    return msgspec.convert(stored, Evaluation) if stored else None


def _waiting_for(gathered: Gathered, waiting_for: str | None) -> str | None:
    """What a run waits for, by name."""
    kind, _slash, id_ = (waiting_for or "").partition("/")
    if kind == "account":
        return gathered.accounts.get(id_, id_)
    if kind == "workflow":
        return str(gathered.workflows[id_]["name"]) if id_ in gathered.workflows else DELETED
    return id_ or None


def _invitation(gathered: Gathered, row: RowMapping) -> InvitationTold:
    contact = gathered.contacts.get(row["contact_id"])
    answered = next(
        (one["id"] for one in gathered.responses.values() if one["invitation_id"] == row["id"]), None
    )
    kept = ("id", "survey_id", "email", "created_at", "send_at", "sent_at", "expires_at")
    return InvitationTold(
        **{name: row[name] for name in kept},
        run_id=gathered.run_of_invitation.get(row["id"]),
        survey=_survey_name(gathered, row["survey_id"]),
        opted_out_at=contact["opted_out_at"] if contact is not None else None,
        response_id=answered,
        cancelled_at=None if answered else _cancelled_at(gathered, row),
    )


def _cancelled_at(gathered: Gathered, invitation: RowMapping) -> datetime | None:
    """When a reopening cancelled an invitation that was sent; one that was not sent shows in its run."""
    if invitation["when_reopened"] != "cancel-if-not-answered" or invitation["sent_at"] is None:
        return None
    since = invitation["closed_at"] or invitation["created_at"]
    return min(
        (
            event["occurred_at"]
            for event in gathered.events.values()
            if event["type"] == CONVERSATION_REOPENED
            and event["conversation_id"] == invitation["conversation_id"]
            and event["occurred_at"] > since
        ),
        default=None,
    )


def _survey_name(gathered: Gathered, survey_id: str) -> str:
    survey = gathered.surveys.get(survey_id)
    return survey_id if survey is None else str(survey["name"])


def _response(gathered: Gathered, row: RowMapping) -> ResponseTold:
    survey = gathered.surveys.get(row["survey_id"])
    definition = (
        None if survey is None else msgspec.convert(survey["definition"], SurveyDefinition, strict=False)
    )
    return ResponseTold(
        id=row["id"],
        survey_id=row["survey_id"],
        survey=_survey_name(gathered, row["survey_id"]),
        recorded_at=row["recorded_at"],
        answers=tuple(_answer(definition, name, value) for name, value in row["answers"].items()),
    )


def _answer(definition: SurveyDefinition | None, name: str, value: object) -> AnswerTold:
    """An answer in the survey's words: ``QID1`` is a choice's number, ``QID2_TEXT`` a text."""
    question = None if definition is None else definition.question(name.removesuffix("_TEXT"))
    if question is None:
        return AnswerTold(name, str(value))
    choice = (
        question.choice(value) if isinstance(question, ScoreQuestion) and isinstance(value, int) else None
    )
    return AnswerTold(question.text, f"{choice.recode} ({choice.text})" if choice else str(value))
