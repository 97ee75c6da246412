"""Makes faults happen to deliveries: the postman asks before each and tells after each."""

import sqlite3
import time

from afterword_sandbox.faults.rules import Duplicate, Fail, Faults, Late, Lose, OutOfOrder
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store


class DeliveryFaults:
    """What stands for deliveries, and which of them it was asked for already: each is struck once."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._decided: set[int] = set()
        self._held: dict[str, set[int]] = {}

    def puts_off(self, webhook_id: str, delivery: sqlite3.Row) -> bool:
        """Let happen to a delivery, before its first attempt, what a fault says; True when it is not to be sent now."""
        position: int = delivery["position"]
        if position in self._decided or delivery["failures"]:
            return False
        match self._faults.of_delivery(delivery["event_type"], webhook_id):
            case Duplicate() as fault:
                self._decided.add(position)
                self._repeat(webhook_id, delivery, fault)
                return False
            case Late(seconds=seconds):
                self._postpone(position, seconds)
            case OutOfOrder(seconds=seconds):
                self._postpone(position, seconds)
                self._held.setdefault(webhook_id, set()).add(position)
            case Lose():
                self._store.execute("DELETE FROM deliveries WHERE position = ?", (position,))
            case _:
                return False
        return True

    def failure(self, webhook_id: str, delivery: sqlite3.Row) -> Fail | None:
        """Return the fault that has this attempt fail."""
        return self._faults.of_attempt(delivery["event_type"], webhook_id)

    def attempted(self, webhook_id: str, position: int) -> None:
        """Hear, in the transaction that records it, that a delivery was made: what waited for another goes now."""
        self._decided.discard(position)
        held = self._held.pop(webhook_id, set()) - {position}
        self._store.executemany(
            "UPDATE deliveries SET due_at = 0 WHERE position = ?", [(each,) for each in held]
        )

    def _postpone(self, position: int, seconds: float) -> None:
        self._decided.add(position)
        self._store.execute(
            "UPDATE deliveries SET due_at = ? WHERE position = ?", (time.time() + seconds, position)
        )

    def _repeat(self, webhook_id: str, delivery: sqlite3.Row, fault: Duplicate) -> None:
        """Queue an event a second time."""
        row = self._store.one(
            "INSERT INTO deliveries (webhook_id, event_position, due_at, other_event_id) VALUES (?, ?, ?, ?) "
            "RETURNING position",
            (
                webhook_id,
                delivery["event_position"],
                time.time() + fault.seconds,
                new_id() if fault.other_id else None,
            ),
        )
        assert row is not None  # noqa: S101 -- an INSERT … RETURNING that did not raise has a row
        self._decided.add(row["position"])
