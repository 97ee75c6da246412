"""What the agent desktop shows, read from the store and made ready for the templates."""

from typing import NamedTuple

import msgspec
from markupsafe import Markup

from afterword_sandbox.company import customers
from afterword_sandbox.pages.rendering import NAMELESS
from afterword_sandbox.pages.rich_content import sanitize
from afterword_sandbox.store import Store, Value

LISTED_CUSTOMERS = 200
STATUSES = {"OPEN": "Open", "WAITING": "Waiting", "CLOSED": "Closed"}


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
    inbox_id: str
    inbox: str
    agent_id: str
    agent: str
    topics: list[tuple[str, str]]
    created_at: str
    closed_at: str


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
WHERE ({_MATCHES}) AND :status IN ('', conversations.status)
ORDER BY coalesce(conversations.status, '') = 'CLOSED', last_seen DESC, customers.id LIMIT :limit
"""  # noqa: S608 -- put together from the constants above


def customer_list(store: Store, wanted: str, status: str = "") -> tuple[list[CustomerLine], bool]:
    """Return the customers who have ``wanted`` in name, address or number, and whether there were more.

    Those with whom something is still to be done come first, then the most recent.

    With a status, only those whose latest conversation has it.
    """
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parameters: dict[str, Value] = {
        "wanted": wanted,
        "status": status,
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
        "(SELECT json_group_array(json_array(id, name)) FROM (SELECT topics.id, topics.name FROM conversation_topics "
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
            row["inbox_id"],
            row["inbox"],
            row["agent_id"] or "",
            row["agent"] or "",
            msgspec.json.decode(row["topics"], type=list[tuple[str, str]]),
            row["created_at"],
            row["closed_at"] or "",
        )
        for row in rows
    ]


class AssigneeChoice(NamedTuple):
    """An inbox, with those who can have its conversations: ids and names."""

    inbox_id: str
    inbox: str
    agents: list[tuple[str, str]]


def assignee_choices(store: Store) -> list[AssigneeChoice]:
    """Return every inbox that is in use, with its active agents."""
    choices: dict[str, AssigneeChoice] = {}
    for row in store.all(
        "SELECT inboxes.id, inboxes.name, agents.id AS agent_id, agents.name AS agent FROM inboxes "
        "LEFT JOIN inbox_agents ON inbox_id = inboxes.id "
        "LEFT JOIN agents ON agents.id = agent_id AND NOT deactivated "
        "WHERE NOT disabled ORDER BY inboxes.name, agents.name"
    ):
        choice = choices.setdefault(row["id"], AssigneeChoice(row["id"], row["name"], []))
        if row["agent_id"] is not None:
            choice.agents.append((row["agent_id"], row["agent"]))
    return list(choices.values())


def topic_choices(store: Store) -> list[tuple[str, str]]:
    """Return the topics in use, each under the one it belongs to."""
    rows = store.all(
        "SELECT topics.id, CASE WHEN parents.name IS NULL THEN topics.name "
        "ELSE parents.name || ': ' || topics.name END AS path FROM topics "
        "LEFT JOIN topics AS parents ON parents.id = topics.parent_id WHERE NOT topics.disabled ORDER BY path"
    )
    return [(row["id"], row["path"]) for row in rows]


class TaskView(NamedTuple):
    """A task beside the timeline."""

    id: str
    text: str
    assignee: str
    due_at: str
    is_open: bool


def tasks_of(store: Store, customer_id: str) -> list[TaskView]:
    """Return a customer's tasks: the open ones by their time, then the closed."""
    rows = store.all(
        "SELECT tasks.*, inboxes.name AS inbox, agents.name AS agent FROM tasks "
        "JOIN inboxes ON inboxes.id = inbox_id LEFT JOIN agents ON agents.id = agent_id "
        "WHERE customer_id = ? ORDER BY status = 'CLOSED', due_at, tasks.rowid",
        (customer_id,),
    )
    return [
        TaskView(
            row["id"],
            Markup(sanitize(row["body"])).striptags(),  # noqa: S704 -- sanitized, and its tags are taken away
            row["agent"] or row["inbox"],
            row["due_at"],
            row["status"] == "OPEN",
        )
        for row in rows
    ]


def agents_by_name(store: Store) -> list[tuple[str, str]]:
    """Return the active agents: who may sit at the desktop."""
    rows = store.all("SELECT id, name FROM agents WHERE NOT deactivated ORDER BY name, id")
    return [(row["id"], row["name"]) for row in rows]


def customer_of(store: Store, customer_id: str) -> dict[str, object]:
    """Return a customer's profile as the API has it; raises 404."""
    return customers.profile(store, customer_id)
