"""Conversation items: what was said and what happened in a conversation, as far as Afterword looks at it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from afterword.gladly.models import Participant

CHANNELS: Mapping[str, str] = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "PHONE_CALL": "PHONE_CALL",
    "SMS": "SMS",
    "TWITTER": "TWITTER",
    "VOICE_AI_MESSAGE": "PHONE_CALL",
    "VOICEMAIL": "VOICEMAIL",
    "WHATSAPP": "WHATSAPP",
}
"""The channel that each type of content came by, in the words of the webhooks' ``channel``."""
CUSTOM_CHANNEL = "CUSTOM"
"""Ours, for a channel that an organization made: its messages have types of their own."""


class ItemContent(msgspec.Struct, frozen=True, rename="camel"):
    """What an item holds, of any type: what a type does not have, or has in a form of its own, is ``None``.

    ``content`` and ``body`` are the text of most messages; a custom channel's ``content`` is an object. A call that was
    missed has no ``answered_at``.
    """

    type: str
    content: str | dict[str, object] | None = None
    body: str | None = None
    subject: str | None = None
    status: str | dict[str, object] | None = None
    custom_channel_id: str | None = None
    answered_at: str | None = None
    activity_type: str | None = None
    title: str | None = None
    source_name: str | None = None


class ConversationItem(msgspec.Struct, frozen=True, rename="camel"):
    """An item of a conversation, or, without ``conversation_id``, of a customer's timeline alone.

    ``initiator`` is who wrote or did it; its type tells the direction of a message: CUSTOMER wrote to us, AGENT to the
    customer, AUTOMATION is a rule, API a program, SYSTEM Gladly itself or its AI.
    """

    id: str
    content: ItemContent
    customer_id: str | None = None
    conversation_id: str | None = None
    timestamp: datetime | None = None
    initiator: Participant | None = None
    responder: Participant | None = None

    @property
    def channel(self) -> str | None:
        """The channel it came by, in the words of the webhooks; ``None`` for what is no message and no call."""
        if self.content.custom_channel_id is not None:
            return CUSTOM_CHANNEL
        return CHANNELS.get(self.content.type)

    @property
    def is_message(self) -> bool:
        """Whether somebody said something to somebody: a message of any channel, a call, a voicemail."""
        return self.channel is not None

    @property
    def text(self) -> str:
        """What was written, in plain text as Gladly gives it; empty for what was spoken."""
        content = self.content.content
        if isinstance(content, dict):
            content = next(
                (part for name in ("text", "caption") if isinstance(part := content.get(name), str)), None
            )
        return content or self.content.body or ""

    def is_from(self, kind: str) -> bool:
        """Whether its initiator is of this type: ``CUSTOMER``, ``AGENT`` …"""
        return self.initiator is not None and self.initiator.type == kind
