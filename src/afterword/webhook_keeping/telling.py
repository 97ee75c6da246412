"""What is told of a webhook, and when: pure functions from how it was to how it is."""

from datetime import datetime, timedelta

import msgspec

from afterword.accounts.standing_alerts import AccountName, moment
from afterword.alerts.recording import Alert
from afterword.events.models import WEBHOOK_BACK, WEBHOOK_OFF
from afterword.outcomes import Reason
from afterword.translating import N_, said
from afterword.webhook_keeping.states import Known

GIVES_UP_AFTER = timedelta(hours=2)
"""Gladly documents resends for 1 h 36 min before it switches a webhook off: what failed first is as old as that."""
CLOCKS_DIFFER_BY = timedelta(minutes=1)
NOT_YET_ALERT_AFTER = timedelta(hours=1)


class MissedFrom(msgspec.Struct, frozen=True):
    """A span in which closings may not have been told, and why."""

    since: datetime
    until: datetime
    reason: Reason


class News(msgspec.Struct, frozen=True):
    """What is to be written down of a look: an alert, a gap, an event of ours.

    ``withdraws_off`` takes back that it is off, where nobody was told of that yet. ``marks`` has the state marked as
    told.
    """

    alert: Alert | None = None
    withdraws_off: bool = False
    missed: MissedFrom | None = None
    event_type: str | None = None
    event_reason: Reason | None = None
    marks: bool = False


def news_after(
    account: AccountName, before: Known | None, after: Known, wrong: Reason | None, now: datetime
) -> News:
    """What is to be told of a look, at which ``wrong`` was found and perhaps mended.

    One that has never worked is told of after an hour: whoever connected the account knows.
    """
    if before is None or before.state == "not-yet":
        return _never_worked_before(account, before, after, now)
    if before.state == "off":
        return _was_off(account, before, after, now)
    return News() if wrong is None else _worked_before(account, before, after, wrong, now)


def _never_worked_before(account: AccountName, before: Known | None, after: Known, now: datetime) -> News:
    was_told = before is not None and before.alerted_at is not None
    if after.state == "works":
        words = f"The webhook of the {account} works, as of {moment(now)}"
        return News(Alert("webhook-back", account.subject, words), withdraws_off=True) if was_told else News()
    if was_told or now - after.since < NOT_YET_ALERT_AFTER:
        return News()
    words = (
        f"The webhook of the {account} does not work since {moment(after.since)}, because {after.because}; "
        "Gladly tells of no closing until it does"
    )
    return News(Alert("webhook-off", account.subject, words), marks=True)


def _was_off(account: AccountName, before: Known, after: Known, now: datetime) -> News:
    if after.state != "works":
        return News()
    reason = before.reason or Reason("webhook-switched-off", N_("it did not work"))
    words = (
        f"The webhook of the {account} works again, as of {moment(now)}; it did not since {moment(before.since)}: "
        f"{reason.words}. What was closed in between is backfilled"
    )
    missed = MissedFrom(before.since - CLOCKS_DIFFER_BY, now + CLOCKS_DIFFER_BY, reason)
    return News(
        Alert("webhook-back", account.subject, words),
        withdraws_off=True,
        missed=missed,
        event_type=WEBHOOK_BACK,
        event_reason=_event_reason(reason, missed),
    )


def _worked_before(account: AccountName, before: Known, after: Known, wrong: Reason, now: datetime) -> News:
    missed = MissedFrom(_missed_since(before, wrong, now), now + CLOCKS_DIFFER_BY, wrong)
    if after.state == "works":
        words = (
            f"The webhook of the {account} did not work: {wrong.words}. Afterword put it right at {moment(now)}; what "
            f"was closed since {moment(missed.since)} is backfilled"
        )
        alert, event_type = Alert("webhook-back", account.subject, words), WEBHOOK_BACK
    else:
        words = (
            f"The webhook of the {account} does not work: {after.because}; Gladly tells of no closing until it does, "
            "and what was closed meanwhile is backfilled"
        )
        alert, event_type = Alert("webhook-off", account.subject, words), WEBHOOK_OFF
    return News(
        alert,
        missed=missed,
        event_type=event_type,
        event_reason=_event_reason(wrong, missed),
        marks=after.state != "works",
    )


def _missed_since(before: Known, wrong: Reason, now: datetime) -> datetime:
    """From when on closings may not have been told; deliveries fail for a while before Gladly gives up."""
    switched_off_at = wrong.values.get("at")
    if switched_off_at is not None:
        return min(datetime.fromisoformat(switched_off_at), now) - GIVES_UP_AFTER
    return (before.worked_at or before.since) - CLOCKS_DIFFER_BY


def _event_reason(reason: Reason, missed: MissedFrom) -> Reason:
    words = said(
        "closings since %(since)s may not have been told, as %(why)s",
        since=moment(missed.since),
        why=reason.words,
    )
    return Reason(reason.code, words)
