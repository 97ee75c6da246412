"""Which agent is credited with a conversation: a written rule, and what stands in when it finds nobody."""

import msgspec

from afterword.eligibility.facts import Closing, Facts, needed
from afterword.eligibility.settings import Credit
from afterword.gladly.initiators import party

ORDER: tuple[Credit, ...] = ("assignee", "wrote-last", "closed")

FOUND: dict[Credit, str] = {
    "assignee": "the assignee at closing",
    "wrote-last": "who wrote last",
    "closed": "who closed it",
}
NOT_FOUND: dict[Credit, str] = {
    "assignee": "nobody was assigned at closing",
    "wrote-last": "no agent wrote",
    "closed": "no agent closed it",
}


class Credited(msgspec.Struct, frozen=True):
    """Who is credited, empty for nobody; ``why`` says by which rule, and why not by the one before."""

    agent_id: str
    why: str


def credited(facts: Facts) -> Credited:
    """Find the agent, by the rule that is set, or else by the one after it; the last is followed by the first.

    Raises:
        Missing: it hangs on what is not known yet.
    """
    first = ORDER.index(facts.credit)
    passed: list[str] = []
    for rule in (*ORDER[first:], *ORDER[:first]):
        agent_id = _agent_by(rule, facts)
        if agent_id:
            return Credited(agent_id, FOUND[rule] + (f" ({', '.join(passed)})" if passed else ""))
        passed.append(NOT_FOUND[rule])
    return Credited("", f"nobody ({', '.join(passed)})")


def _agent_by(rule: Credit, facts: Facts) -> str:
    closing = facts.closing
    match rule:
        case "assignee":
            return _assignee(closing, facts)
        case "wrote-last":
            return _wrote_last(closing, facts)
        case "closed":
            is_agent = party(closing.initiator_type, closing.initiator_id) == "agent"
            return closing.initiator_id if is_agent else ""


def _assignee(closing: Closing, facts: Facts) -> str:
    """As the event told it; of an event that tells no inbox either, as the conversation is now."""
    if closing.inbox_id or closing.agent_id or not closing.conversation_id:
        return closing.agent_id
    return needed(facts.conversation, "conversation").agent_id or ""


def _wrote_last(closing: Closing, facts: Facts) -> str:
    if not closing.conversation_id:
        return ""
    messages = needed(facts.messages, "messages").messages
    return next((one.agent_id for one in reversed(messages) if one.agent_id), "")
