"""A story told in plain sentences, in order of time. Pure: the words of reasons, and what was recorded."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from afterword.events.models import (
    JSON_EVENT,
    SCHEDULE,
    WEBHOOK_BACK,
    WEBHOOK_OFF,
    response_kind,
    where_found,
)
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.workflows.explaining.models import (
    AttemptTold,
    EventTold,
    InvitationTold,
    PassedBy,
    ResponseTold,
    RunTold,
    Sentence,
    TaskTold,
    Tone,
)
from afterword.workflows.explaining.stories import Material
from afterword.workflows.explaining.wording import (
    capital,
    comparisons,
    duration,
    list_of,
    plural,
    quoted,
    sent,
)
from afterword.workflows.starting.matching import (
    KIND_NOT_TICKED,
    NO_WORKFLOW,
    WORKFLOW_HAD_NO_TASK,
    WORKFLOW_WAS_OFF,
)

HAPPENED = {
    CONVERSATION_CLOSED: "The Conversation was closed in Gladly (account {source})",
    CONVERSATION_REOPENED: "The Conversation was opened again in Gladly (account {source})",
    JSON_EVENT: "A JSON event arrived for the Workflow {source}",
    SCHEDULE: "It was time, by the schedule of the Workflow {source}",
    WEBHOOK_OFF: "The webhook of the Gladly account {source} stopped working",
    WEBHOOK_BACK: "The webhook of the Gladly account {source} works again",
}
"""What an event tells, by its type."""

LATE = timedelta(seconds=60)
"""What Gladly told so much later than it happened is said to be late."""

TONES: dict[str, Tone] = {
    "succeeded": "good",
    "skipped": "still",
    "not run": "still",
    "failed": "bad",
    "retrying": "warn",
    "waiting": "warn",
}
NOBODY_STARTED = {NO_WORKFLOW.code, WORKFLOW_WAS_OFF.code, WORKFLOW_HAD_NO_TASK.code, KIND_NOT_TICKED}
ANSWERED = {"created": "The Customer answered", "updated": "The answer was changed that was given to"}
"""What happened, by the kind of its Response."""
ENDED_AS = {
    "skipped": "was skipped",
    "failed": "failed",
    "not run": "was not carried out",
    "waiting": "waits",
}


def tell(material: Material) -> tuple[Sentence, ...]:
    """Every sentence of a story."""
    told = [
        *_events(material),
        *(sentence for run in material.runs for sentence in _run(run)),
        *_invitations(material),
        *_responses_without_event(material),
    ]
    return tuple(sorted(told, key=lambda sentence: sentence.at))


def _events(material: Material) -> Iterator[Sentence]:
    responses = {response.id: response for response in material.responses}
    told = [event for event in material.events if event.status != "redelivered"]
    newest = {event.response_id: event.id for event in told}
    for event in told:
        is_newest = newest[event.response_id] == event.id
        yield _event(event, responses.get(event.response_id or "") if is_newest else None)
    repeats = [event for event in material.events if event.status == "redelivered"]
    repeats.sort(key=lambda event: (event.redelivery_of or 0, event.reason_code or "", event.id))
    for _, group in groupby(repeats, key=lambda event: (event.redelivery_of, event.reason_code)):
        yield _repeats(list(group))


def _event(event: EventTold, response: ResponseTold | None) -> Sentence:
    words = f"{_what_happened(event)}."
    tone: Tone = "good" if event.response_id else "still"
    if event.occurred_at is not None and event.received_at - event.occurred_at > LATE:
        later = duration((event.received_at - event.occurred_at).total_seconds())
        words += f" {_how_it_came(event)} {later} later."
    if event.status == "received":
        words, tone = f"{words} No worker has looked at it yet.", "busy"
    elif event.type in (WEBHOOK_OFF, WEBHOOK_BACK):
        words, tone = f"{words} {capital(event.reason or '')}.", "warn"
    elif event.status == "ignored":
        words += f" It started nothing: {event.reason}."
        tone = "warn" if event.reason_code in NOBODY_STARTED else tone
    answers = (
        () if response is None else tuple(f"{one.question} {quoted(one.answer)}" for one in response.answers)
    )
    return Sentence(
        at=event.occurred_at or event.received_at,
        words=words,
        tone=tone,
        details=(*answers, *_passed_by(event.passed_by)),
        event_id=event.id,
    )


def _how_it_came(event: EventTold) -> str:
    if event.found_in is None:
        return "Afterword was told"
    if event.backfill_id is None:
        return f"Afterword read it in {where_found(event.found_in)}"
    return f"No webhook told of it; backfill {event.backfill_id} found it in {where_found(event.found_in)}"


def _what_happened(event: EventTold) -> str:
    if event.response_id:
        kind = response_kind(event.type)
        who = ANSWERED.get(kind, f"A Response came, {quoted(kind)}, to")
        return f"{who} the Survey {quoted(event.source)} (Response {event.response_id})"
    what = HAPPENED.get(event.type, f"{event.type} came from {{source}}")
    return what.replace("{source}", quoted(event.source))


def _repeats(repeats: Sequence[EventTold]) -> Sentence:
    first, last = repeats[0], repeats[-1]
    times = "again" if len(repeats) == 1 else f"{plural(len(repeats), 'time')} more"
    until = "" if len(repeats) == 1 else f", the last time {duration(_between(first, last))} later"
    return Sentence(
        at=first.received_at,
        words=f"Event {first.redelivery_of} came {times}{until}: {first.reason}. Nothing was done twice.",
        event_id=first.id,
    )


def _between(first: EventTold, last: EventTold) -> float:
    return (last.received_at - first.received_at).total_seconds()


def _passed_by(passed: Sequence[PassedBy]) -> Iterator[str]:
    """One sentence for each reason, however many Workflows it holds for."""
    in_order = sorted(passed, key=lambda one: one.words)
    for words, group in groupby(in_order, key=lambda one: one.words):
        names = [one.workflow for one in group]
        which = "The Workflow" if len(names) == 1 else "The Workflows"
        yield f"{which} {list_of(names)} did not start: {words}."


def _run(run: RunTold) -> Iterator[Sentence]:
    details = () if run.evaluation is None else comparisons(run.evaluation)
    name = f"The Workflow {quoted(run.workflow)} looked at it"
    if run.evaluation is not None and not run.evaluation.holds:
        words = f"{name} and did nothing: its conditions did not hold."
        yield Sentence(at=run.started_at, words=words, details=details, run_id=run.id)
        return
    held = ", as its conditions held" if run.evaluation is not None else ""
    words = f"{name} and began (revision {run.revision}){held}."
    yield Sentence(at=run.started_at, words=words, details=details, run_id=run.id)
    for task in run.tasks:
        yield from _task(run, task)
    is_told = any(attempt.status == "failed" for task in run.tasks for attempt in task.attempts)
    if run.finished_at is not None and (
        run.status == "cancelled" or (run.status == "failed" and not is_told)
    ):
        yield Sentence(
            at=run.finished_at,
            words=f"Run {run.id} {'failed' if run.status == 'failed' else 'was cancelled'}: {run.reason}.",
            tone="bad",
            run_id=run.id,
        )


def _task(run: RunTold, task: TaskTold) -> Iterator[Sentence]:
    """Attempts that came out alike, one after the other, are told together."""
    for _, group in groupby(task.attempts, key=lambda one: (one.replay, one.status, one.reason_code)):
        attempts = list(group)
        first, last = attempts[0], attempts[-1]
        words, details = _attempts(quoted(task.label), first, last)
        again = "" if first.replay == 0 else " (run again)"
        yield Sentence(
            at=last.finished_at,
            words=f"{words}{again}.",
            tone=TONES.get(last.status, "still"),
            details=(*details, *(() if last.evaluation is None else comparisons(last.evaluation))),
            run_id=run.id,
        )


def _attempts(label: str, first: AttemptTold, last: AttemptTold) -> tuple[str, tuple[str, ...]]:
    if last.status == "succeeded":
        what, details = sent(last.sent, last.output)
        return f"{label} was done{what}", details
    if last.status == "retrying":
        which = f"Attempt {first.attempt}" if first is last else f"Attempts {first.attempt} to {last.attempt}"
        return f"{which} of {label} did not succeed: {last.reason}", ()
    seconds = (last.finished_at - first.finished_at).total_seconds()
    since = "" if first is last else f" for {duration(seconds)}"
    return f"{label} {ENDED_AS.get(last.status, last.status)}{since}: {last.reason or 'without a reason'}", ()


def _invitations(material: Material) -> Iterator[Sentence]:
    for invitation in material.invitations:
        if invitation.run_id is None and invitation.sent_at is not None:
            words = f"A mail with the Survey {quoted(invitation.survey)} went to {invitation.email}."
            yield Sentence(at=invitation.sent_at, words=words, tone="good")
        if invitation.cancelled_at is not None:
            words = f"This cancelled the Survey {quoted(invitation.survey)}, which was not answered yet."
            yield Sentence(at=invitation.cancelled_at, words=words, tone="warn")
    moments = {one.opted_out_at for one in material.invitations if _opted_out_since(one)}
    for at in sorted(moment for moment in moments if moment is not None):
        yield Sentence(at=at, words="The Customer asked not to be written to any more.", tone="warn")


def _opted_out_since(invitation: InvitationTold) -> bool:
    return invitation.opted_out_at is not None and invitation.opted_out_at >= invitation.created_at


def _responses_without_event(material: Material) -> Iterator[Sentence]:
    told = {event.response_id for event in material.events}
    for response in material.responses:
        if response.id not in told:
            yield Sentence(
                at=response.recorded_at,
                words=f"The Customer answered the Survey {quoted(response.survey)} (Response {response.id}).",
                tone="good",
                details=tuple(f"{one.question} {quoted(one.answer)}" for one in response.answers),
            )
