"""What the agent desktop shows, read from the store and made ready for the templates."""

from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from afterword_sandbox.company import customers
from afterword_sandbox.pages.rendering import NAMELESS
from afterword_sandbox.pages.rich_content import sanitize
from afterword_sandbox.store import Store, Value

LISTED_CUSTOMERS = 200
SHORT_BODY = 600


class CustomerLine(NamedTuple):
    """A customer in the list; ``status`` is "" without a conversation."""

    id: str
    name: str
    contact: str
    has_email: bool
    status: str
    inbox: str
    agent: str
    last_seen: str


class ConversationView(NamedTuple):
    """A conversation beside the timeline."""

    id: str
    status: str
    inbox: str
    agent: str
    topics: list[str]
    created_at: str
    closed_at: str


class Card(NamedTuple):
    """One entry of the timeline: a message, a change in one line, or an activity."""

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


_LATEST_CONVERSATION = (
    "(SELECT id FROM conversations WHERE customer_id = customers.id "
    "ORDER BY status = 'CLOSED', created_at DESC, id DESC LIMIT 1)"
)
_ADDRESS = (
    "(SELECT original FROM customer_emails WHERE customer_id = customers.id "
    "ORDER BY is_primary DESC, position LIMIT 1)"
)
_NUMBER = "(SELECT original FROM customer_phones WHERE customer_id = customers.id ORDER BY position LIMIT 1)"
_LAST_SEEN = "(SELECT max(shown_at) FROM items WHERE customer_id = customers.id)"
_MATCHES = r"""
:wanted = ''
OR customers.name LIKE :pattern ESCAPE '\'
OR customers.id IN (SELECT customer_id FROM customer_emails WHERE original LIKE :pattern ESCAPE '\')
OR customers.id IN (SELECT customer_id FROM customer_phones
    WHERE original LIKE :pattern ESCAPE '\' OR normalized LIKE :pattern ESCAPE '\')
"""
_LIST = f"""
SELECT customers.id, customers.name, {_ADDRESS} AS email, {_NUMBER} AS phone, conversations.status,
    inboxes.name AS inbox, agents.name AS agent, coalesce({_LAST_SEEN}, customers.updated_at) AS last_seen
FROM customers
LEFT JOIN conversations ON conversations.id = {_LATEST_CONVERSATION}
LEFT JOIN inboxes ON inboxes.id = conversations.inbox_id
LEFT JOIN agents ON agents.id = conversations.agent_id
WHERE {_MATCHES}
ORDER BY last_seen DESC, customers.id LIMIT :limit
"""  # noqa: S608 -- put together from the constants above


def customer_list(store: Store, wanted: str) -> tuple[list[CustomerLine], bool]:
    """Return the customers who have ``wanted`` in name, address or number, and whether there were more."""
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parameters: dict[str, Value] = {
        "wanted": wanted,
        "pattern": f"%{escaped}%",
        "limit": LISTED_CUSTOMERS + 1,
    }
    lines = [
        CustomerLine(
            row["id"],
            row["name"] or NAMELESS,
            row["email"] or row["phone"] or "no address",
            row["email"] is not None,
            row["status"] or "",
            row["inbox"] or "",
            row["agent"] or "",
            row["last_seen"],
        )
        for row in store.all(_LIST, parameters)
    ]
    return lines[:LISTED_CUSTOMERS], len(lines) > LISTED_CUSTOMERS


def conversations_of(store: Store, customer_id: str) -> list[ConversationView]:
    """Return a customer's conversations, the open one first, then the newest."""
    rows = store.all(
        "SELECT conversations.*, inboxes.name AS inbox, agents.name AS agent, "
        "(SELECT json_group_array(name) FROM (SELECT topics.name FROM conversation_topics "
        "JOIN topics ON topics.id = topic_id WHERE conversation_id = conversations.id "
        "ORDER BY conversation_topics.rowid)) AS topics "
        "FROM conversations JOIN inboxes ON inboxes.id = inbox_id LEFT JOIN agents ON agents.id = agent_id "
        "WHERE customer_id = ? ORDER BY status = 'CLOSED', conversations.created_at DESC, conversations.id",
        (customer_id,),
    )
    return [
        ConversationView(
            row["id"],
            row["status"],
            row["inbox"],
            row["agent"] or "",
            msgspec.json.decode(row["topics"]),
            row["created_at"],
            row["closed_at"] or "",
        )
        for row in rows
    ]


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


def _activity_card(card: Card, content: dict[str, str | bool | dict[str, str]]) -> Card:
    body, link = str(content.get("body", "")), content.get("link")
    link = link if isinstance(link, dict) else {}
    return card._replace(
        kind="activity",
        title=str(content.get("title", "")),
        source=str(content.get("sourceName", "")),
        icon=str(content.get("activityType", "")),
        body=Markup(sanitize(body)),  # noqa: S704 -- sanitized
        is_plain="<" not in body,
        is_open=bool(content.get("expandByDefault")) or len(body) <= SHORT_BODY,
        link_url=link.get("url", ""),
        link_text=link.get("text") or link.get("url", ""),
    )


def _task_card(card: Card, content: dict[str, Any], names: _Names) -> Card:
    body, assignee = content["body"], content["assignee"]
    agent = assignee.get("agentId")
    inbox = names.inboxes.get(assignee["inboxId"], "an unknown inbox")
    return card._replace(
        kind="task",
        title=f"Task for {names.agents.get(agent, 'an unknown agent')}, {inbox}"
        if agent
        else f"Task for {inbox}",
        due_at=content["dueAt"],
        body=Markup(sanitize(body)),  # noqa: S704 -- sanitized
        is_plain="<" not in body,
        status=content["status"],
    )


def timeline_of(store: Store, customer_id: str, customer_name: str) -> list[Card]:
    """Return the cards of a customer's timeline, oldest first."""
    names = _Names(
        customer_name,
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM agents")},
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM topics")},
        {row["id"]: row["name"] for row in store.all("SELECT id, name FROM inboxes")},
    )
    cards = []
    for row in store.all(
        "SELECT * FROM items WHERE customer_id = ? ORDER BY shown_at, position", (customer_id,)
    ):
        content = msgspec.json.decode(row["content"])
        who = names.of_actor(row["initiator_id"], row["initiator_type"])
        card = Card(row["id"], "line", who, row["shown_at"])
        if row["type"] == "CUSTOMER_ACTIVITY":
            cards.append(_activity_card(card, content))
        elif row["type"] == "TASK":
            cards.append(_task_card(card, content, names))
        elif row["type"] == "CONVERSATION_STATUS_CHANGE":
            done = "closed" if content["status"] == "CLOSED" else "reopened"
            cards.append(card._replace(text=f"{done} the conversation"))
        elif row["type"] == "TOPIC_CHANGE":
            added, removed = content.get("addedTopicIds", []), content.get("removedTopicIds", [])
            done = f"added {names.of_topics(added)}" if added else f"removed {names.of_topics(removed)}"
            cards.append(card._replace(text=done))
        else:
            kind = "inbound" if row["initiator_type"] == "CUSTOMER" else "outbound"
            text = content.get("content") or content.get("body") or row["type"]
            cards.append(card._replace(kind=kind, text=str(text)))
    return cards


def customer_of(store: Store, customer_id: str) -> dict[str, object]:
    """Return a customer's profile as the API has it; raises 404."""
    return customers.profile(store, customer_id)
