"""The guide's JSON event: what the *Gladly Qualtrics App* tells of a closed Conversation, in seven fields."""

import msgspec


class GuideJsonEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of them are always there, as text, empty when unknown. Qualtrics reads them by these names (step 7)."""

    customer_id: str
    conversation_id: str
    customer_first_name: str
    customer_last_names: str
    customer_email_address: str
    agent_id: str
    inbox_id: str


FIELDS: tuple[str, ...] = GuideJsonEvent.__struct_encode_fields__
"""Their names, in the guide's order."""

EMBEDDED_DATA = ("customerId", "conversationId", "agentId", "inboxId")
"""Which of it goes along with the Distribution, and comes back with the Response."""
