"""What comes next, and whether the customer was asked: the two things that people want to know first. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from afterword.sending.checking import PAUSED
from afterword.translating import gettext as _
from afterword.translating import retold, translated
from afterword.workflows.explaining.models import EventTold, InvitationTold, RunTold, Tone
from afterword.workflows.explaining.stories import Material
from afterword.workflows.explaining.wording import list_of, moment, quoted, reasons
from afterword.workflows.running.retries import SCHEDULE

ATTEMPTS = len(SCHEDULE) + 1


def upcoming(material: Material, started_by_answers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What will happen next, or that nothing will. ``started_by_answers``: by survey, the workflows that are on."""
    told = [
        *(
            _("Event %(event)s waits in the inbox until a worker looks at it.", event=event.id)
            for event in _in_inbox(material)
        ),
        *(words for run in material.runs if (words := _next_of_run(run))),
        *(words for one in material.invitations if (words := _next_of_invitation(one, started_by_answers))),
    ]
    return tuple(dict.fromkeys(told)) or (_("Nothing more will happen by itself."),)


def _in_inbox(material: Material) -> list[EventTold]:
    return [event for event in material.events if event.status == "received"]


def _next_of_run(run: RunTold) -> str | None:
    name = _("Run %(run)s of %(workflow)s", run=run.id, workflow=quoted(run.workflow))
    if run.status == "failed":
        return _(
            "%(name)s failed and does not go on by itself. When the cause is mended, replay it in run history.",
            name=name,
        )
    if not run.is_open:
        return None
    if run.waiting_for is not None:
        told = {"name": name, "changed": _changed(run), "reason": retold(run.reason or "")}
        if run.held_since:
            return _(
                "%(name)s waits since %(since)s until %(changed)s; then it goes on by itself (%(reason)s).",
                since=moment(run.held_since),
                **told,
            )
        return _("%(name)s waits until %(changed)s; then it goes on by itself (%(reason)s).", **told)
    if run.status == "waiting" and run.due_at is not None:
        return _("%(name)s goes on %(at)s: %(due)s.", name=name, at=moment(run.due_at), due=_due(run))
    return _("%(name)s is due now and goes on as soon as a worker takes it.", name=name)


def _changed(run: RunTold) -> str:
    kind = (run.waiting_for or "").partition("/")[0]
    match kind:
        case "account":
            return _("the connected account %(name)s can be used again", name=quoted(run.waiting_for_name))
        case "workflow":
            return _("the Workflow %(name)s is turned on", name=quoted(run.waiting_for_name))
        case "sending" if run.waiting_for == PAUSED:
            return _("sending is resumed")
        case "sending":
            return _("somebody lets the held invitations of its Workflow go, or cancels them")
        case _:
            return _("%(what)s has changed", what=run.waiting_for_name or run.waiting_for)


def _due(run: RunTold) -> str:
    task = next((one for one in run.tasks if one.position == run.position), None)
    label = quoted(translated(task.label)) if task else _("the next task")
    reason = retold(run.reason or "")
    if run.attempt:
        told = {"number": run.attempt + 1, "all": ATTEMPTS, "label": label, "reason": reason}
        return _("attempt %(number)s of %(all)s at %(label)s (%(reason)s)", **told)
    return f"{label} ({reason})" if reason else label


def _next_of_invitation(
    invitation: InvitationTold, started_by_answers: Mapping[str, Sequence[str]]
) -> str | None:
    if invitation.sent_at is None or invitation.response_id is not None:
        return None
    if invitation.cancelled_at is not None:
        return _(
            "The link to the Survey can no longer be answered, as the Conversation was opened again %(at)s.",
            at=moment(invitation.cancelled_at),
        )
    if invitation.expires_at is not None and invitation.expires_at <= datetime.now(UTC):
        ended = moment(invitation.expires_at)
        return _("The link to the Survey ended %(at)s; it can no longer be answered.", at=ended)
    until = " " + _("until %(at)s", at=moment(invitation.expires_at)) if invitation.expires_at else ""
    names = started_by_answers.get(invitation.survey_id, ())
    then = (
        _("then %(names)s will start", names=list_of(names))
        if names
        else _("but nothing will be done with the answer: no Workflow that is on starts with it")
    )
    survey = quoted(invitation.survey)
    return _(
        "If the Customer answers the Survey %(survey)s%(until)s, %(then)s.",
        survey=survey,
        until=until,
        then=then,
    )


def whether_asked(material: Material) -> tuple[str, Tone]:
    """Whether the customer was asked and answered, or else why not."""
    if material.responses or any(event.response_id for event in material.events):
        return _answered(material)
    sent = [one for one in material.invitations if one.sent_at is not None]
    if sent:
        asked_at = max(one.sent_at for one in sent if one.sent_at is not None)
        cancelled_at = [one.cancelled_at for one in sent if one.cancelled_at is not None]
        if len(cancelled_at) == len(sent):
            words = _(
                "The Customer was asked %(at)s, and had not answered when the Conversation was opened again "
                "%(reopened)s, which cancelled the invitation.",
                at=moment(asked_at),
                reopened=moment(max(cancelled_at)),
            )
            return words, "still"
        return _("The Customer was asked %(at)s, and has not answered so far.", at=moment(asked_at)), "good"
    open_runs = [run for run in material.runs if run.is_open]
    if open_runs or _in_inbox(material):
        why = reasons(run.reason for run in open_runs)
        if why:
            return _("The Customer was not asked yet: %(why)s.", why=why), "busy"
        return _("The Customer was not asked yet; it is under way."), "busy"
    return _not_asked(material)


def _answered(material: Material) -> tuple[str, Tone]:
    at = min(
        [event.received_at for event in material.events if event.response_id]
        + [response.recorded_at for response in material.responses]
    )
    of_answers = [run for event in material.events if event.response_id for run in event.runs]
    told = {"at": moment(at)}
    bad = [run for run in of_answers if run.status == "failed"]
    if bad:
        return (
            _(
                "The Customer answered %(at)s, but what was to be done with the answer failed: %(why)s.",
                why=reasons(run.reason for run in bad),
                **told,
            ),
            "bad",
        )
    if not of_answers:
        return _("The Customer answered %(at)s; no Workflow did anything with the answer.", **told), "warn"
    if any(run.is_open for run in of_answers):
        return _(
            "The Customer answered %(at)s; what is to be done with the answer is under way.", **told
        ), "busy"
    item = any(
        attempt.output.get("itemId") for run in of_answers for task in run.tasks for attempt in task.attempts
    )
    if item:
        return _("The Customer answered %(at)s, and the answer is on the Timeline in Gladly.", **told), "good"
    return _("The Customer answered %(at)s.", **told), "good"


def _not_asked(material: Material) -> tuple[str, Tone]:
    failed = [run for run in material.runs if run.status == "failed"]
    if failed:
        return _("The Customer was not asked: %(why)s.", why=reasons(run.reason for run in failed)), "bad"
    stopped = [run for run in material.runs if run.status in {"skipped", "cancelled"}]
    if stopped:
        return _("The Customer was not asked: %(why)s.", why=reasons(run.reason for run in stopped)), "still"
    ignored = [event for event in material.events if event.status == "ignored"]
    if not material.runs:
        return (
            _(
                "The Customer was not asked: %(why)s.",
                why=reasons(event.reason for event in ignored) or _("nothing started"),
            ),
            "warn",
        )
    if ignored:
        why = reasons(event.reason for event in ignored)
        words = _("The Customer was not asked: the event that was sent on started nothing, %(why)s.", why=why)
        return words, "warn"
    words = _(
        "Every Workflow did what it says, and none of them sent a mail; what others did then cannot be seen here."
    )
    return words, "still"
