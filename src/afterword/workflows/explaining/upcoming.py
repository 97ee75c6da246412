"""What comes next, and whether the customer was asked: the two things that people want to know first. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from afterword.sending.checking import PAUSED
from afterword.workflows.explaining.models import EventTold, InvitationTold, RunTold, Tone
from afterword.workflows.explaining.stories import Material
from afterword.workflows.explaining.wording import list_of, moment, quoted, reasons
from afterword.workflows.running.retries import SCHEDULE

ATTEMPTS = len(SCHEDULE) + 1


def upcoming(material: Material, started_by_answers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What will happen next, or that nothing will. ``started_by_answers``: by survey, the workflows that are on."""
    told = [
        *(
            f"Event {event.id} waits in the inbox until a worker looks at it."
            for event in _in_inbox(material)
        ),
        *(words for run in material.runs if (words := _next_of_run(run))),
        *(words for one in material.invitations if (words := _next_of_invitation(one, started_by_answers))),
    ]
    return tuple(dict.fromkeys(told)) or ("Nothing more will happen by itself.",)


def _in_inbox(material: Material) -> list[EventTold]:
    return [event for event in material.events if event.status == "received"]


def _next_of_run(run: RunTold) -> str | None:
    name = f"Run {run.id} of {quoted(run.workflow)}"
    if run.status == "failed":
        return (
            f"{name} failed and does not go on by itself. When the cause is mended, replay it in run history."
        )
    if not run.is_open:
        return None
    if run.waiting_for is not None:
        since = f" since {moment(run.held_since)}" if run.held_since else ""
        return f"{name} waits{since} until {_changed(run)}; then it goes on by itself ({run.reason})."
    if run.status == "waiting" and run.due_at is not None:
        return f"{name} goes on {moment(run.due_at)}: {_due(run)}."
    return f"{name} is due now and goes on as soon as a worker takes it."


def _changed(run: RunTold) -> str:
    kind = (run.waiting_for or "").partition("/")[0]
    match kind:
        case "account":
            return f"the connected account {quoted(run.waiting_for_name)} can be used again"
        case "workflow":
            return f"the Workflow {quoted(run.waiting_for_name)} is turned on"
        case "sending" if run.waiting_for == PAUSED:
            return "sending is resumed"
        case "sending":
            return "somebody lets the held invitations of its Workflow go, or cancels them"
        case _:
            return f"{run.waiting_for_name or run.waiting_for} has changed"


def _due(run: RunTold) -> str:
    task = next((one for one in run.tasks if one.position == run.position), None)
    label = quoted(task.label) if task else "the next task"
    if run.attempt:
        return f"attempt {run.attempt + 1} of {ATTEMPTS} at {label} ({run.reason})"
    return f"{label} ({run.reason})" if run.reason else label


def _next_of_invitation(
    invitation: InvitationTold, started_by_answers: Mapping[str, Sequence[str]]
) -> str | None:
    if invitation.sent_at is None or invitation.response_id is not None:
        return None
    if invitation.cancelled_at is not None:
        return (
            "The link to the Survey can no longer be answered, as the Conversation was opened again "
            f"{moment(invitation.cancelled_at)}."
        )
    if invitation.expires_at is not None and invitation.expires_at <= datetime.now(UTC):
        return f"The link to the Survey ended {moment(invitation.expires_at)}; it can no longer be answered."
    until = f" until {moment(invitation.expires_at)}" if invitation.expires_at else ""
    names = started_by_answers.get(invitation.survey_id, ())
    then = (
        f"then {list_of(names)} will start"
        if names
        else "but nothing will be done with the answer: no Workflow that is on starts with it"
    )
    return f"If the Customer answers the Survey {quoted(invitation.survey)}{until}, {then}."


def whether_asked(material: Material) -> tuple[str, Tone]:
    """Whether the customer was asked and answered, or else why not."""
    if material.responses or any(event.response_id for event in material.events):
        return _answered(material)
    sent = [one for one in material.invitations if one.sent_at is not None]
    if sent:
        asked_at = max(one.sent_at for one in sent if one.sent_at is not None)
        cancelled_at = [one.cancelled_at for one in sent if one.cancelled_at is not None]
        if len(cancelled_at) == len(sent):
            words = (
                f"The Customer was asked {moment(asked_at)}, and had not answered when the Conversation was opened "
                f"again {moment(max(cancelled_at))}, which cancelled the invitation."
            )
            return words, "still"
        return f"The Customer was asked {moment(asked_at)}, and has not answered so far.", "good"
    open_runs = [run for run in material.runs if run.is_open]
    if open_runs or _in_inbox(material):
        why = reasons(run.reason for run in open_runs)
        return f"The Customer was not asked yet{f': {why}' if why else '; it is under way'}.", "busy"
    return _not_asked(material)


def _answered(material: Material) -> tuple[str, Tone]:
    at = min(
        [event.received_at for event in material.events if event.response_id]
        + [response.recorded_at for response in material.responses]
    )
    of_answers = [run for event in material.events if event.response_id for run in event.runs]
    told = f"The Customer answered {moment(at)}"
    bad = [run for run in of_answers if run.status == "failed"]
    if bad:
        return (
            f"{told}, but what was to be done with the answer failed: {reasons(run.reason for run in bad)}.",
            "bad",
        )
    if not of_answers:
        return f"{told}; no Workflow did anything with the answer.", "warn"
    if any(run.is_open for run in of_answers):
        return f"{told}; what is to be done with the answer is under way.", "busy"
    item = any(
        attempt.output.get("itemId") for run in of_answers for task in run.tasks for attempt in task.attempts
    )
    where = ", and the answer is on the Timeline in Gladly" if item else ""
    return f"{told}{where}.", "good"


def _not_asked(material: Material) -> tuple[str, Tone]:
    failed = [run for run in material.runs if run.status == "failed"]
    if failed:
        return f"The Customer was not asked: {reasons(run.reason for run in failed)}.", "bad"
    stopped = [run for run in material.runs if run.status in {"skipped", "cancelled"}]
    if stopped:
        return f"The Customer was not asked: {reasons(run.reason for run in stopped)}.", "still"
    ignored = [event for event in material.events if event.status == "ignored"]
    if not material.runs:
        return (
            f"The Customer was not asked: {reasons(event.reason for event in ignored) or 'nothing started'}.",
            "warn",
        )
    if ignored:
        why = reasons(event.reason for event in ignored)
        return f"The Customer was not asked: the event that was sent on started nothing, {why}.", "warn"
    words = "Every Workflow did what it says, and none of them sent a mail; what others did then cannot be seen here."
    return words, "still"
