"""The rules, one by one: facts in, verdict out. What a rule does not need is not known, and must not be asked for."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.eligibility.conftest import NOW, conversation, said

from afterword.eligibility.facts import Asked, Missing
from afterword.eligibility.judging import COSTS, RULES, judge
from afterword.eligibility.settings import Eligibility
from afterword.gladly.models import Agent, Conversation, CustomerProfile, Email, Inbox, Topic
from afterword.outcomes import Permanent, Reason

INBOXES = [Inbox("i1", "Returns & Refunds"), Inbox("i2", "Wholesale")]
INGRID = Agent("a1", "Ingrid Solberg", "ingrid@shop.example")
TOPICS = [
    Topic("t1", "Order"),
    Topic("t2", "Late", parent_id="t1"),
    Topic("t3", "Spam"),
    Topic("t4", "Late", parent_id="t3"),
]
TALK = conversation(said("customer"), said("agent"), said("customer", channel="CHAT"))


class Nothing:
    """Finds nothing: a test that comes here has a rule that asks for what it should do without."""

    async def find(self, need: str, _: object) -> None:
        raise AssertionError(f"{need} was asked for")


def talked_about(*topics: str) -> Conversation:
    return Conversation("conversation1", "c1", topic_ids=list(topics))


PASSES: Any = None
PROFILE = CustomerProfile("c1", "Ada", [Email("ada@shop.example")])


@pytest.mark.parametrize(
    ("wanted", "told", "code"),
    [
        ({}, {}, PASSES),
        ({}, {"closed_at": NOW - timedelta(hours=48)}, PASSES),
        ({}, {"closed_at": NOW - timedelta(hours=48, seconds=1)}, "closing-too-old"),
        ({"longest_age_hours": None}, {"closed_at": NOW - timedelta(days=400)}, PASSES),
        ({"longest_age_hours": 1}, {"closed_at": None}, PASSES),
        ({"not_closed_by": ["rule"]}, {"initiator_type": "AUTOMATION"}, "closed-by-rule"),
        ({"not_closed_by": ["api"]}, {"initiator_type": "API"}, "closed-by-api"),
        ({"not_closed_by": ["api"]}, {"initiator_type": "APPLICATION"}, "closed-by-api"),
        (
            {"not_closed_by": ["gladly-ai"]},
            {"initiator_type": "SYSTEM", "initiator_id": "SIDEKICK_V2"},
            "closed-by-gladly-ai",
        ),
        ({"not_closed_by": ["gladly"]}, {"initiator_type": "SYSTEM", "initiator_id": "SIDEKICK_V2"}, PASSES),
        ({"not_closed_by": ["gladly"]}, {"initiator_type": "SYSTEM"}, "closed-by-gladly"),
        (
            {"not_closed_by": ["rule", "api", "gladly-ai", "gladly"]},
            {"initiator_type": "SOMETHING_NEW"},
            PASSES,
        ),
        ({"not_closed_by": ["api"]}, {"initiator_type": "AUTOMATION"}, PASSES),
        ({"only_inboxes": ["i1"]}, {}, PASSES),
        ({"only_inboxes": ["returns & refunds"]}, {"inboxes": INBOXES}, PASSES),
        ({"only_inboxes": ["Wholesale"]}, {"inboxes": INBOXES}, "inbox-excluded"),
        (
            {"only_inboxes": ["i2"]},
            {"inbox_id": "", "conversation_id": "", "inboxes": INBOXES},
            "inbox-excluded",
        ),
        ({"not_inboxes": ["i1"]}, {}, "inbox-excluded"),
        ({"not_inboxes": ["RETURNS & Refunds "]}, {"inboxes": INBOXES}, "inbox-excluded"),
        ({"not_inboxes": ["Wholesale"]}, {"inboxes": INBOXES}, PASSES),
        ({"only_agents": ["a1"]}, {}, PASSES),
        ({"only_agents": ["INGRID@shop.example"]}, {"agent": INGRID}, PASSES),
        ({"only_agents": ["ola nordmann"]}, {"agent": INGRID}, "agent-excluded"),
        ({"only_agents": ["Who Left"]}, {"agent": INGRID}, "agent-excluded"),
        ({"not_agents": ["Ingrid Solberg"]}, {"agent": INGRID}, "agent-excluded"),
        ({"not_agents": ["Who Left"]}, {"agent": INGRID}, PASSES),
        (
            {"only_agents": ["a1"]},
            {"agent_id": "", "initiator_type": "AUTOMATION", "messages": conversation()},
            "agent-excluded",
        ),
        (
            {"not_agents": ["a1"]},
            {"agent_id": "", "initiator_type": "AUTOMATION", "messages": conversation()},
            PASSES,
        ),
        ({"share_percent": 100}, {}, PASSES),
        ({"share_percent": 0.000001}, {}, "not-in-share"),
        ({"only_topics": ["t1"]}, {"conversation": talked_about("t1")}, PASSES),
        ({"only_topics": ["order"]}, {"conversation": talked_about("t2"), "topics": TOPICS}, PASSES),
        (
            {"only_topics": ["Order"]},
            {"conversation": talked_about("t3"), "topics": TOPICS},
            "topic-excluded",
        ),
        ({"only_topics": ["Order"]}, {"conversation": talked_about()}, "topic-excluded"),
        ({"not_topics": ["t3"]}, {"conversation": talked_about("t3")}, "topic-excluded"),
        ({"not_topics": ["Late"]}, {"conversation": talked_about("t4"), "topics": TOPICS}, "topic-excluded"),
        ({"not_topics": ["Spam"]}, {"conversation": talked_about("t2"), "topics": TOPICS}, PASSES),
        ({"not_topics": ["Spam"]}, {"conversation": talked_about()}, PASSES),
        ({"only_channels": ["CHAT"]}, {"messages": TALK}, PASSES),
        ({"only_channels": ["EMAIL"]}, {"messages": TALK}, "channel-excluded"),
        ({"only_channels": ["EMAIL"]}, {"messages": conversation()}, "channel-excluded"),
        ({"not_channels": ["CHAT"]}, {"messages": TALK}, "channel-excluded"),
        ({"not_channels": ["EMAIL"]}, {"messages": TALK}, PASSES),
        (
            {"not_channels": ["SMS"]},
            {"messages": conversation(said("customer"), said("rule", channel="SMS"))},
            PASSES,
        ),
        ({"customer_must_have_written": True}, {"messages": TALK}, PASSES),
        (
            {"customer_must_have_written": True},
            {"messages": conversation(said("agent"), said("third"))},
            "no-customer-message",
        ),
        (
            {"customer_must_have_written": True},
            {"messages": conversation(said("agent"), is_whole=False)},
            PASSES,
        ),
        ({"agent_must_have_written": "any"}, {"messages": TALK}, PASSES),
        (
            {"agent_must_have_written": "any"},
            {"messages": conversation(said("customer"), said("gladly-ai"))},
            "no-agent-message",
        ),
        ({"agent_must_have_written": "credited"}, {"messages": TALK}, PASSES),
        (
            {"agent_must_have_written": "credited"},
            {"messages": conversation(said("agent", agent_id="a2"))},
            "agent-never-wrote",
        ),
        ({"least_messages": 3}, {"messages": TALK}, PASSES),
        ({"least_messages": 4}, {"messages": TALK}, "conversation-too-short"),
        ({"least_messages": 4}, {"messages": conversation(said("agent"), is_whole=False)}, PASSES),
        (
            {"least_messages": 2},
            {"messages": conversation(said("customer"), said("rule"))},
            "conversation-too-short",
        ),
        ({"least_characters": 30}, {"messages": TALK}, PASSES),
        ({"least_characters": 31}, {"messages": TALK}, "conversation-too-short"),
        ({"not_spam": True}, {}, PASSES),
        (
            {"not_spam": True},
            {"initiator_type": "AUTOMATION", "messages": conversation(said("customer"))},
            "looks-like-spam",
        ),
        ({"not_spam": True}, {"initiator_type": "AUTOMATION", "messages": TALK}, PASSES),
        (
            {"not_spam": True, "spam_topics": ["Spam"]},
            {"initiator_type": "AUTOMATION", "conversation": talked_about("t3"), "topics": TOPICS},
            "looks-like-spam",
        ),
        (
            {"not_spam": True, "spam_topics": ["Spam"]},
            {
                "initiator_type": "AUTOMATION",
                "conversation": talked_about("t1"),
                "topics": TOPICS,
                "messages": TALK,
            },
            PASSES,
        ),
        ({}, {"profile": CustomerProfile("c1", "Ada", [])}, "customer-has-no-email"),
        ({"once_in_days": 30}, {"asked": Asked(customer_at=NOW - timedelta(days=30))}, PASSES),
        ({"once_in_days": 30}, {"asked": Asked(customer_at=NOW - timedelta(days=29))}, "asked-lately"),
        ({}, {"asked": Asked(customer_at=NOW)}, PASSES),
    ],
)
async def test_a_rule_says_so_and_asks_for_no_more_than_it_needs(
    facts_of: Any, wanted: dict[str, Any], told: dict[str, Any], code: str | None
) -> None:
    eligibility = msgspec.convert(wanted, Eligibility)
    verdict = await judge(eligibility, facts_of(**{"profile": PROFILE, **told}), Nothing())
    assert (verdict.code if isinstance(verdict, Reason) else verdict) == code
    if isinstance(verdict, Reason) and code != "customer-has-no-email":
        assert verdict.values, "the values that decided it are shown"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"only_inboxes": ["Gone"]}, {"inboxes": INBOXES}),
        ({"not_topics": ["Do not survey"]}, {"conversation": talked_about("t1"), "topics": TOPICS}),
    ],
)
async def test_an_inbox_or_a_topic_that_gladly_does_not_have_is_an_error_and_never_a_silent_pass(
    facts_of: Any, wanted: dict[str, Any], told: dict[str, Any]
) -> None:
    with pytest.raises(Permanent) as failed:
        await judge(msgspec.convert(wanted, Eligibility), facts_of(profile=PROFILE, **told), Nothing())
    assert failed.value.reason.code == "gladly-name-unknown"


async def test_rules_that_need_no_call_decide_before_those_that_do(facts_of: Any) -> None:
    asked_for: list[str] = []

    class Counting:
        async def find(self, need: str, facts: Any) -> None:
            asked_for.append(need)
            found = {
                "profile": PROFILE,
                "conversation": talked_about("t1"),
                "messages": TALK,
                "topics": TOPICS,
            }
            setattr(facts, need, found[need])

    everything = Eligibility(
        only_agents=("a1",), not_topics=("Spam",), least_messages=9, not_channels=("SMS",), once_in_days=9
    )
    facts = facts_of(agent_id="", credit="wrote-last")
    verdict = await judge(everything, facts, Counting())
    assert isinstance(verdict, Reason)
    assert verdict.code == "conversation-too-short"
    assert asked_for == ["profile", "conversation", "topics", "messages"]


def test_each_rule_is_off_until_it_is_set(facts_of: Any) -> None:
    always = {"age of the closing", "same case", "email address"}
    facts = facts_of(asked=None)
    for rule in RULES:
        if rule.name in always:
            continue
        assert rule.judge(Eligibility(), facts) is None
    assert frozenset().union(*COSTS)


def test_a_share_is_the_same_whenever_it_is_asked_and_a_larger_one_holds_the_smaller(facts_of: Any) -> None:
    share = next(rule for rule in RULES if rule.name == "share")
    conversations = [f"conversation{number}" for number in range(2000)]

    def chosen(percent: float, workflow: str = "OC_1") -> set[str]:
        wanted = Eligibility(share_percent=percent)
        return {
            one
            for one in conversations
            if share.judge(wanted, facts_of(conversation_id=one, workflow_id=workflow)) is None
        }

    quarter = chosen(25)
    assert quarter == chosen(25)
    assert 400 < len(quarter) < 600
    assert quarter < chosen(50)
    assert quarter != chosen(25, "OC_2")


def test_a_share_without_a_conversation_goes_by_the_run(facts_of: Any) -> None:
    share = next(rule for rule in RULES if rule.name == "share")
    wanted = Eligibility(share_percent=50)
    outcomes = {
        share.judge(wanted, facts_of(conversation_id="", key=f"run{number}/T-1")) is None
        for number in range(50)
    }
    assert outcomes == {True, False}


def test_what_is_missing_is_told_by_name(facts_of: Any) -> None:
    topics = next(rule for rule in RULES if rule.name == "topics")
    with pytest.raises(Missing) as missing:
        topics.judge(Eligibility(only_topics=("t1",)), facts_of())
    assert missing.value.need == "conversation"
