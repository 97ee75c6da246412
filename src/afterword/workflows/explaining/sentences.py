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
from afterword.translating import N_, ngettext, retold, translated
from afterword.translating import gettext as _
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
    CONVERSATION_CLOSED: N_("The Conversation was closed in Gladly (account {source})"),
    CONVERSATION_REOPENED: N_("The Conversation was opened again in Gladly (account {source})"),
    JSON_EVENT: N_("A JSON event arrived for the Workflow {source}"),
    SCHEDULE: N_("It was time, by the schedule of the Workflow {source}"),
    WEBHOOK_OFF: N_("The webhook of the Gladly account {source} stopped working"),
    WEBHOOK_BACK: N_("The webhook of the Gladly account {source} works again"),
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
ANSWERED = {
    "created": N_("The Customer answered the Survey {survey} (Response {id})"),
    "updated": N_("The answer was changed that was given to the Survey {survey} (Response {id})"),
}
"""What happened, by the kind of its Response."""
ENDED_AS = {
    "skipped": N_("%(label)s was skipped%(since)s: %(reason)s"),
    "failed": N_("%(label)s failed%(since)s: %(reason)s"),
    "not run": N_("%(label)s was not carried out%(since)s: %(reason)s"),
    "waiting": N_("%(label)s waits%(since)s: %(reason)s"),
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
    for _key, group in groupby(repeats, key=lambda event: (event.redelivery_of, event.reason_code)):
        yield _repeats(list(group))


def _event(event: EventTold, response: ResponseTold | None) -> Sentence:
    words = f"{_what_happened(event)}."
    tone: Tone = "good" if event.response_id else "still"
    if event.occurred_at is not None and event.received_at - event.occurred_at > LATE:
        later = duration((event.received_at - event.occurred_at).total_seconds())
        words += f" {_how_it_came(event, later)}"
    if event.status == "received":
        words, tone = f"{words} {_('No worker has looked at it yet.')}", "busy"
    elif event.type in (WEBHOOK_OFF, WEBHOOK_BACK):
        words, tone = f"{words} {capital(retold(event.reason or ''))}.", "warn"
    elif event.status == "ignored":
        words += " " + _("It started nothing: %(reason)s.", reason=retold(event.reason or ""))
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


def _how_it_came(event: EventTold, later: str) -> str:
    if event.found_in is None:
        return _("Afterword was told %(later)s later.", later=later)
    where = where_found(event.found_in)
    if event.backfill_id is None:
        return _("Afterword read it in %(where)s %(later)s later.", where=where, later=later)
    return _(
        "No webhook told of it; backfill %(number)s found it in %(where)s %(later)s later.",
        number=event.backfill_id,
        where=where,
        later=later,
    )


def _what_happened(event: EventTold) -> str:
    if event.response_id:
        kind = response_kind(event.type)
        survey, response = quoted(event.source), event.response_id
        if kind in ANSWERED:
            return translated(ANSWERED[kind]).replace("{survey}", survey).replace("{id}", response)
        told = {"kind": quoted(kind), "survey": survey, "response": response}
        return _("A Response came, %(kind)s, to the Survey %(survey)s (Response %(response)s)", **told)
    if event.type in HAPPENED:
        return translated(HAPPENED[event.type]).replace("{source}", quoted(event.source))
    return _("%(type)s came from %(source)s", type=event.type, source=quoted(event.source))


def _repeats(repeats: Sequence[EventTold]) -> Sentence:
    first, last = repeats[0], repeats[-1]
    told = {"event": first.redelivery_of, "reason": retold(first.reason or "")}
    if len(repeats) == 1:
        words = _("Event %(event)s came again: %(reason)s. Nothing was done twice.", **told)
    else:
        words = _(
            "Event %(event)s came %(times)s times more, the last time %(later)s later: %(reason)s. "
            "Nothing was done twice.",
            times=len(repeats),
            later=duration(_between(first, last)),
            **told,
        )
    return Sentence(
        at=first.received_at,
        words=words,
        event_id=first.id,
    )


def _between(first: EventTold, last: EventTold) -> float:
    return (last.received_at - first.received_at).total_seconds()


def _passed_by(passed: Sequence[PassedBy]) -> Iterator[str]:
    """One sentence for each reason, however many Workflows it holds for."""
    in_order = sorted(passed, key=lambda one: one.words)
    for words, group in groupby(in_order, key=lambda one: one.words):
        names = [one.workflow for one in group]
        yield ngettext(
            "The Workflow %(names)s did not start: %(why)s.",
            "The Workflows %(names)s did not start: %(why)s.",
            len(names),
            names=list_of(names),
            why=words,
        )


def _run(run: RunTold) -> Iterator[Sentence]:
    details = () if run.evaluation is None else comparisons(run.evaluation)
    told = {"workflow": quoted(run.workflow), "revision": run.revision}
    if run.evaluation is not None and not run.evaluation.holds:
        words = _(
            "The Workflow %(workflow)s looked at it and did nothing: its conditions did not hold.", **told
        )
        yield Sentence(at=run.started_at, words=words, details=details, run_id=run.id)
        return
    if run.evaluation is None:
        words = _("The Workflow %(workflow)s looked at it and began (revision %(revision)s).", **told)
    else:
        words = _(
            "The Workflow %(workflow)s looked at it and began (revision %(revision)s), as its conditions held.",
            **told,
        )
    yield Sentence(at=run.started_at, words=words, details=details, run_id=run.id)
    for task in run.tasks:
        yield from _task(run, task)
    is_told = any(attempt.status == "failed" for task in run.tasks for attempt in task.attempts)
    if run.finished_at is not None and (
        run.status == "cancelled" or (run.status == "failed" and not is_told)
    ):
        why = {"run": run.id, "reason": retold(run.reason or "")}
        yield Sentence(
            at=run.finished_at,
            words=_("Run %(run)s failed: %(reason)s.", **why)
            if run.status == "failed"
            else _("Run %(run)s was cancelled: %(reason)s.", **why),
            tone="bad",
            run_id=run.id,
        )


def _task(run: RunTold, task: TaskTold) -> Iterator[Sentence]:
    """Attempts that came out alike, one after the other, are told together."""
    for _key, group in groupby(task.attempts, key=lambda one: (one.replay, one.status, one.reason_code)):
        attempts = list(group)
        first, last = attempts[0], attempts[-1]
        words, details = _attempts(quoted(translated(task.label)), first, last)
        again = "" if first.replay == 0 else f" {_('(run again)')}"
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
        return _("%(label)s was done%(what)s", label=label, what=what), details
    reason = retold(last.reason) if last.reason else _("without a reason")
    if last.status == "retrying":
        told = {"first": first.attempt, "last": last.attempt, "label": label, "reason": reason}
        if first is last:
            return _("Attempt %(first)s of %(label)s did not succeed: %(reason)s", **told), ()
        return _("Attempts %(first)s to %(last)s of %(label)s did not succeed: %(reason)s", **told), ()
    seconds = (last.finished_at - first.finished_at).total_seconds()
    since = "" if first is last else " " + _("for %(duration)s", duration=duration(seconds))
    words = ENDED_AS.get(last.status, f"%(label)s {last.status}%(since)s: %(reason)s")
    return _(words, label=label, since=since, reason=reason), ()


def _invitations(material: Material) -> Iterator[Sentence]:
    for invitation in material.invitations:
        if invitation.run_id is None and invitation.sent_at is not None:
            words = _(
                "A mail with the Survey %(survey)s went to %(email)s.",
                survey=quoted(invitation.survey),
                email=invitation.email,
            )
            yield Sentence(at=invitation.sent_at, words=words, tone="good")
        if invitation.cancelled_at is not None:
            words = _(
                "This cancelled the Survey %(survey)s, which was not answered yet.",
                survey=quoted(invitation.survey),
            )
            yield Sentence(at=invitation.cancelled_at, words=words, tone="warn")
    moments = {one.opted_out_at for one in material.invitations if _opted_out_since(one)}
    for at in sorted(moment for moment in moments if moment is not None):
        yield Sentence(at=at, words=_("The Customer asked not to be written to any more."), tone="warn")


def _opted_out_since(invitation: InvitationTold) -> bool:
    return invitation.opted_out_at is not None and invitation.opted_out_at >= invitation.created_at


def _responses_without_event(material: Material) -> Iterator[Sentence]:
    told = {event.response_id for event in material.events}
    for response in material.responses:
        if response.id not in told:
            yield Sentence(
                at=response.recorded_at,
                words=translated(ANSWERED["created"])
                .replace("{survey}", quoted(response.survey))
                .replace("{id}", response.id)
                + ".",
                tone="good",
                details=tuple(f"{one.question} {quoted(one.answer)}" for one in response.answers),
            )
