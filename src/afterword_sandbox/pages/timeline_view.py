"""What a customer's timeline shows, read from the store and made ready for the templates."""

from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from afterword_sandbox.pages.rich_content import sanitize
from afterword_sandbox.store import Store

SHORT_BODY = 600
CHANNELS = {
    "CHAT_MESSAGE": "Chat",
    "EMAIL": "Email",
    "FACEBOOK_MESSAGE": "Messenger",
    "INSTAGRAM_DIRECT": "Instagram",
    "PHONE_CALL": "Phone call",
    "SMS": "SMS",
    "TWITTER": "Twitter",
    "VOICEMAIL": "Voicemail",
    "WHATSAPP": "WhatsApp",
}
_DONE = {"CLOSED": "closed the conversation", "OPEN": "reopened the conversation"}


class Card(NamedTuple):
    """One entry of the timeline: a message, a note, a change in one line, an activity or a task."""

    id: str
    kind: str
    who: str
    at: str
    text: str = ""
    title: str = ""
    source: str = ""
    icon: str = ""
    body: Markup = Markup()
    is_plain: bool = True
    is_open: bool = True
    link_url: str = ""
    link_text: str = ""
    status: str = ""
    due_at: str = ""


class _Names(NamedTuple):
    customer: str
    agents: dict[str, str]
    topics: dict[str, str]
    inboxes: dict[str, str]

    def of_actor(self, actor_id: str, actor_type: str) -> str:
        if actor_type == "CUSTOMER":
            return self.customer
        if actor_type in {"AGENT", "API"}:
            name = self.agents.get(actor_id, "An agent")
            return f"{name} (API)" if actor_type == "API" else name
        return {"AUTOMATION": "A rule", "SYSTEM": "Gladly"}.get(actor_type, actor_type.title())

    def of_topics(self, topic_ids: list[str]) -> str:
        return ", ".join(self.topics.get(topic_id, "an unknown topic") for topic_id in topic_ids)

    def of_assignee(self, assignee: dict[str, str]) -> str:
        inbox = self.inboxes.get(assignee["inboxId"], "an unknown inbox")
        agent = assignee.get("agentId")
        return f"{self.agents.get(agent, 'an unknown agent')}, {inbox}" if agent else inbox


def _rich(card: Card, body: str) -> Card:
    return card._replace(
        body=Markup(sanitize(body)),  # noqa: S704 -- sanitized
        is_plain="<" not in body,
    )


def _activity(card: Card, content: dict[str, Any]) -> Card:
    body, link = str(content.get("body", "")), content.get("link") or {}
    return _rich(card, body)._replace(
        kind="activity",
        title=str(content.get("title", "")),
        source=str(content.get("sourceName", "")),
        icon=str(content.get("activityType", "")),
        is_open=bool(content.get("expandByDefault")) or len(body) <= SHORT_BODY,
        link_url=link.get("url", ""),
        link_text=link.get("text") or link.get("url", ""),
    )


def _task(card: Card, content: dict[str, Any], names: _Names) -> Card:
    return _rich(card, content["body"])._replace(
        kind="task",
        title=f"Task for {names.of_assignee(content['assignee'])}",
        due_at=content["dueAt"],
        status=content["status"],
    )


def _topic_change(card: Card, content: dict[str, Any], names: _Names) -> Card:
    added, removed = content.get("addedTopicIds", []), content.get("removedTopicIds", [])
    return card._replace(
        text=f"added {names.of_topics(added)}" if added else f"removed {names.of_topics(removed)}"
    )


def _message(card: Card, content: dict[str, Any], initiator_type: str) -> Card:
    summary = (content.get("recordingSummary") or {}).get("summary", "")
    text = content.get("content") or content.get("body") or summary
    is_theirs = initiator_type in {"CUSTOMER", "INTERNAL", "EXTERNAL"}
    return card._replace(
        kind="inbound" if is_theirs else "outbound",
        title=str(content.get("subject", "")),
        source=CHANNELS.get(content["type"], ""),
        text=text if isinstance(text, str) else "",
    )


def _card(card: Card, content: dict[str, Any], initiator_type: str, names: _Names) -> Card:
    match content["type"]:
        case "CUSTOMER_ACTIVITY":
            return _activity(card, content)
        case "TASK":
            return _task(card, content, names)
        case "CONVERSATION_STATUS_CHANGE":
            return card._replace(text=_DONE.get(content["status"], ""))
        case "TOPIC_CHANGE":
            return _topic_change(card, content, names)
        case "CONVERSATION_NOTE":
            return _rich(card, content["body"])._replace(kind="note")
    return _message(card, content, initiator_type)


def timeline_of(store: Store, customer_id: str, customer_name: str) -> list[Card]:
    """Return the cards of a customer's timeline, oldest first."""
    names = _Names(
        customer_name,
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM agents")},
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM topics")},
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM inboxes")},
    )
    rows = store.all("SELECT * FROM items WHERE customer_id = ? ORDER BY shown_at, position", (customer_id,))
    return [
        _card(
            Card(
                row["id"],
                "line",
                names.of_actor(row["initiator_id"], row["initiator_type"]),
                row["shown_at"],
            ),
            msgspec.json.decode(row["content"]),
            row["initiator_type"],
            names,
        )
        for row in rows
    ]
