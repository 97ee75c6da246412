"""Automated chats: a program answers a customer's messages until it hands the chat over to an agent or ends it."""

import sqlite3
from typing import NamedTuple

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.company import conversations, items, messages
from afterword_sandbox.company.events import Actor, emit
from afterword_sandbox.company.messages import Message
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store


class AutomatedMessage(NamedTuple):
    """A message of an automated chat: TEXT, MENU or HTML, and its content as it is shown."""

    type: str
    content: dict[str, object]

    def words(self) -> str:
        """Return what the timeline shows of it."""
        return str(self.content.get("value") or self.content.get("prompt") or "")


def row_of(store: Store, session_id: str) -> sqlite3.Row:
    """Return a session's row; raises 404."""
    row = store.one("SELECT * FROM automation_sessions WHERE id = ?", (session_id,))
    if row is None:
        raise not_found("entity")
    return row


def session(store: Store, session_id: str) -> dict[str, object]:
    """Return a session as Gladly's API shows it; raises 404."""
    row = row_of(store, session_id)
    return {
        "id": row["id"],
        "companyAddress": messages.company_address(store, "CHAT"),
        "conversationId": row["conversation_id"],
        "customerAddress": row["customer_id"],
        "customerId": row["customer_id"],
        "endpointType": "CHAT",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "target": {"targetType": "AUTOMATION" if row["target"] == "AUTOMATION" else "AGENT"},
    }


def _wire(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "sessionId": row["session_id"],
        "type": row["type"],
        "content": msgspec.json.decode(row["content"]),
        "from": {"id": row["writer_id"], "type": row["writer_type"]},
        "createdAt": row["created_at"],
    }


def messages_of(store: Store, session_id: str) -> list[dict[str, object]]:
    """Return a session's messages, oldest first; raises 404."""
    row_of(store, session_id)
    rows = store.all(
        "SELECT * FROM automation_messages WHERE session_id = ? ORDER BY position", (session_id,)
    )
    return [_wire(row) for row in rows]


def message(store: Store, session_id: str, message_id: str) -> dict[str, object]:
    """Return one message of a session; raises 404."""
    row = store.one(
        "SELECT * FROM automation_messages WHERE id = ? AND session_id = ?", (message_id, session_id)
    )
    if row is None:
        raise not_found("entity")
    return _wire(row)


def _note(store: Store, session_id: str, message_id: str, said: AutomatedMessage, writer: Actor) -> None:
    store.insert(
        "automation_messages",
        {
            "id": message_id,
            "session_id": session_id,
            "type": said.type,
            "content": msgspec.json.encode(said.content).decode(),
            "writer_id": writer.id,
            "writer_type": writer.type,
            "created_at": now(),
        },
    )


def _tell(store: Store, action: str, row: sqlite3.Row, told: dict[str, object], initiator: Actor) -> None:
    content: dict[str, object] = {
        "sessionId": row["id"],
        "channelType": "CHAT",
        "customerId": row["customer_id"],
        "conversationId": row["conversation_id"],
        "companyAddress": messages.company_address(store, "CHAT"),
        "message": told,
    }
    if action == "MESSAGE_RECEIVED":
        content["context"] = {"URL": "https://shop.example/help", "IsAuthenticated": "false"}
    emit(store, f"AUTOMATION/{action}", content, initiator)


def receive(store: Store, customer_id: str, text: str) -> str:
    """Take a customer's chat message for the program and return the session's id.

    It goes on with the customer's session that is not handed over, or begins one. Raises 404.
    """
    written = messages.receive(store, customer_id, Message(text))
    found = store.one(
        "SELECT id FROM automation_sessions WHERE conversation_id = ? AND target = 'AUTOMATION'",
        (written.conversation_id,),
    )
    session_id = new_id() if found is None else str(found["id"])
    if found is None:
        row = {
            "id": session_id,
            "customer_id": customer_id,
            "conversation_id": written.conversation_id,
            "target": "AUTOMATION",
            "created_at": now(),
            "updated_at": now(),
        }
        store.insert("automation_sessions", row)
    writer = Actor(customer_id, "CUSTOMER")
    _note(store, session_id, written.item_id, AutomatedMessage("TEXT", {"value": text}), writer)
    told: dict[str, object] = {"id": written.item_id, "type": "TEXT", "content": {"body": text}}
    _tell(store, "MESSAGE_RECEIVED", row_of(store, session_id), told, writer)
    return session_id


def send(store: Store, session_id: str, said: AutomatedMessage, writer: Actor) -> dict[str, object]:
    """Answer in a session and return the message; raises 404, and 400 once it was handed over or closed.

    The conversation is not given to anybody by that, and does not wait.
    """
    row = row_of(store, session_id)
    _refuse_done(row)
    content: dict[str, object] = {
        "type": messages.ITEM_TYPES["CHAT"],
        "messageType": "TEXT",
        "sessionId": session_id,
        "content": said.words(),
    }
    item_id = items.add(
        store,
        row["customer_id"],
        content,
        writer,
        conversation_id=row["conversation_id"],
        responder=Actor(row["customer_id"], "CUSTOMER"),
    )
    _note(store, session_id, item_id, said, writer)
    told: dict[str, object] = {"id": item_id, "type": said.type, "content": said.content}
    _tell(store, "MESSAGE_SENT", row, told, writer)
    return message(store, session_id, item_id)


def _refuse_done(row: sqlite3.Row) -> None:
    if row["target"] != "AUTOMATION":
        raise refusal(400, "invalid_state", "the automation session has ended")


def end(store: Store, session_id: str, *, to_agent: bool, description: str, initiator: Actor) -> None:
    """Hand a session over to an agent, or close it, with a note of why; raises 400 when there is none to end."""
    row = store.one("SELECT * FROM automation_sessions WHERE id = ?", (session_id,))
    if row is None:
        raise refusal(400, "not_exist", "entity does not exist")
    _refuse_done(row)
    store.execute(
        "UPDATE automation_sessions SET target = ?, updated_at = ? WHERE id = ?",
        ("AGENT" if to_agent else "NOBODY", now(), session_id),
    )
    note: dict[str, object] = {"type": "CONVERSATION_NOTE", "body": description}
    items.add(store, row["customer_id"], note, initiator, conversation_id=row["conversation_id"])
    if not to_agent:
        conversations.wait(store, row["conversation_id"])
