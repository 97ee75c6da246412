"""What Gladly's records tell of a conversation, in the form in which a webhook would have told it."""

import msgspec

from afterword.gladly.models import ConversationMoment
from afterword.gladly.times import rfc3339_millis


class _Initiator(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str | None = None
    type: str | None = None


class _Assignee(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    inbox_id: str | None = None
    agent_id: str | None = None


class _Context(msgspec.Struct, frozen=True):
    assignee: _Assignee


class _Content(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    customer_id: str
    conversation_id: str
    context: _Context | None = None


class _Retold(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    type: str
    timestamp: str
    initiator: _Initiator
    content: _Content
    retold_from: str


def as_webhook(moment: ConversationMoment, *, event_id: str, record: str) -> str:
    """The body of a webhook that tells of ``moment``; ``webhooks.parse`` reads it as any other.

    Records have no ids of events: ``event_id`` is ours. ``record`` names where it stands, and is kept as
    ``retoldFrom``, which Gladly never sends. Who did it is told in the report in words (``Agent``), which elsewhere are
    constants (``AGENT``). Without an inbox there is no assignee: it is looked up when it is needed.

    Raises:
        ValueError: the record names no customer.
    """
    if not moment.customer_id:
        raise ValueError("it names no customer")
    assignee = _Context(_Assignee(moment.inbox_id, moment.agent_id)) if moment.inbox_id else None
    retold = _Retold(
        id=event_id,
        type=moment.type,
        timestamp=rfc3339_millis(moment.at),
        initiator=_Initiator(moment.initiator_id, moment.initiator_type and moment.initiator_type.upper()),
        content=_Content(moment.customer_id, moment.conversation_id, assignee),
        retold_from=record,
    )
    return msgspec.json.encode(retold).decode()
