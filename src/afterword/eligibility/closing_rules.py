"""Rules that look at the closing itself: they cost no call (names of agents and inboxes come from remembered lists)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

from afterword.eligibility.credit import credited
from afterword.eligibility.facts import Closing, Facts, inbox_of, is_one_of, needed
from afterword.eligibility.settings import Closer, Eligibility
from afterword.eligibility.verdicts import Verdict, hours, number
from afterword.gladly.initiators import Party, party
from afterword.gladly.models import Inbox
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.masking import masked
from afterword.translating import N_, said

CLOSED_BY_RULE = Reason("closed-by-rule", N_("the conversation was closed by a rule of Gladly's"))
CLOSED_BY_API = Reason("closed-by-api", N_("the conversation was closed by a program, over Gladly's API"))
CLOSED_BY_AI = Reason("closed-by-gladly-ai", N_("the conversation was closed by Gladly AI"))
CLOSED_BY_GLADLY = Reason("closed-by-gladly", N_("the conversation was closed by Gladly itself"))

CLOSERS: dict[Party, tuple[Closer, Reason]] = {
    "rule": ("rule", CLOSED_BY_RULE),
    "api": ("api", CLOSED_BY_API),
    "gladly-ai": ("gladly-ai", CLOSED_BY_AI),
    "gladly": ("gladly", CLOSED_BY_GLADLY),
}

SPAN = 2**64


def too_old(wanted: Eligibility, facts: Facts) -> Verdict:
    """Nothing is sent for a closing of long ago."""
    return too_old_at(wanted, facts.closing, facts.now - (facts.closing.closed_at or facts.now))


def too_old_at(wanted: Eligibility, closing: Closing, age: timedelta) -> Verdict:
    """Whether a closing of this age is too old."""
    longest = wanted.longest_age_hours
    if closing.closed_at is None or longest is None or age <= timedelta(hours=longest):
        return None
    return Reason(
        "closing-too-old",
        said(
            "the conversation was closed %(hours)s h ago; nothing is sent for a closing older than "
            "%(number)s h",
            hours=hours(age),
            number=number(longest),
        ),
        {"closedAt": closing.closed_at.isoformat(), "ageHours": hours(age), "longestHours": number(longest)},
    )


def closed_by(wanted: Eligibility, facts: Facts) -> Verdict:
    """Closings by rules, programs and bots. What Gladly calls by a name that we do not know counts as none of them."""
    closing = facts.closing
    closer, reason = CLOSERS.get(party(closing.initiator_type, closing.initiator_id), (None, None))
    if reason is None or closer not in wanted.not_closed_by:
        return None
    return Reason(reason.code, reason.words, {"initiatorType": closing.initiator_type})


def inbox(wanted: Eligibility, facts: Facts) -> Verdict:
    """The inbox that the conversation was in when it was closed.

    Raises:
        Permanent: Gladly has no inbox of a name that is wanted.
    """
    if not (wanted.only_inboxes or wanted.not_inboxes):
        return None
    inbox_id = inbox_of(facts)
    for names, is_only in ((wanted.only_inboxes, True), (wanted.not_inboxes, False)):
        if names and _is_inbox_of(names, inbox_id, facts) is not is_only:
            what = N_("is not one of those that are asked about") if is_only else N_("is not asked about")
            return Reason(
                "inbox-excluded",
                said("the inbox that it was closed in %(what)s", what=what),
                {"inboxId": inbox_id or "none"},
            )
    return None


def _is_inbox_of(names: Sequence[str], inbox_id: str, facts: Facts) -> bool:
    if inbox_id in names:
        return True
    inboxes = needed(facts.inboxes, "inboxes")
    return inbox_id in {one.id for name in names for one in _inboxes_called(name, inboxes)}


def _inboxes_called(name: str, inboxes: Sequence[Inbox]) -> list[Inbox]:
    found = [one for one in inboxes if one.id == name.strip() or is_one_of((name,), (one.name,))]
    if not found:
        raise unknown_name("inbox", name)
    return found


def unknown_name(kind: str, name: str) -> Permanent:
    """A rule names what Gladly does not have: the rule would never do what it was made for."""
    words = said(
        "Gladly has no %(kind)s “%(masked)s”, which a rule of eligibility names; write its name or its id",
        kind=kind,
        masked=masked(name),
    )
    return Permanent(Reason("gladly-name-unknown", words, {"kind": kind}))


def agent(wanted: Eligibility, facts: Facts) -> Verdict:
    """The agent who is credited. A name that nobody has is nobody's: agents come and go."""
    if not (wanted.only_agents or wanted.not_agents):
        return None
    agent_id = credited(facts).agent_id
    for names, is_only in ((wanted.only_agents, True), (wanted.not_agents, False)):
        if names and _is_agent_of(names, agent_id, facts) is not is_only:
            what = N_("is not one of those who are asked about") if is_only else N_("is not asked about")
            return Reason(
                "agent-excluded",
                said("the agent who is credited %(what)s", what=what),
                {"agentId": agent_id or "nobody"},
            )
    return None


def _is_agent_of(names: Sequence[str], agent_id: str, facts: Facts) -> bool:
    if not agent_id or agent_id in names:
        return bool(agent_id)
    known = needed(facts.agent, "agent")
    return is_one_of(names, (known.name, known.email_address))


def share(wanted: Eligibility, facts: Facts) -> Verdict:
    """A share of the conversations, by chance and yet always the same."""
    if wanted.share_percent is None:
        return None
    place = place_of(facts.closing)
    if place < wanted.share_percent / 100:
        return None
    percent = number(wanted.share_percent)
    return Reason(
        "not-in-share",
        said(
            "only %(percent)s %% of the conversations are asked about, and this is none of them",
            percent=percent,
        ),
        {"sharePercent": percent, "place": f"{place * 100:.3f}"},
    )


def place_of(closing: Closing) -> float:
    """Where a conversation stands between 0 and 1: the first 64 bits of an HMAC-SHA-256 of its id.

    The key is the Gladly account with the workflow, so that two workflows choose independently of each other. A larger
    share has all of a smaller one in it. Without a conversation the call's own key stands in for it.
    """
    key = f"{closing.account_id}/{closing.workflow_id}".encode()
    told = (closing.conversation_id or closing.key).encode()
    return int.from_bytes(hmac.digest(key, told, hashlib.sha256)[:8]) / SPAN
