"""What is known of a closing. Rules read it as if all were there; what is missing is found, and they go again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from afterword.eligibility.settings import Credit
from afterword.gladly.messages import Messages
from afterword.gladly.models import Agent, Conversation, CustomerProfile, Inbox, Topic

Need = Literal["asked", "time zone", "agent", "inboxes", "profile", "conversation", "topics", "messages"]
"""What has to be found out: in our own database, in Gladly's lists (which are remembered), or by a call of Gladly."""

T = TypeVar("T")


class Missing(Exception):
    """A rule needs what is not known yet."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.need: Need = need


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """A closing as the event told it; what it did not tell is empty.

    ``key`` is that of the call that would ask; the same call is never held against itself. ``workflow_id`` is empty
    where no workflow was saved yet.
    """

    key: str
    account_id: str
    customer_id: str
    conversation_id: str = ""
    workflow_id: str = ""
    run_id: int | None = None
    agent_id: str = ""
    inbox_id: str = ""
    closed_at: datetime | None = None
    initiator_type: str = ""
    initiator_id: str = ""


class Asked(msgspec.Struct, frozen=True):
    """Who was asked, or is about to be, by others than this closing's own call.

    ``closings`` are all closings of the conversation that were told; ``in_conversation`` those of them of which the
    customer was asked; ``customer_at`` when the customer was asked last, of whatever conversation. ``own_state`` is how
    an earlier attempt of the call itself left it.
    """

    closings: tuple[datetime, ...] = ()
    in_conversation: tuple[datetime, ...] = ()
    customer_at: datetime | None = None
    own_state: str = ""


class Facts(msgspec.Struct, kw_only=True):
    """What is known so far; ``None`` is what was not looked for. ``now`` is the moment of judging.

    ``credit`` is the setting that says which agent is credited, ``agent`` is who that is, without names if Gladly knows
    none; ``messages`` are those up to the closing.
    """

    closing: Closing
    now: datetime
    credit: Credit = "assignee"
    asked: Asked | None = None
    time_zone: str | None = None
    agent: Agent | None = None
    inboxes: Sequence[Inbox] | None = None
    topics: Sequence[Topic] | None = None
    profile: CustomerProfile | None = None
    conversation: Conversation | None = None
    messages: Messages | None = None


def needed(fact: T | None, need: Need) -> T:
    """A fact that a rule cannot do without.

    Raises:
        Missing: it is not known yet.
    """
    if fact is None:
        raise Missing(need)
    return fact


def inbox_of(facts: Facts) -> str:
    """The inbox at closing: the event's, or the conversation's where the event told none."""
    closing = facts.closing
    if closing.inbox_id or not closing.conversation_id:
        return closing.inbox_id
    return needed(facts.conversation, "conversation").inbox_id or ""


def is_one_of(wanted: Collection[str], names: Collection[str | None]) -> bool:
    """Whether one of a thing's names (its id among them) is wanted, without regard to case."""
    known = {name.strip().casefold() for name in names if name}
    return any(name.strip().casefold() in known for name in wanted)
