"""Agent Timestamps: a row for each time that an agent's status or availability changed."""

from afterword_sandbox.company import event_log
from afterword_sandbox.company.event_log import Event
from afterword_sandbox.reports.names import Names
from afterword_sandbox.reports.window import Rows, Window
from afterword_sandbox.store import Store

COLUMNS = (
    "Timestamp",
    "Occurred At",
    "Agent",
    "Agent ID",
    "Type",
    "Available For",
    "Away Reason",
    "Active Reason",
)
_TYPES = frozenset(
    {
        "AGENT_AVAILABILITY/UPDATED",
        "AGENT_STATUS/CHANGED_ACTIVE_REASON",
        "AGENT_STATUS/LOGGED_IN",
        "AGENT_STATUS/LOGGED_OUT",
        "AGENT_STATUS/RETURNED_FROM_AWAY",
        "AGENT_STATUS/WENT_AWAY",
    }
)


def timestamps(store: Store, window: Window) -> Rows:
    """Give the changes of agents' status and availability in the window."""
    names = Names(store)
    for page in event_log.pages(store, _TYPES, window.since, window.until):
        yield [
            _row(event, names, window) for event in page if window.takes(agent_id=event.content["agentId"])
        ]


def _row(event: Event, names: Names, window: Window) -> list[str]:
    content = event.content
    available = content.get("availableFor")
    return [
        window.shown(event.timestamp),
        window.shown(content["occurredAt"]),
        names.agent(content["agentId"]),
        content["agentId"],
        event.type,
        "" if available is None else f"[{', '.join(available)}]",
        content.get("awayReason", {}).get("name", ""),
        content.get("activeReason", {}).get("name", ""),
    ]
