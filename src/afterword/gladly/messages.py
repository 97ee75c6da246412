"""What was said in a conversation, of its items: who, where, when and how much, and never what."""

from datetime import datetime

import msgspec

from afterword.gladly.initiators import Party, party
from afterword.gladly.items import ConversationItem
from afterword.gladly.models import Limited


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message or a call. An answered call is by both who were in it; ``agent_id`` is that of the agent, if any.

    ``channel`` is in the words of the webhooks (``items.CHANNELS``).
    """

    at: datetime | None
    by: frozenset[Party]
    agent_id: str = ""
    channel: str
    characters: int = 0


class Messages(msgspec.Struct, frozen=True):
    """A conversation's messages, oldest first; ``is_whole`` unless it has more items than Gladly lists (1,000)."""

    messages: tuple[Message, ...] = ()
    is_whole: bool = True

    def until(self, moment: datetime | None) -> "Messages":
        """Those that were there at a moment; all for ``None``."""
        if moment is None:
            return self
        return Messages(
            tuple(one for one in self.messages if one.at is None or one.at <= moment), self.is_whole
        )


def messages_of(listed: Limited[ConversationItem]) -> Messages:
    """The messages among a conversation's items."""
    found = (_message(item) for item in listed.items)
    return Messages(tuple(one for one in found if one is not None), not listed.is_cut)


def _message(item: ConversationItem) -> Message | None:
    channel = item.channel
    if channel is None:
        return None
    answered_by = item.responder if item.content.answered_at else None
    who = [one for one in (item.initiator, answered_by) if one is not None]
    parties = [(party(one.type, one.id), one.id or "") for one in who]
    return Message(
        at=item.timestamp,
        by=frozenset(one for one, _ in parties),
        agent_id=next((id_ for one, id_ in parties if one == "agent"), ""),
        channel=channel,
        characters=len(item.text.strip()),
    )
