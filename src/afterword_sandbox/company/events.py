"""Events: what webhooks carry, the Events API gives for a day, and reports are made of for ever.

Recorded in the transaction that caused them, with a delivery for each webhook; ``event_log.py`` reads them.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from afterword_sandbox import settings
from afterword_sandbox.clock import is_pretended, now
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

_CONTACT_ACTIONS = (
    "ENDED FULFILLED HOLD_ENDED HOLD_STARTED JOINED MESSAGE_RECEIVED MESSAGE_SENT OFFERED OFFER_ACCEPTED "
    "OFFER_REJECTED STARTED TRANSFERRED"
)
_ACTIONS = {
    "AGENT_AVAILABILITY": "FOCUS_ENTERED FOCUS_EXITED UPDATED",
    "AGENT_STATUS": "CHANGED_ACTIVE_REASON LOGGED_IN LOGGED_OUT RETURNED_FROM_AWAY WENT_AWAY",
    "AUTOMATION": "MESSAGE_RECEIVED MESSAGE_SENT",
    "CONTACT": _CONTACT_ACTIONS,
    "CONVERSATION": (
        "CLOSED CREATED CUSTOM_ATTRIBUTE_ADDED CUSTOM_ATTRIBUTE_REMOVED NOTE_CREATED REOPENED TOPIC_ADDED "
        "TOPIC_REMOVED"
    ),
    "CONVERSATION_ASSIGNEE": "UPDATED",
    "CONVERSATION_STATUS": "UPDATED",
    "CUSTOMER": "MERGED",
    "CUSTOMER_PROFILE": "CREATED DELETED MERGED UPDATED",
    "EXPORT_JOB": "COMPLETED FAILED",
    "PAYMENT_REQUEST": "CREATED STATUS_CHANGED VIEWED",
    "TASK": (
        "ASSIGNEE_UPDATED CLOSED COMMENT_ADDED CONTENT_UPDATED CREATED DUE_DATE_UPDATED FOLLOWER_ADDED "
        "FOLLOWER_REMOVED REOPENED"
    ),
}


def types_of_entities(entities: Iterable[str]) -> frozenset[str]:
    """Return the types of events whose first half is one of these."""
    return frozenset(f"{entity}/{action}" for entity in entities for action in _ACTIONS[entity].split())


SELECTABLE_TYPES = types_of_entities(_ACTIONS)
"""What a webhook may select; Gladly sends PING by itself and does not let it be selected."""


class Actor(NamedTuple):
    """Who did something: an id and one of Gladly's initiator types (AGENT, API, AUTOMATION, CUSTOMER,
    SYSTEM…).
    """

    id: str
    type: str


def assignee(inbox_id: str, agent_id: str | None) -> dict[str, object]:
    """Return an assignee as Gladly shows it: an inbox, and perhaps an agent of it."""
    return {"inboxId": inbox_id} if agent_id is None else {"inboxId": inbox_id, "agentId": agent_id}


def envelope(event_type: str, content: dict[str, object], initiator: Actor | None) -> dict[str, object]:
    """Make an event: its id, type, time, initiator (some types have none) and content."""
    event: dict[str, object] = {"id": new_id(), "type": event_type, "timestamp": now(), "content": content}
    if initiator is not None:
        event["initiator"] = {"id": initiator.id, "type": initiator.type}
    return event


def emit(store: Store, event_type: str, content: dict[str, object], initiator: Actor | None = None) -> None:
    """Record an event and queue it for the webhooks that selected its type, in the present transaction.

    A disabled webhook gets it only where the settings say that such events are kept. What is put into the past is
    told to no webhook.
    """
    switches = settings.read(store)
    if initiator is not None and initiator.type == "API":
        initiator = Actor(initiator.id, switches.api_initiator)
    event = envelope(event_type, content, initiator)
    row = store.one(
        "INSERT INTO events (id, type, timestamp, body) VALUES (?, ?, ?, ?) RETURNING position",
        (str(event["id"]), event_type, str(event["timestamp"]), msgspec.json.encode(event)),
    )
    assert row is not None  # noqa: S101 -- an INSERT … RETURNING that did not raise has a row
    if is_pretended():
        return
    queued = store.all(
        "INSERT INTO deliveries (webhook_id, event_position, due_at) "
        "SELECT id, ?, ? FROM webhooks WHERE (enabled OR ?) "
        "AND EXISTS (SELECT 1 FROM json_each(webhooks.events) WHERE value = ?) RETURNING webhook_id",
        (row["position"], time.time(), switches.events_while_disabled == "kept", event_type),
    )
    store.changes.webhook_ids.update(delivery["webhook_id"] for delivery in queued)
