"""Which agent is credited: by the rule that is set, or else by the next, and why is told."""

from typing import Any

import pytest
from tests.eligibility.conftest import conversation, said

from afterword.eligibility.credit import credited
from afterword.gladly.models import Conversation

TALK = conversation(said("agent", agent_id="first"), said("agent", agent_id="last"), said("customer"))


@pytest.mark.parametrize(
    ("told", "agent", "why"),
    [
        ({}, "a1", "the assignee at closing"),
        ({"credit": "wrote-last", "messages": TALK}, "last", "who wrote last"),
        ({"credit": "closed", "initiator_id": "closer"}, "closer", "who closed it"),
        (
            {"agent_id": "", "messages": TALK},
            "last",
            "who wrote last (nobody was assigned at closing)",
        ),
        (
            {"agent_id": "", "messages": conversation(), "initiator_id": "closer"},
            "closer",
            "who closed it (nobody was assigned at closing, no agent wrote)",
        ),
        (
            {"credit": "closed", "initiator_type": "AUTOMATION", "initiator_id": "rule"},
            "a1",
            "the assignee at closing (no agent closed it)",
        ),
        (
            {"credit": "wrote-last", "messages": conversation(said("customer")), "initiator_id": "closer"},
            "closer",
            "who closed it (no agent wrote)",
        ),
        (
            {"agent_id": "", "messages": conversation(), "initiator_type": "API", "initiator_id": "program"},
            "",
            "nobody (nobody was assigned at closing, no agent wrote, no agent closed it)",
        ),
        (
            {"agent_id": "", "inbox_id": "", "conversation": Conversation("c", "c1", "i9", "a9")},
            "a9",
            "the assignee at closing",
        ),
        ({"agent_id": "", "conversation_id": "", "initiator_id": "closer"}, "closer", None),
    ],
)
def test_the_agent_and_by_which_rule(
    facts_of: Any, told: dict[str, Any], agent: str, why: str | None
) -> None:
    found = credited(facts_of(**told))
    assert found.agent_id == agent
    assert why is None or found.why == why
