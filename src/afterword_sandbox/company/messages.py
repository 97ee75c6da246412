"""Messages between customers and agents on every channel: how they look on the wire, and what they change."""

import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from afterword_sandbox.clock import format_time, now, present
from afterword_sandbox.company import contacts, conversations, items
from afterword_sandbox.company.customers import row_of as customer_row_of
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import invalid_state
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

REOPEN_WINDOW = timedelta(hours=24)
"""How long after closing a customer's message reopens a conversation; Gladly recommends a day."""

CALL_SECONDS = 36
"""How long every call and voicemail of the sandbox lasts, as its recording does."""

COMPANY_PHONE = "+14155550100"
CHANNELS = frozenset(
    {"CHAT", "EMAIL", "FB_MESSENGER", "INSTAGRAM_DIRECT", "PHONE_CALL", "SMS", "VOICEMAIL", "WHATSAPP"}
)
ITEM_TYPES = {
    "CHAT": "CHAT_MESSAGE",
    "EMAIL": "EMAIL",
    "FB_MESSENGER": "FACEBOOK_MESSAGE",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "PHONE_CALL": "PHONE_CALL",
    "SMS": "SMS",
    "VOICEMAIL": "VOICEMAIL",
    "WHATSAPP": "WHATSAPP",
}
"""The type of a message's item on each channel."""

MESSAGE_TYPES = frozenset(ITEM_TYPES.values())


class Message(NamedTuple):
    """What is written: a text, on a channel; a subject for an email; and the id of its item, if it is chosen."""

    text: str
    channel: str = "CHAT"
    subject: str | None = None
    own_id: str | None = None
    more: Mapping[str, object] = MappingProxyType({})
    """Fields of the item's content that its channel does not have by itself, such as a quick reply's options."""


class Written(NamedTuple):
    """Where a message went."""

    conversation_id: str
    item_id: str


def company_address(store: Store, channel: str) -> str:
    """Return the address of the company that customers write to on a channel."""
    organization = store.one("SELECT id, login_domain FROM organization")
    if organization is None:
        raise invalid_state("the sandbox has no organization")
    if channel == "EMAIL":
        return f"support@{organization['login_domain']}"
    return (
        COMPANY_PHONE
        if channel in {"SMS", "PHONE_CALL", "VOICEMAIL", "WHATSAPP"}
        else str(organization["id"])
    )


def _customer_address(store: Store, channel: str, customer_id: str) -> str:
    if channel == "EMAIL":
        row = store.one(
            "SELECT original AS address FROM customer_emails WHERE customer_id = ? "
            "ORDER BY is_primary DESC, position LIMIT 1",
            (customer_id,),
        )
    elif channel in {"SMS", "PHONE_CALL", "VOICEMAIL", "WHATSAPP"}:
        row = store.one(
            "SELECT normalized AS address FROM customer_phones WHERE customer_id = ? "
            "ORDER BY is_primary DESC, type = 'MOBILE' DESC, position LIMIT 1",
            (customer_id,),
        )
    else:
        return customer_id
    return "" if row is None else str(row["address"])


def _recording(item_id: str) -> dict[str, object]:
    return {
        "recordingStatus": "AVAILABLE",
        "recordingUrl": f"/api/v1/conversation-items/{item_id}/media/recording",
        "recordingDuration": CALL_SECONDS,
    }


def _call(text: str, parties: dict[str, object], item_id: str) -> dict[str, object]:
    began = present()
    return {
        **parties,
        "startedAt": format_time(began),
        "answeredAt": format_time(began),
        "completedAt": format_time(began + timedelta(seconds=CALL_SECONDS)),
        **_recording(item_id),
        "recordingSummary": {"status": "READY", "summary": text, "language": "en"},
    }


def content_of(
    store: Store, customer_id: str, message: Message, *, inbound: bool, session_id: str, item_id: str
) -> dict[str, object]:
    """Return a message as its item shows it; ``session_id`` is that of a chat, the id of its contact."""
    theirs = _customer_address(store, message.channel, customer_id)
    ours = company_address(store, message.channel)
    sender, receiver = (theirs, ours) if inbound else (ours, theirs)
    shown: dict[str, object]
    match message.channel:
        case "CHAT":
            shown = {"messageType": "TEXT", "sessionId": session_id, "content": message.text}
        case "EMAIL":
            subject = message.subject or "Your request"
            shown = {"from": sender, "to": [receiver], "subject": subject, "content": message.text}
        case "SMS":
            shown = {"from": sender, "to": receiver, "content": message.text}
        case "FB_MESSENGER":
            shown = {"pageId": ours, "userId": theirs, "content": message.text}
        case "PHONE_CALL":
            shown = _call(message.text, {"from": sender, "to": receiver}, item_id)
        case "VOICEMAIL":
            summary = {"status": "READY", "summary": message.text, "language": "en"}
            shown = {"startedAt": now(), **_recording(item_id), "recordingSummary": summary}
        case _:
            shown = {"content": message.text}
    return {"type": ITEM_TYPES[message.channel], **shown, **message.more}


def _write(
    store: Store, contact: sqlite3.Row, message: Message, writer: Actor, responder: Actor | None = None
) -> str:
    item_id = message.own_id or new_id()
    customer_id, inbound = contact["customer_id"], writer.type in contacts.INBOUND
    content = content_of(
        store, customer_id, message, inbound=inbound, session_id=contact["id"], item_id=item_id
    )
    conversation_id = contact["conversation_id"]
    return items.add(
        store,
        customer_id,
        content,
        writer,
        conversation_id=conversation_id,
        responder=responder,
        item_id=item_id,
    )


def write_inbound(store: Store, conversation_id: str, message: Message, writer: Actor) -> str:
    """Put a message of the customer into a conversation, which is open then, and return its item's id."""
    conversations.reopen(store, conversation_id, writer)
    conversation = conversations.row_of(store, conversation_id)
    entry_point = company_address(store, message.channel)
    contact = contacts.open_or_start(store, conversation, message.channel, writer, entry_point)
    item_id = _write(store, contact, message, writer)
    contacts.note_received(store, conversation, contact, writer, item_id)
    return item_id


def write_outbound(store: Store, conversation_id: str, message: Message, writer: Actor) -> str:
    """Answer the customer in an open conversation and return the item's id.

    A conversation that is nobody's becomes the writer's, if that is an agent or the API, and waits for the customer
    then. Raises 400 when it is closed.
    """
    conversation = conversations.row_of(store, conversation_id)
    if conversation["status"] == "CLOSED":
        raise invalid_state("you cannot write in a closed conversation")
    if conversation["agent_id"] is None and writer.type in contacts.AGENTS:
        conversations.take(store, conversation_id, writer.id, writer)
        conversation = conversations.row_of(store, conversation_id)
    contact = contacts.open_or_start(store, conversation, message.channel, writer, None)
    item_id = _write(store, contact, message, writer, Actor(contact["customer_id"], "CUSTOMER"))
    contacts.note_sent(store, conversation, contact, writer, item_id)
    conversations.wait(store, conversation_id)
    return item_id


def _continued(store: Store, customer_id: str, initiator: Actor) -> str | None:
    """Return the conversation that a message belongs to, reopened if closed shortly before, or None."""
    row = store.one(
        "SELECT id, status, closed_at FROM conversations WHERE customer_id = ? "
        "ORDER BY status = 'CLOSED', closed_at DESC LIMIT 1",
        (customer_id,),
    )
    if row is None:
        return None
    if row["status"] == "CLOSED" and row["closed_at"] < format_time(present() - REOPEN_WINDOW):
        return None
    conversations.reopen(store, row["id"], initiator)
    return str(row["id"])


def first_inbox(store: Store) -> str:
    """Return the inbox that takes what names none."""
    row = store.one("SELECT id FROM inboxes WHERE NOT disabled ORDER BY rowid LIMIT 1")
    if row is None:
        raise invalid_state("the organization has no inbox")
    return str(row["id"])


def receive(
    store: Store,
    customer_id: str,
    message: Message,
    *,
    inbox_id: str | None = None,
    agent_id: str | None = None,
) -> Written:
    """Take a message of a customer.

    It goes on with the open conversation, reopens one closed within `REOPEN_WINDOW`, or opens a new one in
    the inbox named, else the first. Raises 404 for an unknown customer, 400 for an unknown inbox or an agent
    not in it.
    """
    customer_row_of(store, customer_id)
    initiator = Actor(customer_id, "CUSTOMER")
    if inbox_id is not None:
        conversations.check_assignee(store, inbox_id, agent_id)
    conversation_id = _continued(store, customer_id, initiator)
    if conversation_id is None:
        conversation_id = conversations.create(store, customer_id, inbox_id or first_inbox(store), initiator)
    if inbox_id is not None:
        conversations.assign(store, conversation_id, inbox_id, agent_id, initiator, reason="CONTACT_INBOUND")
    return Written(conversation_id, write_inbound(store, conversation_id, message, initiator))


def send_outside(store: Store, customer_id: str, message: Message, writer: Actor) -> str:
    """Put a message to a customer outside of any conversation, as Gladly's communications are, and return its id."""
    item_id = new_id()
    content = content_of(store, customer_id, message, inbound=False, session_id="", item_id=item_id)
    responder = Actor(customer_id, "CUSTOMER")
    return items.add(store, customer_id, content, writer, responder=responder, item_id=item_id)
