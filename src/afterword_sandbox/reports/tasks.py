"""Task Timestamps (a row for each event) and Task Export (a row for each task)."""

import sqlite3

from afterword_sandbox.company import event_log
from afterword_sandbox.company.event_log import Event
from afterword_sandbox.reports.names import Names
from afterword_sandbox.reports.paging import pages
from afterword_sandbox.reports.window import Rows, Window
from afterword_sandbox.store import Store

TIMESTAMPS_COLUMNS = (
    "Timestamp",
    "Event Type",
    "Task ID",
    "Customer ID",
    "Initiator Type",
    "Initiator ID",
    "Initiator Agent Name",
    "Assigned Inbox ID",
    "Assigned Inbox Name",
    "Assigned Agent ID",
    "Assigned Agent Name",
    "Due At",
)
EXPORT_COLUMNS = (
    "Created At",
    "Task ID",
    "Customer ID",
    "Status",
    "Due At",
    "Initiator Type - Created",
    "Initiator ID - Created",
    "Initiator Agent Name - Created",
    "Inbox ID - Current",
    "Inbox Name - Current",
    "Assigned Agent ID - Current",
    "Assigned Agent Name - Current",
)
_TYPES = frozenset(
    f"TASK/{action}"
    for action in (
        "ASSIGNEE_UPDATED",
        "CLOSED",
        "COMMENT_ADDED",
        "CONTENT_UPDATED",
        "CREATED",
        "DUE_DATE_UPDATED",
        "REOPENED",
    )
)


def timestamps(store: Store, window: Window) -> Rows:
    """Give what happened to tasks, a row for each event, as far as its time lies in the window."""
    names = Names(store)
    for page in event_log.pages(store, _TYPES, window.since, window.until):
        yield [
            _timestamps_row(event, names, window)
            for event in page
            if window.takes(inbox_id=event.assignee.get("inboxId"), agent_id=event.assignee.get("agentId"))
        ]


def _timestamps_row(event: Event, names: Names, window: Window) -> list[str]:
    content = event.content
    return [
        window.shown(event.timestamp),
        event.type,
        content["taskId"],
        content["customerId"],
        *names.initiator(event.initiator),
        *names.assignee(event.assignee),
        window.shown(content["context"]["dueAt"]),
    ]


def export(store: Store, window: Window) -> Rows:
    """Give a row for each task that was made in the window, as it is now."""
    names = Names(store)
    for rows in pages(store, "tasks", "created_at", window):
        yield [
            _export_row(row, names, window)
            for row in rows
            if window.takes(inbox_id=row["inbox_id"], agent_id=row["agent_id"])
        ]


def _export_row(row: sqlite3.Row, names: Names, window: Window) -> list[str]:
    return [
        window.shown(row["created_at"]),
        row["id"],
        row["customer_id"],
        row["status"],
        window.shown(row["due_at"]),
        *names.initiator({"type": row["creator_type"], "id": row["creator_id"]}),
        row["inbox_id"],
        names.inbox(row["inbox_id"]),
        row["agent_id"] or "",
        names.agent(row["agent_id"]),
    ]
