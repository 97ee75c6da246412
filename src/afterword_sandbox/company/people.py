"""The organization, its inboxes, agents, teams and audiences: what stays while customers come and go."""

import sqlite3
from collections.abc import Iterable

from afterword_sandbox.errors import not_found
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


def time_zone(store: Store) -> str:
    """Return the organization's time zone, by its IANA name."""
    row = store.one("SELECT timezone FROM organization")
    return "UTC" if row is None else str(row["timezone"])


def are_inboxes(store: Store, inbox_ids: Iterable[str]) -> bool:
    """Say whether every one of these is an inbox."""
    known = {row["id"] for row in store.all("SELECT id FROM inboxes")}
    return known.issuperset(inbox_ids)


def agents_of_teams(store: Store, team_ids: Iterable[str]) -> set[str] | None:
    """Return the agents of these teams; None when one is no team."""
    members: dict[str, set[str]] = {row["id"]: set() for row in store.all("SELECT id FROM teams")}
    for row in store.all("SELECT team_id, agent_id FROM team_agents"):
        members[row["team_id"]].add(row["agent_id"])
    wanted = set(team_ids)
    return set().union(*(members[team] for team in wanted)) if wanted <= members.keys() else None


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


def audiences(store: Store) -> list[dict[str, object]]:
    """Return every audience by name."""
    rows = store.all("SELECT id, name FROM audiences ORDER BY name")
    return [{"id": row["id"], "name": row["name"]} for row in rows]
