"""Users: who works for the company, with which roles; Gladly keeps them in its settings, never in its API.

The API shows them as agents, those who were deactivated too, since what they did still names them.
"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from afterword_sandbox.company import conversations
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id, seeded_id
from afterword_sandbox.store import Store

ROLES = {"AGENT": "Agent", "API_USER": "API User", "COMPLIANCE_ADMIN": "Compliance Admin"}
"""The roles that matter to the API, with Gladly's names for them."""


class User(NamedTuple):
    """Somebody of the company; ``inbox_ids`` are the inboxes whose conversations can be theirs."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    inbox_ids: tuple[str, ...]
    is_active: bool

    @property
    def role_names(self) -> list[str]:
        """Return Gladly's names of the roles."""
        return [name for role, name in ROLES.items() if role in self.roles]


class UserChange(NamedTuple):
    """What is to be true of a user."""

    name: str
    email: str
    roles: Collection[str]
    inbox_ids: Collection[str]


_USERS = (
    "SELECT agents.*, (SELECT json_group_array(inbox_id) FROM inbox_agents WHERE agent_id = agents.id) AS inbox_ids "
    "FROM agents"
)


def users(store: Store) -> list[User]:
    """Return every user: the active by name, then the others."""
    return [
        User(
            row["id"],
            row["name"],
            row["email_address"],
            msgspec.json.decode(row["roles"], type=tuple[str, ...]),
            msgspec.json.decode(row["inbox_ids"], type=tuple[str, ...]),
            not row["deactivated"],
        )
        for row in store.all(f"{_USERS} ORDER BY deactivated, name, id")
    ]


def user(store: Store, user_id: str) -> User:
    """Return one user; raises 404."""
    found = next((each for each in users(store) if each.id == user_id), None)
    if found is None:
        raise not_found("user")
    return found


def _roles(roles: Collection[str]) -> str:
    return msgspec.json.encode([role for role in ROLES if role in roles]).decode()


def _refuse_taken(store: Store, email: str, user_id: str | None) -> None:
    owner = store.one(
        "SELECT name FROM agents WHERE lower(email_address) = lower(?) AND id IS NOT ?", (email, user_id)
    )
    if owner is not None:
        raise refusal(409, "taken", f"{owner['name']} has this email address", attr="email")


def _write_inboxes(store: Store, user_id: str, inbox_ids: Collection[str]) -> None:
    store.execute("DELETE FROM inbox_agents WHERE agent_id = ?", (user_id,))
    store.execute(
        "INSERT INTO inbox_agents (inbox_id, agent_id) SELECT id, ? FROM inboxes "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (user_id, msgspec.json.encode(sorted(inbox_ids)).decode()),
    )


def add(store: Store, wanted: UserChange) -> str:
    """Make a user and return the id; raises 409 when the address is another's."""
    _refuse_taken(store, wanted.email, None)
    user_id = new_id()
    store.insert(
        "agents",
        {
            "id": user_id,
            "name": wanted.name,
            "email_address": wanted.email,
            "roles": _roles(wanted.roles),
        },
    )
    _write_inboxes(store, user_id, wanted.inbox_ids)
    return user_id


def change(store: Store, user_id: str, wanted: UserChange) -> None:
    """Change a user; raises 404, and 409 when the address is another's."""
    user(store, user_id)
    _refuse_taken(store, wanted.email, user_id)
    store.execute(
        "UPDATE agents SET name = ?, email_address = ?, roles = ? WHERE id = ?",
        (wanted.name, wanted.email, _roles(wanted.roles), user_id),
    )
    _write_inboxes(store, user_id, wanted.inbox_ids)


def deactivate(store: Store, user_id: str, initiator: Actor) -> None:
    """Let a user work no more: API tokens are refused, and open conversations are the inbox's alone; raises 404."""
    user(store, user_id)
    store.execute("UPDATE agents SET deactivated = 1 WHERE id = ?", (user_id,))
    for row in store.all(
        "SELECT id, inbox_id FROM conversations WHERE agent_id = ? AND status != 'CLOSED'", (user_id,)
    ):
        conversations.assign(store, row["id"], row["inbox_id"], None, initiator, reason="USER_DEACTIVATION")


def reactivate(store: Store, user_id: str) -> None:
    """Let a deactivated user work again; raises 404."""
    user(store, user_id)
    store.execute("UPDATE agents SET deactivated = 0 WHERE id = ?", (user_id,))


def ensure_api_user(store: Store, email: str) -> str:
    """Return the id of the user that the sandbox was started with: made if there is none, active, with every role."""
    row = store.one("SELECT id FROM agents WHERE lower(email_address) = lower(?)", (email,))
    user_id = seeded_id(f"agent {email}") if row is None else str(row["id"])
    if row is None:
        store.insert("agents", {"id": user_id, "name": "Afterword", "email_address": email})
    store.execute("UPDATE agents SET deactivated = 0, roles = ? WHERE id = ?", (_roles(ROLES), user_id))
    return user_id
