"""Contacts: one exchange with a customer on one channel, within a conversation.

A contact starts with the first message on its channel, from whichever side, is fulfilled when an agent answers, and
ends at the latest with its conversation. Gladly ends a quiet chat by itself after a while; here it lasts.
"""

import sqlite3

from afterword_sandbox.clock import now
from afterword_sandbox.company.events import Actor, assignee, emit
from afterword_sandbox.identifiers import seeded_id
from afterword_sandbox.store import Store

INBOUND = frozenset({"CUSTOMER", "INTERNAL", "EXTERNAL"})
"""Who has to begin a contact for it to be an inbound one."""

AGENTS = frozenset({"AGENT", "API"})
"""Who answers as an agent of the company: a contact can be theirs, which it cannot be a rule's or Gladly AI's."""


def _emit(
    store: Store,
    action: str,
    conversation: sqlite3.Row,
    contact: sqlite3.Row,
    initiator: Actor,
    **more: object,
) -> None:
    content: dict[str, object] = {
        "channel": contact["channel"],
        "contactId": contact["id"],
        "customerId": conversation["customer_id"],
        "conversationId": conversation["id"],
        **more,
        "context": {"assignee": assignee(conversation["inbox_id"], conversation["agent_id"])},
    }
    emit(store, f"CONTACT/{action}", content, initiator)


def _row_of(store: Store, contact_id: str) -> sqlite3.Row:
    row = store.one("SELECT * FROM contacts WHERE id = ?", (contact_id,))
    assert row is not None  # noqa: S101 -- the caller has just written it
    return row


def open_or_start(
    store: Store, conversation: sqlite3.Row, channel: str, initiator: Actor, entry_point: str | None
) -> sqlite3.Row:
    """Return the conversation's open contact on this channel, started if there is none.

    ``entry_point`` is the company's address that the customer wrote to.
    """
    found = store.one(
        "SELECT * FROM contacts WHERE conversation_id = ? AND channel = ? AND ended_at IS NULL",
        (conversation["id"], channel),
    )
    if found is not None:
        return found
    contact_id = seeded_id(f"contact {conversation['id']} {channel} {now()}")
    store.insert(
        "contacts",
        {
            "id": contact_id,
            "conversation_id": conversation["id"],
            "customer_id": conversation["customer_id"],
            "channel": channel,
            "started_at": now(),
            "initiator_id": initiator.id,
            "initiator_type": initiator.type,
            "inbox_id": conversation["inbox_id"],
            "entry_point": entry_point if initiator.type in INBOUND else None,
        },
    )
    contact = _row_of(store, contact_id)
    more = {} if contact["entry_point"] is None else {"entryPoint": contact["entry_point"]}
    _emit(store, "STARTED", conversation, contact, initiator, **more)
    return contact


def note_received(
    store: Store, conversation: sqlite3.Row, contact: sqlite3.Row, initiator: Actor, item_id: str
) -> None:
    """Tell that a message came in; a phone call is told by its start only, as Gladly does."""
    if contact["channel"] != "PHONE_CALL":
        _emit(store, "MESSAGE_RECEIVED", conversation, contact, initiator, messageId=item_id)


def note_sent(
    store: Store, conversation: sqlite3.Row, contact: sqlite3.Row, initiator: Actor, item_id: str
) -> None:
    """Tell that an answer went out: the contact has an agent now, if one answered, and an inbound one is fulfilled.

    What is said on the phone is no message.
    """
    if contact["channel"] not in {"PHONE_CALL", "VOICEMAIL"}:
        _emit(store, "MESSAGE_SENT", conversation, contact, initiator, messageId=item_id)
    if initiator.type in AGENTS:
        store.execute(
            "UPDATE contacts SET agent_id = coalesce(agent_id, :agent), accepted_at = coalesce(accepted_at, :at), "
            "accepted_inbox_id = coalesce(accepted_inbox_id, :inbox) WHERE id = :id",
            {"agent": initiator.id, "at": now(), "inbox": conversation["inbox_id"], "id": contact["id"]},
        )
    if contact["initiator_type"] in INBOUND and contact["fulfilled_at"] is None:
        store.execute("UPDATE contacts SET fulfilled_at = ? WHERE id = ?", (now(), contact["id"]))
        _emit(store, "FULFILLED", conversation, contact, initiator, fulfilledType="RESPONDED")


def end_all(store: Store, conversation: sqlite3.Row, initiator: Actor, reason: str) -> None:
    """End every contact of a conversation that is still open, for one of Gladly's reasons."""
    for contact in store.all(
        "SELECT * FROM contacts WHERE conversation_id = ? AND ended_at IS NULL ORDER BY started_at, rowid",
        (conversation["id"],),
    ):
        status = "UNANSWERED" if contact["accepted_at"] is None else "ANSWERED"
        store.execute(
            "UPDATE contacts SET ended_at = ?, end_status = ? WHERE id = ?", (now(), status, contact["id"])
        )
        _emit(store, "ENDED", conversation, contact, initiator, status=status, reason=reason)
