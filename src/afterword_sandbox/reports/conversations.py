"""Conversation Timestamps (a row for each event) and Conversation Export (a row for each conversation)."""

import sqlite3
from datetime import datetime

import msgspec

from afterword_sandbox.clock import parse_time
from afterword_sandbox.company import event_log
from afterword_sandbox.company.event_log import Event
from afterword_sandbox.reports.names import Names
from afterword_sandbox.reports.window import Rows, Window
from afterword_sandbox.store import Store

UNKNOWN_CHANNEL = "CHAT"
"""The channel of a conversation that never had a contact."""

TIMESTAMPS_COLUMNS = (
    "Timezone Filter",
    "Timestamp",
    "Event Type",
    "Conversation ID",
    "Customer ID",
    "Initiator Type",
    "Initiator ID",
    "Initiator Agent Name",
    "Assigned Inbox ID",
    "Assigned Inbox Name",
    "Assigned Agent ID",
    "Assigned Agent Name",
    "Topic ID",
    "Topic Name",
    "Newly Assigned Inbox ID",
    "Newly Assigned Inbox Name",
    "Newly Assigned Agent ID",
    "Newly Assigned Agent Name",
    "Assignment Update Reason",
    "Merged Customer ID",
    "Merged Conversation ID",
)
_TIMESTAMPS_TYPES = {
    "CONVERSATION/CREATED": "CONVERSATION/CREATED",
    "CONVERSATION/CLOSED": "CONVERSATION/CLOSED",
    "CONVERSATION/REOPENED": "CONVERSATION/REOPENED",
    "CONVERSATION/TOPIC_ADDED": "CONVERSATION/TOPIC_ADDED",
    "CONVERSATION/TOPIC_REMOVED": "CONVERSATION/TOPIC_REMOVED",
    "CONVERSATION_ASSIGNEE/UPDATED": "CONVERSATION_ASSIGNEE/UPDATED",
    "CONVERSATION/NOTE_CREATED": "NOTE/CREATED",
    "CUSTOMER/MERGED": "CUSTOMER/MERGED",
}
"""The report's name of each type of event: a note has another than in events."""

EXPORT_COLUMNS = (
    "Created At",
    "Conversation ID",
    "Customer ID",
    "Conversation Link",
    "Status",
    "Assigned Agent ID - Current",
    "Assigned Agent Name - Current",
    "Inbox ID - Current",
    "Inbox Name - Current",
    "First Closed At",
    "Last Closed At",
    "Initiator Type - Created",
    "Initiator Agent ID - Created",
    "Initiator Agent Name - Created",
    "Inbox ID - Created",
    "Inbox Name - Created",
    "Created-to-First Closed Time",
    "Topics",
    "Topics with Hierarchy",
    "Billable Resolution (Y/N)",
)

_FIRST_CHANNELS = (
    "SELECT conversation_id, channel, min(started_at) FROM contacts "
    "WHERE conversation_id IN (SELECT value FROM json_each(?)) GROUP BY conversation_id"
)
_CONVERSATIONS = "SELECT * FROM conversations WHERE id IN (SELECT value FROM json_each(?))"
_MERGED = "SELECT id FROM merged_conversations WHERE id IN (SELECT value FROM json_each(?))"
_CLOSINGS = (
    "SELECT conversation_id, min(timestamp) AS first, max(timestamp) AS last FROM items "
    "WHERE conversation_id IN (SELECT value FROM json_each(?)) AND type = 'CONVERSATION_STATUS_CHANGE' "
    "AND json_extract(content, '$.status') = 'CLOSED' GROUP BY conversation_id"
)
_TOPICS = (
    "SELECT conversation_id, topics.name, parents.name AS parent FROM conversation_topics "
    "JOIN topics ON topics.id = topic_id LEFT JOIN topics AS parents ON parents.id = topics.parent_id "
    "WHERE conversation_id IN (SELECT value FROM json_each(?)) ORDER BY conversation_topics.rowid"
)


def channels_of(store: Store, conversation_ids: set[str]) -> dict[str, str]:
    """Return the channel on which each conversation began."""
    found = store.all(_FIRST_CHANNELS, (msgspec.json.encode(sorted(conversation_ids)).decode(),))
    return {row["conversation_id"]: row["channel"] for row in found}


def _conversation_id(event: Event) -> str:
    content = event.content
    return str(content.get("conversationId") or content.get("destinationConversationId") or "")


def timestamps(store: Store, window: Window) -> Rows:
    """Give what happened to conversations, a row for each event, as far as its time lies in the window."""
    names = Names(store)
    for page in event_log.pages(store, _TIMESTAMPS_TYPES, window.since, window.until):
        channels = channels_of(store, {_conversation_id(event) for event in page}) if window.channels else {}
        yield [
            _timestamps_row(event, names, window)
            for event in page
            if window.takes(
                channel=channels.get(_conversation_id(event), UNKNOWN_CHANNEL),
                inbox_id=event.assignee.get("inboxId"),
            )
        ]


def _timestamps_row(event: Event, names: Names, window: Window) -> list[str]:
    content = event.content
    topic_id = content.get("topicId", "")
    return [
        window.zone.key,
        window.shown(event.timestamp),
        _TIMESTAMPS_TYPES[event.type],
        _conversation_id(event),
        content.get("customerId") or content.get("destinationCustomerId", ""),
        *names.initiator(event.initiator),
        *names.assignee(event.assignee),
        topic_id,
        names.topic(topic_id),
        *names.assignee(content.get("assignee", {})),
        content.get("reason", ""),
        content.get("sourceCustomerId", ""),
        content.get("sourceConversationId", ""),
    ]


class _Page:
    """What is known of the conversations of a page, read in one go."""

    def __init__(self, store: Store, conversation_ids: set[str]) -> None:
        chosen = (msgspec.json.encode(sorted(conversation_ids)).decode(),)
        self.rows = {row["id"]: row for row in store.all(_CONVERSATIONS, chosen)}
        self.merged = {row["id"] for row in store.all(_MERGED, chosen)}
        self.closings = {row["conversation_id"]: row for row in store.all(_CLOSINGS, chosen)}
        self.channels = channels_of(store, conversation_ids)
        self.topics: dict[str, list[sqlite3.Row]] = {}
        for row in store.all(_TOPICS, chosen):
            self.topics.setdefault(row["conversation_id"], []).append(row)

    def has(self, conversation_id: str) -> bool:
        """Say whether a conversation is there, or was merged into another."""
        return conversation_id in self.rows or conversation_id in self.merged


def export(store: Store, window: Window) -> Rows:
    """Give a row for each conversation that was created in the window, as it is now; none for a deleted one."""
    names = Names(store)
    for events in event_log.pages(store, {"CONVERSATION/CREATED"}, window.since, window.until):
        page = _Page(store, {_conversation_id(event) for event in events})
        yield [
            _export_row(event, page, names, window)
            for event in events
            if page.has(_conversation_id(event))
            and window.takes(
                channel=page.channels.get(_conversation_id(event), UNKNOWN_CHANNEL),
                inbox_id=_inbox_now(event, page),
            )
        ]


def _inbox_now(event: Event, page: _Page) -> str | None:
    row = page.rows.get(_conversation_id(event))
    return event.assignee.get("inboxId") if row is None else str(row["inbox_id"])


def _status(row: sqlite3.Row | None) -> str:
    if row is None:
        return "MERGED"
    return "CLOSED" if row["status"] == "CLOSED" else "OPEN"


def _seconds_between(first: str, last: str) -> str:
    begin, end = parse_time(first), parse_time(last)
    if not isinstance(begin, datetime) or not isinstance(end, datetime):
        return ""
    return str(round((end - begin).total_seconds()))


def _export_row(event: Event, page: _Page, names: Names, window: Window) -> list[str]:
    conversation_id, content = _conversation_id(event), event.content
    row, closings = page.rows.get(conversation_id), page.closings.get(conversation_id)
    agent_id = (row["agent_id"] or "") if row is not None else ""
    inbox_id = row["inbox_id"] if row is not None else ""
    first = closings["first"] if closings is not None else ""
    last = closings["last"] if closings is not None else ""
    kind, who, agent_name = names.initiator(event.initiator)
    topics = page.topics.get(conversation_id, [])
    created_inbox = event.assignee.get("inboxId", "")
    customer_id = row["customer_id"] if row is not None else content["customerId"]
    return [
        window.shown(event.timestamp),
        conversation_id,
        customer_id,
        f"{window.link_base}/customers/{customer_id}#{conversation_id}",
        _status(row),
        agent_id,
        names.agent(agent_id),
        inbox_id,
        names.inbox(inbox_id),
        window.shown(first),
        window.shown(last),
        kind.capitalize(),
        who if kind == "AGENT" else "",
        agent_name,
        created_inbox,
        names.inbox(created_inbox),
        _seconds_between(event.timestamp, first),
        "; ".join(topic["name"] for topic in topics),
        "; ".join(
            f"{topic['parent']} > {topic['name']}" if topic["parent"] else topic["name"] for topic in topics
        ),
        "N",
    ]
