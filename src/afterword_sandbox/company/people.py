"""The organization, its inboxes, agents, teams and topics: what stays while customers come and go."""

import sqlite3

from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.store import Store


def organization(store: Store, public_url: str) -> dict[str, object]:
    """Return the organization as Gladly's API shows it."""
    row = store.one("SELECT * FROM organization")
    if row is None:
        raise not_found("organization")
    return {
        "id": row["id"],
        "loginDomain": row["login_domain"],
        "name": row["name"],
        "timezone": row["timezone"],
        "gladlyUrl": public_url,
    }


def _inbox(row: sqlite3.Row) -> dict[str, object]:
    return {"id": row["id"], "name": row["name"], "disabled": bool(row["disabled"])}


def inboxes(store: Store) -> list[dict[str, object]]:
    """Return every inbox by name."""
    return [_inbox(row) for row in store.all("SELECT * FROM inboxes ORDER BY name")]


def inbox(store: Store, inbox_id: str) -> dict[str, object]:
    """Return one inbox; raises 404."""
    row = store.one("SELECT * FROM inboxes WHERE id = ?", (inbox_id,))
    if row is None:
        raise not_found("inbox")
    return _inbox(row)


def _agent(row: sqlite3.Row) -> dict[str, object]:
    return {"id": row["id"], "name": row["name"], "emailAddress": row["email_address"]}


def agents(store: Store) -> list[dict[str, object]]:
    """Return every agent by name."""
    return [_agent(row) for row in store.all("SELECT * FROM agents ORDER BY name, id")]


def agent(store: Store, agent_id: str) -> dict[str, object]:
    """Return one agent; raises 404."""
    row = store.one("SELECT * FROM agents WHERE id = ?", (agent_id,))
    if row is None:
        raise not_found("agent")
    return _agent(row)


_TEAMS = (
    "SELECT teams.*, group_concat(team_agents.agent_id, ' ') AS agent_ids FROM teams "
    "LEFT JOIN team_agents ON team_agents.team_id = teams.id"
)


def _team(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "agentIds": sorted((row["agent_ids"] or "").split()),
    }


def teams(store: Store) -> list[dict[str, object]]:
    """Return every team by name."""
    return [_team(row) for row in store.all(f"{_TEAMS} GROUP BY teams.id ORDER BY teams.name")]


def team(store: Store, team_id: str) -> dict[str, object]:
    """Return one team; raises 404."""
    row = store.one(f"{_TEAMS} WHERE teams.id = ? GROUP BY teams.id", (team_id,))
    if row is None:
        raise not_found("team")
    return _team(row)


def _topic(row: sqlite3.Row) -> dict[str, object]:
    topic: dict[str, object] = {"id": row["id"], "name": row["name"], "disabled": bool(row["disabled"])}
    if row["parent_id"] is not None:
        topic["parentId"] = row["parent_id"]
    return topic


def topics(store: Store) -> list[dict[str, object]]:
    """Return every topic by name; ``parentId`` makes them a tree."""
    return [_topic(row) for row in store.all("SELECT * FROM topics ORDER BY name, id")]


def topic(store: Store, topic_id: str) -> dict[str, object]:
    """Return one topic; raises 404 in the words that Gladly documents."""
    row = store.one("SELECT * FROM topics WHERE id = ?", (topic_id,))
    if row is None:
        raise refusal(404, "not_exist", f"conversation topic [{topic_id}] does not exist")
    return _topic(row)
