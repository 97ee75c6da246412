"""Rules that look at the conversation's messages: one call for its items.

Only what was written before the closing counts, and of it only who wrote, where, and how much. Gladly lists 1,000 items
at most: of a longer conversation no rule says that something is not in it.
"""

from afterword.eligibility.credit import credited
from afterword.eligibility.facts import Facts, needed
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.topic_rules import topics_among
from afterword.eligibility.verdicts import Verdict
from afterword.gladly.initiators import party
from afterword.gladly.messages import Messages
from afterword.outcomes import Reason
from afterword.translating import N_, said


def channel(wanted: Eligibility, facts: Facts) -> Verdict:
    """The channel of the last message of the customer or an agent."""
    if not (wanted.only_channels or wanted.not_channels):
        return None
    spoken = [one for one in _messages(facts).messages if one.by & {"customer", "agent"}]
    last = spoken[-1].channel if spoken else None
    if wanted.only_channels and last not in wanted.only_channels:
        return _channel_excluded("is not one of those that are asked about", last)
    return _channel_excluded("is not asked about", last) if last in wanted.not_channels else None


def _channel_excluded(what: str, last: str | None) -> Reason:
    return Reason(
        "channel-excluded",
        said("the channel of the last message %(what)s", what=what),
        {"channel": last or "no message"},
    )


def customer_wrote(wanted: Eligibility, facts: Facts) -> Verdict:
    """Conversations without a customer's message: calls out, notices, whatever agents began alone."""
    if not wanted.customer_must_have_written:
        return None
    messages = _messages(facts)
    if not messages.is_whole or any("customer" in one.by for one in messages.messages):
        return None
    return Reason(
        "no-customer-message",
        N_("the customer wrote nothing in the conversation"),
        {"messages": str(len(messages.messages))},
    )


def agent_wrote(wanted: Eligibility, facts: Facts) -> Verdict:
    """An agent who never wrote has done nothing that a customer could tell about."""
    if wanted.agent_must_have_written == "no":
        return None
    messages = _messages(facts)
    by_agents = [one for one in messages.messages if "agent" in one.by]
    if not messages.is_whole:
        return None
    if not by_agents:
        return Reason(
            "no-agent-message",
            N_("no agent wrote in the conversation"),
            {"messages": str(len(messages.messages))},
        )
    agent_id = credited(facts).agent_id
    if wanted.agent_must_have_written == "any" or any(one.agent_id == agent_id for one in by_agents):
        return None
    return Reason(
        "agent-never-wrote",
        N_("the agent who is credited wrote nothing in the conversation"),
        {"agentId": agent_id or "nobody", "messagesOfAgents": str(len(by_agents))},
    )


def length(wanted: Eligibility, facts: Facts) -> Verdict:
    """Conversations that are too short to ask about."""
    if wanted.least_messages is None and wanted.least_characters is None:
        return None
    messages = _messages(facts)
    spoken = [one for one in messages.messages if one.by & {"customer", "agent"}]
    characters = sum(one.characters for one in spoken)
    least_messages, least_characters = wanted.least_messages or 0, wanted.least_characters or 0
    if not messages.is_whole or (len(spoken) >= least_messages and characters >= least_characters):
        return None
    return Reason(
        "conversation-too-short",
        said(
            "the conversation is too short to ask about: %(len)s messages, %(characters)s characters",
            len=len(spoken),
            characters=characters,
        ),
        {
            "messages": str(len(spoken)),
            "characters": str(characters),
            "leastMessages": str(least_messages),
            "leastCharacters": str(least_characters),
        },
    )


def spam(wanted: Eligibility, facts: Facts) -> Verdict:
    """What looks like spam: closed by a rule, and with a topic of spam or without a word of an agent's.

    Gladly marks no spam in its API: organizations close it by rules.
    """
    closing = facts.closing
    if not wanted.not_spam or party(closing.initiator_type, closing.initiator_id) != "rule":
        return None
    if wanted.spam_topics and (found := topics_among(wanted.spam_topics, facts)):
        return Reason(
            "looks-like-spam",
            N_("a rule closed the conversation, which has a topic of spam"),
            {"topicIds": " ".join(found)},
        )
    messages = _messages(facts)
    if not messages.is_whole or any("agent" in one.by for one in messages.messages):
        return None
    return Reason(
        "looks-like-spam",
        N_("a rule closed the conversation, and no agent wrote in it"),
        {"messages": str(len(messages.messages))},
    )


def _messages(facts: Facts) -> Messages:
    if not facts.closing.conversation_id:
        return Messages()
    return needed(facts.messages, "messages")
