"""Closings, and what is known of them, as a test needs them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from afterword.eligibility.facts import Asked, Closing, Facts
from afterword.gladly.messages import Message, Messages

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""A Wednesday."""

FactsOf = Callable[..., Facts]


@pytest.fixture
def facts_of() -> FactsOf:
    """``facts_of(agent_id="a1", messages=…)``: facts of a closing a minute ago; what is not given is not known.

    Names of the closing's own fields go to the closing.
    """

    def make(**told: Any) -> Facts:
        fields = {
            "key": "run/T-1",
            "account_id": "GA_1",
            "customer_id": "c1",
            "conversation_id": "conversation1",
            "workflow_id": "OC_1",
            "agent_id": "a1",
            "inbox_id": "i1",
            "closed_at": NOW - timedelta(minutes=1),
            "initiator_type": "AGENT",
            "initiator_id": "a1",
        }
        closing = Closing(**{name: told.pop(name, value) for name, value in fields.items()})
        return Facts(**{"closing": closing, "now": NOW, "asked": Asked(), **told})

    return make


def said(by: str, *, agent_id: str = "", channel: Any = "EMAIL", characters: int = 10) -> Message:
    """A message of a conversation."""
    party: Any = by
    return Message(
        at=NOW,
        by=frozenset({party}),
        agent_id=agent_id or ("a1" if by == "agent" else ""),
        channel=channel,
        characters=characters,
    )


def conversation(*messages: Message, is_whole: bool = True) -> Messages:
    return Messages(messages, is_whole)
