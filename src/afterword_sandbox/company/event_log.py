"""Reads events again: for the Events API, which gives the last 24 hours, and for the reports, which give all."""

import sqlite3
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from afterword_sandbox.store import Store

EVENTS_API_REACH = timedelta(hours=24)
"""How far back Gladly's Events API goes."""

PAGE = 1000

_BETWEEN = (
    "SELECT position, type, timestamp, body FROM events "
    "WHERE (timestamp, position) > (:timestamp, :position) AND timestamp >= :since AND timestamp < :until "
    "AND type IN (SELECT value FROM json_each(:types)) ORDER BY timestamp, position LIMIT :limit"
)


class Event(NamedTuple):
    """A recorded event, its body read."""

    type: str
    timestamp: str
    body: dict[str, Any]

    @property
    def content(self) -> dict[str, Any]:
        """Return what the event tells of."""
        content: dict[str, Any] = self.body["content"]
        return content

    @property
    def initiator(self) -> dict[str, str]:
        """Return who caused it, as ``id`` and ``type``; empty when the type has none."""
        initiator: dict[str, str] = self.body.get("initiator", {})
        return initiator

    @property
    def assignee(self) -> dict[str, str]:
        """Return whose the conversation was just before; empty when the event does not say."""
        assignee: dict[str, str] = self.content.get("context", {}).get("assignee", {})
        return assignee


def pages(store: Store, types: Collection[str], since: str, until: str) -> Iterator[list[Event]]:
    """Give the events of these types, ascending, from ``since`` to before ``until``, a page at a time.

    Between two pages other requests may be served: each page is a query of its own.
    """
    chosen = msgspec.json.encode(sorted(types)).decode()
    timestamp, position = "", 0
    while True:
        rows: list[sqlite3.Row] = store.all(
            _BETWEEN,
            {
                "timestamp": timestamp,
                "position": position,
                "since": since,
                "until": until,
                "types": chosen,
                "limit": PAGE,
            },
        )
        if not rows:
            return
        yield [Event(row["type"], row["timestamp"], msgspec.json.decode(row["body"])) for row in rows]
        timestamp, position = rows[-1]["timestamp"], rows[-1]["position"]
