"""Rules that look at who was asked before. They cost a look into our own database and no call.

They are judged twice: before any call, and once more in the transaction that writes down who is asked
(``ledger.py``), where no other worker can come between.
"""

from datetime import timedelta

from afterword.eligibility.cases import case_of
from afterword.eligibility.facts import Facts, needed
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Verdict, number
from afterword.outcomes import Reason
from afterword.translating import N_, said


def same_case(wanted: Eligibility, facts: Facts) -> Verdict:
    """Nobody is asked twice in one case, whichever of its closings it was that they were asked about."""
    closed_at = facts.closing.closed_at
    if not wanted.same_case_hours or closed_at is None or not facts.closing.conversation_id:
        return None
    asked = needed(facts.asked, "asked")
    within = timedelta(hours=wanted.same_case_hours)
    first, last = case_of(closed_at, (*asked.closings, *asked.in_conversation), within)
    others = [one for one in asked.in_conversation if one != closed_at and first <= one <= last]
    if not others:
        return None
    span = number(wanted.same_case_hours)
    return Reason(
        "same-case",
        said(
            "it was closed again within %(span)s h, which is the same case, and the customer was "
            "asked about it already",
            span=span,
        ),
        {"caseSince": first.isoformat(), "askedForClosing": max(others).isoformat(), "hours": span},
    )


def asked_about_conversation(wanted: Eligibility, facts: Facts) -> Verdict:
    """Where it is set so, a conversation is asked about once, however much later it is reopened."""
    closed_at = facts.closing.closed_at
    if wanted.reopened_later != "do-not-ask" or not facts.closing.conversation_id:
        return None
    others = [one for one in needed(facts.asked, "asked").in_conversation if one != closed_at]
    if not others:
        return None
    return Reason(
        "conversation-asked-before",
        N_("the customer was asked about this conversation before, and it is set to be asked about once"),
        {"askedForClosing": max(others).isoformat()},
    )


def asked_lately(wanted: Eligibility, facts: Facts) -> Verdict:
    """At most one survey per customer in so many days, whatever it was about."""
    if wanted.once_in_days is None:
        return None
    last = needed(facts.asked, "asked").customer_at
    if last is None or facts.now - last >= timedelta(days=wanted.once_in_days):
        return None
    days = number(wanted.once_in_days)
    return Reason(
        "asked-lately",
        said("the customer was asked lately, and is to be asked at most once in %(days)s days", days=days),
        {"askedAt": last.isoformat(), "onceInDays": days},
    )
