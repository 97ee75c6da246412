"""Conversation items: messages, changes of status and topics, and the activities on a customer's timeline."""

import sqlite3
from datetime import UTC, datetime

import msgspec

from afterword_sandbox import settings
from afterword_sandbox.clock import format_time, now, parse_time
from afterword_sandbox.company.customers import row_of
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

CONVERSATION_LIMIT = 1000
ACTIVITY = "CUSTOMER_ACTIVITY"
TASK = "TASK"


def wire(row: sqlite3.Row) -> dict[str, object]:
    """Return an item as Gladly's API shows it."""
    item: dict[str, object] = {"id": row["id"], "customerId": row["customer_id"]}
    if row["conversation_id"] is not None:
        item["conversationId"] = row["conversation_id"]
    item["timestamp"] = row["timestamp"]
    item["initiator"] = {"id": row["initiator_id"], "type": row["initiator_type"]}
    if row["responder_id"] is not None:
        item["responder"] = {"id": row["responder_id"], "type": row["responder_type"]}
    item["content"] = msgspec.json.decode(row["content"])
    return item


def add(
    store: Store,
    customer_id: str,
    content: dict[str, object],
    initiator: Actor,
    *,
    conversation_id: str | None = None,
    responder: Actor | None = None,
    item_id: str | None = None,
    at: str | None = None,
) -> str:
    """Put an item on the customer's timeline and return its id; an activity stands where it occurred."""
    item_id = item_id or new_id()
    at = at or now()
    occurred_at = content.get("occurredAt")
    occurred = parse_time(occurred_at) if isinstance(occurred_at, str) else None
    store.insert(
        "items",
        {
            "id": item_id,
            "customer_id": customer_id,
            "conversation_id": conversation_id,
            "timestamp": at,
            "shown_at": format_time(occurred) if occurred else at,
            "type": str(content["type"]),
            "initiator_id": initiator.id,
            "initiator_type": initiator.type,
            "responder_id": responder.id if responder else None,
            "responder_type": responder.type if responder else None,
            "content": msgspec.json.encode(content).decode(),
        },
    )
    store.changes.customer_ids.add(customer_id)
    return item_id


def refuse_taken(store: Store, item_id: str | None, detail: str) -> None:
    """Refuse an id that an item or a task has, or that a deleted one had if the settings say so."""
    switches = settings.read(store)
    also_deleted = " UNION ALL SELECT 1 FROM deleted_items WHERE id = :id"
    sql = f"SELECT 1 FROM items WHERE id = :id{also_deleted if switches.deleted_item_id == 'taken' else ''}"  # noqa: S608
    if item_id is not None and store.one(sql, {"id": item_id}):
        raise refusal(switches.taken_item_status, "taken", detail, attr="newConversationItems")


def create_activity(
    store: Store, customer_id: str, content: dict[str, object], initiator: Actor, item_id: str | None
) -> dict[str, object]:
    """Put an activity on a customer's timeline and return the item; raises 404, and 409 when the id is in
    use.
    """
    row_of(store, customer_id)
    refuse_taken(store, item_id, "conversation item already exists")
    at = now()
    created_id = add(store, customer_id, {**content, "receivedAt": at}, initiator, item_id=item_id, at=at)
    return get(store, created_id)


def get(store: Store, item_id: str) -> dict[str, object]:
    """Return one item; raises 404, and 400 for a task, which Gladly's items do not show."""
    row = store.one("SELECT * FROM items WHERE id = ?", (item_id,))
    if row is None:
        raise not_found("conversation item")
    if row["type"] == TASK:
        raise refusal(400, "invalid", "the conversation item exists but is not supported by the API")
    return wire(row)


def delete(store: Store, item_id: str, customer_id: str | None = None) -> None:
    """Delete an activity, of this customer if one is named. Raises 404, and 400 for others."""
    row = store.one("SELECT type, customer_id FROM items WHERE id = ?", (item_id,))
    if row is None or customer_id not in {None, row["customer_id"]}:
        raise not_found("conversation item")
    if row["type"] != ACTIVITY:
        raise refusal(400, "invalid", "only a customer activity can be deleted")
    store.execute("DELETE FROM items WHERE id = ?", (item_id,))
    store.execute("INSERT OR IGNORE INTO deleted_items (id) VALUES (?)", (item_id,))
    store.changes.customer_ids.add(row["customer_id"])


REDACTABLE = frozenset({"CHAT_MESSAGE", "EMAIL", "PHONE_CALL", "SMS", "TWITTER", "VOICEMAIL", "WHATSAPP"})
"""The types whose content Gladly documents that it can remove."""

_REDACTED: dict[str, object] = {
    "content": "",
    "subject": "",
    "recordingStatus": "DELETED",
    "recordingUrl": "",
    "recordingSummary": {"status": "REDACTED", "summary": "", "language": ""},
}


def redact(store: Store, item_id: str) -> None:
    """Remove what was said in an item, which stays; raises 404, and 400 for a type that cannot be redacted."""
    row = store.one("SELECT type, customer_id, content FROM items WHERE id = ?", (item_id,))
    if row is None:
        raise not_found("conversation item")
    if row["type"] not in REDACTABLE:
        raise refusal(400, "invalid", f"type [{row['type']}] is not supported")
    content = msgspec.json.decode(row["content"], type=dict[str, object])
    content |= {key: value for key, value in _REDACTED.items() if key in content}
    content.pop("messageData", None)
    store.execute(
        "UPDATE items SET content = ? WHERE id = ?", (msgspec.json.encode(content).decode(), item_id)
    )
    store.changes.customer_ids.add(row["customer_id"])


def of_conversation(
    store: Store, conversation_id: str, session_id: str | None = None
) -> tuple[list[dict[str, object]], bool]:
    """Return a conversation's items, or a session's of it, oldest first, and whether there were more."""
    rows = store.all(
        "SELECT * FROM items WHERE conversation_id = :conversation "
        "AND (:session IS NULL OR json_extract(content, '$.sessionId') = :session) "
        "ORDER BY timestamp, position LIMIT :limit",
        {"conversation": conversation_id, "session": session_id, "limit": CONVERSATION_LIMIT + 1},
    )
    return [wire(row) for row in rows[:CONVERSATION_LIMIT]], len(rows) > CONVERSATION_LIMIT


def timeline(store: Store, customer_id: str) -> list[dict[str, object]]:
    """Return everything that the timeline of a customer shows, oldest first; raises 404."""
    row_of(store, customer_id)
    rows = store.all("SELECT * FROM items WHERE customer_id = ? ORDER BY shown_at, position", (customer_id,))
    return [wire(row) for row in rows]


def is_older_than_a_year(moment: datetime) -> bool:
    """Say whether an activity occurred too long ago for Gladly to take it."""
    today = datetime.now(UTC)
    try:
        return moment < today.replace(year=today.year - 1)
    except ValueError:
        return moment < today.replace(year=today.year - 1, day=28)
