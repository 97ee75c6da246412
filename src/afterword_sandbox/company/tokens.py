"""API tokens: each belongs to a user, is shown once when it is made, and is kept as a hash."""

import hashlib
import secrets
from typing import NamedTuple

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.company import users
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import invalid_state, not_found
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store

DEFAULT_NAME = "New Token"


class Token(NamedTuple):
    """A token as the settings list it."""

    id: str
    name: str
    user_id: str
    user_name: str
    email: str
    created_at: str
    is_configured: bool
    """Whether it is the one that the sandbox was started with."""
    works: bool
    """Whether its user is active and an API User."""


class Caller(NamedTuple):
    """Whose token a request came with, and what that user may do."""

    actor: Actor
    roles: frozenset[str]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def tokens(store: Store) -> list[Token]:
    """Return every token, the newest first."""
    return [
        Token(
            row["id"],
            row["name"],
            row["agent_id"],
            row["user_name"],
            row["email_address"],
            row["created_at"],
            bool(row["is_configured"]),
            "API_USER" in msgspec.json.decode(row["roles"], type=list[str]) and not row["deactivated"],
        )
        for row in store.all(
            "SELECT api_tokens.*, agents.name AS user_name, email_address, roles, deactivated FROM api_tokens "
            "JOIN agents ON agents.id = agent_id ORDER BY created_at DESC, api_tokens.rowid DESC"
        )
    ]


def _free_name(store: Store) -> str:
    """Return "New Token", or the first "New Token 2", "New Token 3"… that no token has."""
    taken = {row["name"] for row in store.all("SELECT name FROM api_tokens")}
    number, name = 1, DEFAULT_NAME
    while name in taken:
        number += 1
        name = f"{DEFAULT_NAME} {number}"
    return name


def make(store: Store, user_id: str, name: str = "") -> str:
    """Make a token and return it, which cannot be done again; raises 404, and 400 unless the user is an API User."""
    owner = users.user(store, user_id)
    if "API_USER" not in owner.roles or not owner.is_active:
        raise invalid_state("an API token needs an active user with the role API User", attr="user")
    token = secrets.token_urlsafe(32)
    _insert(store, user_id, name or _free_name(store), token)
    return token


def _insert(store: Store, user_id: str, name: str, token: str, *, is_configured: bool = False) -> None:
    store.insert(
        "api_tokens",
        {
            "id": new_id(),
            "agent_id": user_id,
            "name": name,
            "hash": _hash(token),
            "created_at": now(),
            "is_configured": int(is_configured),
        },
    )


def delete(store: Store, token_id: str) -> None:
    """Delete a token, which is refused from now on; raises 404."""
    if not store.execute("DELETE FROM api_tokens WHERE id = ?", (token_id,)):
        raise not_found("API token")


def ensure_configured(store: Store, email: str, token: str) -> Actor:
    """Let the user and the token that the sandbox was started with be good, and those of an earlier start no more."""
    user_id = users.ensure_api_user(store, email)
    known = store.one("SELECT agent_id, is_configured FROM api_tokens WHERE hash = ?", (_hash(token),))
    if known is None or (known["agent_id"], known["is_configured"]) != (user_id, 1):
        store.execute("DELETE FROM api_tokens WHERE is_configured OR hash = ?", (_hash(token),))
        _insert(store, user_id, "Configured at start", token, is_configured=True)
    return Actor(user_id, "API")


def caller(store: Store, email: str, token: str) -> Caller | None:
    """Return whose token this is, or None when it is none, is another's than is said, or its user is deactivated."""
    row = store.one(
        "SELECT agents.id, roles FROM api_tokens JOIN agents ON agents.id = agent_id "
        "WHERE hash = ? AND lower(email_address) = lower(?) AND NOT deactivated",
        (_hash(token), email),
    )
    if row is None:
        return None
    return Caller(Actor(row["id"], "API"), frozenset(msgspec.json.decode(row["roles"], type=list[str])))
