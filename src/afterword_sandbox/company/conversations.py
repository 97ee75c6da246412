"""Conversations: how they open, are assigned, closed and reopened, with the items and events that each change
makes.

Every event carries ``context.assignee``, which Gladly documents as the state just before the event.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from afterword_sandbox import settings
from afterword_sandbox.clock import now
from afterword_sandbox.company import contacts, items
from afterword_sandbox.company.customers import row_of as customer_row_of
from afterword_sandbox.company.events import Actor, assignee, emit
from afterword_sandbox.errors import invalid_state, not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

CUSTOMER_LIMIT = 100

_WITH_TOPICS = (
    "SELECT conversations.*, (SELECT json_group_array(topic_id) FROM (SELECT topic_id "
    "FROM conversation_topics WHERE conversation_id = conversations.id ORDER BY rowid)) AS topic_ids, "
    "(SELECT json_group_array(json_object('id', attribute_id, 'value', value)) FROM (SELECT attribute_id, value "
    "FROM conversation_attributes WHERE conversation_id = conversations.id ORDER BY rowid)) AS attributes "
    "FROM conversations"
)


def row_of(store: Store, conversation_id: str) -> sqlite3.Row:
    """Return a conversation's row; raises 404."""
    row = store.one(f"{_WITH_TOPICS} WHERE id = ?", (conversation_id,))
    if row is None:
        raise not_found("conversation")
    return row


def wire(row: sqlite3.Row) -> dict[str, object]:
    """Return a conversation as Gladly's API shows it."""
    conversation: dict[str, object] = {
        "id": row["id"],
        "customerId": row["customer_id"],
        "inboxId": row["inbox_id"],
        "topicIds": msgspec.json.decode(row["topic_ids"]),
        "createdAt": row["created_at"],
        "status": row["status"],
    }
    if row["agent_id"] is not None:
        conversation["agentId"] = row["agent_id"]
    if row["attributes"] != "[]":
        conversation["customAttributes"] = msgspec.json.decode(row["attributes"])
    if row["closed_at"] is not None:
        conversation["closedAt"] = row["closed_at"]
    return conversation


def of_customer(store: Store, customer_id: str) -> tuple[list[dict[str, object]], bool]:
    """Return a customer's conversations, oldest first, and whether there were more; raises 404."""
    customer_row_of(store, customer_id)
    rows = store.all(
        f"{_WITH_TOPICS} WHERE customer_id = ? ORDER BY created_at, id LIMIT ?",
        (customer_id, CUSTOMER_LIMIT + 1),
    )
    return [wire(row) for row in rows[:CUSTOMER_LIMIT]], len(rows) > CUSTOMER_LIMIT


def latest_of_customer(store: Store, customer_id: str) -> sqlite3.Row | None:
    """Return a customer's open conversation, else the newest, or None."""
    return store.one(
        "SELECT * FROM conversations WHERE customer_id = ? "
        "ORDER BY status = 'CLOSED', created_at DESC, id DESC LIMIT 1",
        (customer_id,),
    )


def _emit(store: Store, event_type: str, row: sqlite3.Row, initiator: Actor, **more: object) -> None:
    content: dict[str, object] = {"customerId": row["customer_id"], "conversationId": row["id"]}
    context = {"context": {"assignee": assignee(row["inbox_id"], row["agent_id"])}}
    emit(store, event_type, {**content, **more, **context}, initiator)


def _emit_status(store: Store, row: sqlite3.Row) -> None:
    emit(
        store,
        "CONVERSATION_STATUS/UPDATED",
        {"conversationId": row["id"], "customerId": row["customer_id"]},
    )


def _note_status_change(store: Store, row: sqlite3.Row, status: str, initiator: Actor, at: str) -> None:
    items.add(
        store,
        row["customer_id"],
        {"type": "CONVERSATION_STATUS_CHANGE", "status": status},
        initiator,
        conversation_id=row["id"],
        at=at,
    )


def check_assignee(store: Store, inbox_id: str, agent_id: str | None) -> None:
    """Refuse an inbox that does not exist, and an agent who is not in it or was deactivated."""
    if store.one("SELECT 1 FROM inboxes WHERE id = ?", (inbox_id,)) is None:
        raise refusal(400, "not_exist", "inbox does not exist", attr="assignee.inboxId")
    if agent_id is not None and not store.one(
        "SELECT 1 FROM inbox_agents JOIN agents ON agents.id = agent_id "
        "WHERE inbox_id = ? AND agent_id = ? AND NOT deactivated",
        (inbox_id, agent_id),
    ):
        raise invalid_state("agent does not belong to inbox", attr="assignee.agentId")


def assign(
    store: Store,
    conversation_id: str,
    inbox_id: str,
    agent_id: str | None,
    initiator: Actor,
    *,
    reason: str = "MANUAL",
) -> None:
    """Give a conversation to an inbox and, if named, to an agent of it; raises 400 when it is closed."""
    row = row_of(store, conversation_id)
    if row["status"] == "CLOSED":
        raise invalid_state("closed conversation cannot be reassigned")
    check_assignee(store, inbox_id, agent_id)
    _give(store, row, (inbox_id, agent_id), initiator, reason)


def take(store: Store, conversation_id: str, agent_id: str, initiator: Actor) -> None:
    """Give a conversation to whoever answers it, of its inbox or not, as Gladly does with a reply of the API."""
    row = row_of(store, conversation_id)
    _give(store, row, (row["inbox_id"], agent_id), initiator, "MESSAGE_OUTBOUND")


def _give(store: Store, row: sqlite3.Row, to: tuple[str, str | None], initiator: Actor, reason: str) -> None:
    if (row["inbox_id"], row["agent_id"]) == to:
        return
    store.execute("UPDATE conversations SET inbox_id = ?, agent_id = ? WHERE id = ?", (*to, row["id"]))
    store.changes.customer_ids.add(row["customer_id"])
    new = assignee(*to)
    _emit(store, "CONVERSATION_ASSIGNEE/UPDATED", row, initiator, assignee=new, reason=reason)


def agent_for(store: Store, row: sqlite3.Row) -> str | None:
    """Return who acts for the company in a conversation: its agent, else the first of its inbox."""
    if row["agent_id"] is not None:
        return str(row["agent_id"])
    first = store.one(
        "SELECT agent_id FROM inbox_agents JOIN agents ON agents.id = agent_id "
        "WHERE inbox_id = ? AND NOT deactivated ORDER BY inbox_agents.rowid LIMIT 1",
        (row["inbox_id"],),
    )
    return None if first is None else str(first["agent_id"])


def customer_is_waiting(store: Store, row: sqlite3.Row) -> bool:
    """Say whether the last message of an open conversation is the customer's."""
    if row["status"] != "OPEN":
        return False
    last = store.one(
        "SELECT initiator_type FROM items WHERE conversation_id = ? "
        "AND type NOT IN ('CONVERSATION_STATUS_CHANGE', 'TOPIC_CHANGE', 'CONVERSATION_NOTE') "
        "ORDER BY timestamp DESC, position DESC LIMIT 1",
        (row["id"],),
    )
    return last is not None and last["initiator_type"] == "CUSTOMER"


def close(store: Store, conversation_id: str, initiator: Actor, *, force: bool) -> None:
    """Close a conversation; one that is closed stays as it is. It keeps its assignee.

    Raises 400 when the organization requires a topic and there is none, and, unless forced, when the customer
    waits for an answer.
    """
    row = row_of(store, conversation_id)
    if row["status"] == "CLOSED":
        return
    if settings.read(store).topics_required and row["topic_ids"] == "[]":
        raise invalid_state("topics are required before closing of conversation")
    if not force and customer_is_waiting(store, row):
        raise invalid_state(
            "cannot close conversation, customer waiting for response, set 'status.force' to true to override"
        )
    at = now()
    store.execute(
        "UPDATE conversations SET status = 'CLOSED', closed_at = ? WHERE id = ?", (at, conversation_id)
    )
    _note_status_change(store, row, "CLOSED", initiator, at)
    _emit(store, "CONVERSATION/CLOSED", row, initiator)
    _emit_status(store, row)
    contacts.end_all(store, row, initiator, "CONVERSATION_CLOSED")


def reopen(store: Store, conversation_id: str, initiator: Actor) -> None:
    """Make a conversation open: a closed one is reopened, a waiting one no longer waits, an open one stays.

    Raises 400 when the customer has another open conversation: Gladly allows one.
    """
    row = row_of(store, conversation_id)
    if row["status"] == "OPEN":
        return
    if row["status"] == "CLOSED" and store.one(
        "SELECT 1 FROM conversations WHERE customer_id = ? AND status != 'CLOSED'", (row["customer_id"],)
    ):
        raise invalid_state("customer has another open conversation")
    store.execute(
        "UPDATE conversations SET status = 'OPEN', closed_at = NULL WHERE id = ?", (conversation_id,)
    )
    store.changes.customer_ids.add(row["customer_id"])
    if row["status"] == "CLOSED":
        _note_status_change(store, row, "OPEN", initiator, now())
        _emit(store, "CONVERSATION/REOPENED", row, initiator)
    _emit_status(store, row)


def _note_topic_change(
    store: Store, row: sqlite3.Row, kind: str, topic_ids: list[str], initiator: Actor
) -> None:
    content: dict[str, object] = {"type": "TOPIC_CHANGE", f"{kind}TopicIds": topic_ids}
    items.add(store, row["customer_id"], content, initiator, conversation_id=row["id"])
    for topic_id in topic_ids:
        _emit(store, f"CONVERSATION/TOPIC_{kind.upper()}", row, initiator, topicId=topic_id)


def _open_for_topics(store: Store, conversation_id: str) -> sqlite3.Row:
    row = row_of(store, conversation_id)
    if row["status"] == "CLOSED" and settings.read(store).topics_on_closed == "refused":
        raise invalid_state("topics can only be changed while the conversation is open")
    return row


def add_topics(store: Store, conversation_id: str, topic_ids: Iterable[str], initiator: Actor) -> None:
    """Add topics; those already there are ignored. Raises 400 for unknown ones and when it is closed."""
    row = _open_for_topics(store, conversation_id)
    present = set(msgspec.json.decode(row["topic_ids"], type=list[str]))
    added = [topic_id for topic_id in dict.fromkeys(topic_ids) if topic_id not in present]
    if not added:
        return
    chosen = msgspec.json.encode(added).decode()
    rows = store.all(
        "SELECT id, disabled FROM topics WHERE id IN (SELECT value FROM json_each(?))", (chosen,)
    )
    known = {found["id"]: bool(found["disabled"]) for found in rows}
    for topic_id in added:
        if topic_id not in known:
            detail = f"conversation topic [{topic_id}] does not exist"
            raise refusal(400, "not_exist", detail, attr="topicIds")
        if known[topic_id]:
            raise refusal(400, "invalid", f"conversation topic [{topic_id}] is disabled", attr="topicIds")
    store.execute(
        "INSERT INTO conversation_topics (conversation_id, topic_id) SELECT ?, value FROM json_each(?)",
        (conversation_id, chosen),
    )
    _note_topic_change(store, row, "added", added, initiator)


def remove_topic(store: Store, conversation_id: str, topic_id: str, initiator: Actor) -> None:
    """Take a topic away; raises 404 when the conversation does not have it."""
    row = _open_for_topics(store, conversation_id)
    if not store.execute(
        "DELETE FROM conversation_topics WHERE conversation_id = ? AND topic_id = ?",
        (conversation_id, topic_id),
    ):
        raise not_found("conversation topic")
    _note_topic_change(store, row, "removed", [topic_id], initiator)


def wait(store: Store, conversation_id: str) -> None:
    """Let an open conversation wait for its customer, as one does that an agent has answered."""
    if store.execute(
        "UPDATE conversations SET status = 'WAITING' WHERE id = ? AND status = 'OPEN'", (conversation_id,)
    ):
        _emit_status(store, row_of(store, conversation_id))


def create(
    store: Store, customer_id: str, inbox_id: str, initiator: Actor, *, conversation_id: str | None = None
) -> str:
    """Open a new conversation of a customer in an inbox and return its id; raises 400 when another is open."""
    if store.one("SELECT 1 FROM conversations WHERE customer_id = ? AND status != 'CLOSED'", (customer_id,)):
        raise invalid_state("customer has another open conversation")
    conversation_id = conversation_id or new_id()
    store.insert(
        "conversations",
        {
            "id": conversation_id,
            "customer_id": customer_id,
            "inbox_id": inbox_id,
            "agent_id": None,
            "status": "OPEN",
            "created_at": now(),
        },
    )
    store.changes.customer_ids.add(customer_id)
    _emit(store, "CONVERSATION/CREATED", row_of(store, conversation_id), initiator)
    return conversation_id
