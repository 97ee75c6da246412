"""What agents do besides conversations: log in and out, go away and return, become available."""

from typing import Literal

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.company import people
from afterword_sandbox.company.events import Actor, emit
from afterword_sandbox.identifiers import seeded_id
from afterword_sandbox.store import Store

Action = Literal[
    "AGENT_AVAILABILITY/UPDATED",
    "AGENT_STATUS/CHANGED_ACTIVE_REASON",
    "AGENT_STATUS/LOGGED_IN",
    "AGENT_STATUS/LOGGED_OUT",
    "AGENT_STATUS/RETURNED_FROM_AWAY",
    "AGENT_STATUS/WENT_AWAY",
]


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What an agent did; reasons by their names."""

    type: Action
    available_for: tuple[Literal["MAIL", "MESSAGING", "TASK", "VOICE"], ...] = ()
    active_reason: str | None = None
    away_reason: str | None = None


def note(store: Store, agent_id: str, change: Change) -> None:
    """Tell what an agent did, in the present transaction; raises 404 for an unknown agent."""
    people.agent(store, agent_id)
    content: dict[str, object] = {"agentId": agent_id, "occurredAt": now()}
    if change.type == "AGENT_AVAILABILITY/UPDATED":
        content["availableFor"] = list(change.available_for)
    for key, name in (("activeReason", change.active_reason), ("awayReason", change.away_reason)):
        if name is not None:
            content[key] = {"id": seeded_id(f"reason {name}"), "name": name}
    emit(store, change.type, content, Actor(agent_id, "AGENT"))
