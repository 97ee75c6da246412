"""Moments put together: each conversation with its closings, and those of one customer in order of time. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from afterword.eligibility.facts import Closing
from afterword.events.closings import Closing as ToldClosing
from afterword.events.closings import sort_out
from afterword.previewing.moments import Moment

MOST_LOOKED_AT = 300
"""Conversations of which Gladly is asked for what the records do not tell: a call or three for each."""


class Conversation(msgspec.Struct, frozen=True):
    """A conversation that was closed, with its closings, the oldest first; several tellings of one closing are one."""

    id: str
    customer_id: str
    closings: tuple[Closing, ...]

    @property
    def closed_at(self) -> tuple[datetime, ...]:
        """When it was closed."""
        return tuple(one.closed_at for one in self.closings if one.closed_at is not None)


def conversations_of(moments: Iterable[Moment], account_id: str, workflow_id: str) -> list[Conversation]:
    """The conversations that were closed; ``moments`` are sorted by conversation."""
    found = []
    for conversation_id, of_it in groupby(moments, key=lambda one: one.conversation_id):
        told = list(of_it)
        closings = [_closing(one, account_id, workflow_id) for one in _closings(told)]
        if closings:
            found.append(Conversation(conversation_id, closings[-1].customer_id, tuple(closings)))
    return found


def by_customer(conversations: Iterable[Conversation]) -> list[list[Conversation]]:
    """The conversations of each customer, the customers in an order that is by chance and yet always the same."""
    customers: dict[str, list[Conversation]] = {}
    for one in conversations:
        customers.setdefault(one.customer_id, []).append(one)
    return [customers[customer_id] for customer_id in sorted(customers, key=_place)]


def sample(customers: Sequence[list[Conversation]]) -> list[list[Conversation]]:
    """The first customers, with all of their conversations, until there are so many conversations."""
    drawn: list[list[Conversation]] = []
    conversations = 0
    for one in customers:
        if drawn and conversations + len(one) > MOST_LOOKED_AT:
            break
        drawn.append(one)
        conversations += len(one)
    return drawn


def _place(customer_id: str) -> bytes:
    return hashlib.sha256(customer_id.encode()).digest()


def _closings(told: Sequence[Moment]) -> list[Moment]:
    """Each closing once, whichever records tell of it."""
    closings = [one for one in told if one.is_closing]
    verdicts = sort_out(
        (),
        [
            ToldClosing(number, one.occurred_at, one.found_in, one.latest)
            for number, one in enumerate(closings)
        ],
        [one.occurred_at for one in told if not one.is_closing],
    )
    return [one for number, one in enumerate(closings) if verdicts[number] is None]


def _closing(moment: Moment, account_id: str, workflow_id: str) -> Closing:
    return Closing(
        key=f"preview/{moment.conversation_id}/{moment.occurred_at.isoformat()}",
        account_id=account_id,
        customer_id=moment.customer_id,
        conversation_id=moment.conversation_id,
        workflow_id=workflow_id,
        agent_id=moment.agent_id,
        inbox_id=moment.inbox_id,
        closed_at=moment.occurred_at,
        initiator_type=moment.initiator_type,
        initiator_id=moment.initiator_id,
    )
