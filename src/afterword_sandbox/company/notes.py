"""What agents note down in a conversation: notes, and freeform topics (custom attributes) with a value each."""

import sqlite3
from typing import NamedTuple

from afterword_sandbox.clock import now
from afterword_sandbox.company import conversations, items
from afterword_sandbox.company.events import Actor, emit
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

NOTE = "CONVERSATION_NOTE"


def add(store: Store, conversation_id: str, body: str, writer: Actor) -> str:
    """Add a note to a conversation, open or closed, and return its id; raises 404."""
    row = conversations.row_of(store, conversation_id)
    content: dict[str, object] = {"type": NOTE, "body": body}
    note_id = items.add(store, row["customer_id"], content, writer, conversation_id=conversation_id)
    told = {"noteId": note_id, "customerId": row["customer_id"], "conversationId": conversation_id}
    emit(store, "CONVERSATION/NOTE_CREATED", {**told}, writer)
    return note_id


def note(store: Store, conversation_id: str, note_id: str) -> dict[str, object]:
    """Return a note of a conversation; raises 404."""
    row = store.one(
        "SELECT * FROM items WHERE id = ? AND conversation_id = ? AND type = ?",
        (note_id, conversation_id, NOTE),
    )
    if row is None:
        raise not_found("note")
    return items.wire(row)


class Attribute(NamedTuple):
    """A freeform topic and its value."""

    key: str
    value: str


def _attribute_row(store: Store, key: str) -> sqlite3.Row:
    row = store.one("SELECT * FROM custom_attributes WHERE key = ? AND NOT deactivated", (key,))
    if row is None:
        raise refusal(400, "not_exist", "entity does not exist")
    return row


def change_attributes(
    store: Store,
    place: tuple[str, str],
    add_these: list[Attribute],
    remove_these: list[Attribute],
    initiator: Actor,
) -> None:
    """Add and remove freeform topics of a customer's conversation; those that are (not) there are ignored.

    Raises 404 when the customer has no such conversation, 400 for an unknown key.
    """
    customer_id, conversation_id = place
    row = conversations.row_of(store, conversation_id)
    if row["customer_id"] != customer_id:
        raise not_found("conversation")
    for sql, action, attributes in (
        ("INSERT OR IGNORE INTO conversation_attributes VALUES (?, ?, ?)", "ADDED", add_these),
        (
            "DELETE FROM conversation_attributes WHERE conversation_id = ? AND attribute_id = ? AND value = ?",
            "REMOVED",
            remove_these,
        ),
    ):
        for attribute in attributes:
            found = _attribute_row(store, attribute.key)
            if not store.execute(sql, (conversation_id, found["id"], attribute.value)):
                continue
            told = {
                "customerId": customer_id,
                "conversationId": conversation_id,
                "customAttributeId": found["id"],
                "customAttributeKey": attribute.key,
                "customAttributeValue": attribute.value,
            }
            emit(store, f"CONVERSATION/CUSTOM_ATTRIBUTE_{action}", {**told}, initiator)
    store.changes.customer_ids.add(customer_id)


def define_attribute(store: Store, key: str, label: str, creator: Actor) -> str:
    """Define a freeform topic, which Gladly does in its settings only, and return its id; raises 409."""
    if store.one("SELECT 1 FROM custom_attributes WHERE key = ?", (key,)):
        raise refusal(409, "taken", "another custom attribute has this key", attr="key")
    row = {"id": new_id(), "key": key, "label": label, "created_at": now(), "created_by": creator.id}
    store.insert("custom_attributes", row)
    return row["id"]


def attribute(store: Store, attribute_id: str) -> dict[str, object]:
    """Return a freeform topic's definition; raises 404 in the words that Gladly documents."""
    row = store.one("SELECT * FROM custom_attributes WHERE id = ?", (attribute_id,))
    if row is None:
        raise refusal(404, "not_exist", f"custom attribute {attribute_id} does not exist")
    return {
        "id": row["id"],
        "key": row["key"],
        "label": row["label"],
        "deactivated": bool(row["deactivated"]),
        "createdAt": row["created_at"],
        "createdBy": row["created_by"],
    }
