"""Contact Timestamps (a row for each event), Contact Export (a row for each contact) and Work Session Events (a row
for each contact and agent).
"""

import sqlite3
from collections.abc import Iterator

from afterword_sandbox.clock import parse_time
from afterword_sandbox.company import event_log
from afterword_sandbox.company.contacts import INBOUND
from afterword_sandbox.company.event_log import Event
from afterword_sandbox.reports.names import Names
from afterword_sandbox.reports.paging import pages
from afterword_sandbox.reports.window import Rows, Window
from afterword_sandbox.store import Store

TIMESTAMPS_COLUMNS = (
    "Timestamp",
    "Event Type",
    "Contact ID",
    "Conversation ID",
    "Customer ID",
    "Channel",
    "Initiator Type",
    "Initiator ID",
    "Initiator Agent Name",
    "Assigned Inbox ID",
    "Assigned Inbox Name",
    "Assigned Agent ID",
    "Assigned Agent Name",
    "Message ID",
    "Entry Point",
    "Final IVR Selection",
    "Fulfilled Type",
    "Ended Status",
    "Ended Reason",
)
_TIMESTAMPS_TYPES = frozenset(
    f"CONTACT/{action}" for action in ("STARTED", "FULFILLED", "ENDED", "MESSAGE_SENT", "MESSAGE_RECEIVED")
)
EXPORT_COLUMNS = (
    "Queued At",
    "Customer ID",
    "Conversation ID",
    "Contact ID",
    "Link",
    "Channel",
    "Direction",
    "Contact Initiator",
    "Entry Point",
    "Final IVR Selection",
    "Inbox ID",
    "Inbox Name",
    "Accepted At",
    "Agent ID",
    "Agent Name",
    "Fulfilled At",
    "Ended At",
    "Ended Status",
)
WORK_SESSION_COLUMNS = (
    "id",
    "contact_session_id",
    "contact_session_created_at",
    "customer_id",
    "conversation_id",
    "inbox_id",
    "channel",
    "direction",
    "agent_accepted_at",
    "contact_session_routed_at",
    "agent_id",
    "sla_fulfilled_at",
    "contact_session_ended_at",
    "status",
    "within_sla",
    "work_session_handle_time_sec",
    "work_session_after_contact_time_sec",
    "work_session_unknown_time_sec",
    "accepted_inbox_id",
)

_STARTED = "started_at"
_ENDED_OR_STARTED = "coalesce(ended_at, started_at)"


def timestamps(store: Store, window: Window) -> Rows:
    """Give what happened to contacts, a row for each event, as far as its time lies in the window."""
    names = Names(store)
    for page in event_log.pages(store, _TIMESTAMPS_TYPES, window.since, window.until):
        yield [
            _timestamps_row(event, names, window)
            for event in page
            if window.takes(channel=event.content["channel"], inbox_id=event.assignee.get("inboxId"))
        ]


def _timestamps_row(event: Event, names: Names, window: Window) -> list[str]:
    content = event.content
    return [
        window.shown(event.timestamp),
        event.type,
        content["contactId"],
        content["conversationId"],
        content["customerId"],
        content["channel"],
        *names.initiator(event.initiator),
        *names.assignee(event.assignee),
        content.get("messageId", ""),
        content.get("entryPoint", ""),
        "",
        content.get("fulfilledType", ""),
        content.get("status", ""),
        content.get("reason", ""),
    ]


def _pages(store: Store, moment: str, window: Window) -> Iterator[list[sqlite3.Row]]:
    for rows in pages(store, "contacts", moment, window):
        yield [row for row in rows if window.takes(channel=row["channel"], inbox_id=row["inbox_id"])]


def _direction(row: sqlite3.Row) -> str:
    return "INBOUND" if row["initiator_type"] in INBOUND else "OUTBOUND"


def export(store: Store, window: Window) -> Rows:
    """Give a row for each contact that began in the window."""
    names = Names(store)
    for page in _pages(store, _STARTED, window):
        yield [_export_row(row, names, window) for row in page]


def _export_row(row: sqlite3.Row, names: Names, window: Window) -> list[str]:
    kind, _, _ = names.initiator({"type": row["initiator_type"], "id": row["initiator_id"]})
    return [
        window.shown(row["started_at"]),
        row["customer_id"],
        row["conversation_id"],
        row["id"],
        f"{window.link_base}/customers/{row['customer_id']}#{row['conversation_id']}",
        row["channel"],
        _direction(row),
        kind,
        row["entry_point"] or "",
        "",
        row["inbox_id"],
        names.inbox(row["inbox_id"]),
        window.shown(row["accepted_at"]),
        row["agent_id"] or "",
        names.agent(row["agent_id"]),
        window.shown(row["fulfilled_at"]),
        window.shown(row["ended_at"]),
        row["end_status"] or "",
    ]


def work_sessions(store: Store, window: Window) -> Rows:
    """Give a row for each contact that ended in the window, or began in it and is still open."""
    for page in _pages(store, _ENDED_OR_STARTED, window):
        yield [_work_session_row(row, window) for row in page]


def _handle_seconds(row: sqlite3.Row) -> str:
    accepted = parse_time(row["accepted_at"]) if row["accepted_at"] else None
    ended = parse_time(row["ended_at"]) if row["ended_at"] else None
    return "" if accepted is None or ended is None else f"{(ended - accepted).total_seconds():.3f}"


def _work_session_row(row: sqlite3.Row, window: Window) -> list[str]:
    has_ended = row["ended_at"] is not None
    handle = _handle_seconds(row)
    return [
        f"{row['id']}.{row['agent_id'] or 'none'}" if has_ended else "",
        row["id"],
        window.shown(row["started_at"]),
        row["customer_id"],
        row["conversation_id"],
        row["inbox_id"],
        row["channel"],
        _direction(row),
        window.shown(row["accepted_at"]),
        window.shown(row["started_at"]),
        (row["agent_id"] or "") if has_ended else "",
        window.shown(row["fulfilled_at"]),
        window.shown(row["ended_at"]),
        row["end_status"] or "OPEN",
        "" if row["fulfilled_at"] is None else "true",
        handle,
        "0" if handle else "",
        "0" if handle else "",
        row["accepted_inbox_id"] or "",
    ]
