"""Business hours: when the company is there, one of them the primary ones."""

import sqlite3

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store


class BusinessHours(msgspec.Struct, frozen=True):
    """What a request says of business hours; ``office_hours`` is as it will be shown."""

    name: str
    is_primary: bool
    office_hours: dict[str, object]


def _wire(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "version": row["version"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "name": row["name"],
        "primary": bool(row["is_primary"]),
        "officeHours": msgspec.json.decode(row["office_hours"]),
    }


def all_hours(store: Store) -> list[dict[str, object]]:
    """Return all business hours by name."""
    return [_wire(row) for row in store.all("SELECT * FROM business_hours ORDER BY name, id")]


def _row_of(store: Store, hours_id: str) -> sqlite3.Row:
    row = store.one("SELECT * FROM business_hours WHERE id = ?", (hours_id,))
    if row is None:
        raise not_found("business hours")
    return row


def hours(store: Store, hours_id: str) -> dict[str, object]:
    """Return one; raises 404."""
    return _wire(_row_of(store, hours_id))


def _make_room_for_primary(store: Store, wanted: BusinessHours) -> None:
    if wanted.is_primary:
        store.execute("UPDATE business_hours SET is_primary = 0 WHERE is_primary")


def create(store: Store, wanted: BusinessHours) -> dict[str, object]:
    """Make business hours and return them; new primary ones take the place of the old."""
    _make_room_for_primary(store, wanted)
    hours_id = f"bh_{new_id()}"
    store.insert(
        "business_hours",
        {
            "id": hours_id,
            "version": 1,
            "name": wanted.name,
            "is_primary": int(wanted.is_primary),
            "office_hours": msgspec.json.encode(wanted.office_hours).decode(),
            "created_at": now(),
            "updated_at": now(),
        },
    )
    return hours(store, hours_id)


def replace(store: Store, hours_id: str, version: int, wanted: BusinessHours) -> dict[str, object]:
    """Replace business hours and return them; raises 404, and 409 when another has replaced them before."""
    row = _row_of(store, hours_id)
    if row["version"] != version:
        raise refusal(409, "version_outdated", f"the current version is {row['version']}", attr="version")
    if row["is_primary"] and not wanted.is_primary:
        raise refusal(400, "invalid", "there must be primary business hours", attr="primary")
    _make_room_for_primary(store, wanted)
    store.execute(
        "UPDATE business_hours SET version = version + 1, name = :name, is_primary = :is_primary, "
        "office_hours = :office_hours, updated_at = :at WHERE id = :id",
        {
            "name": wanted.name,
            "is_primary": int(wanted.is_primary),
            "office_hours": msgspec.json.encode(wanted.office_hours).decode(),
            "at": now(),
            "id": hours_id,
        },
    )
    return hours(store, hours_id)


def delete(store: Store, hours_id: str) -> None:
    """Delete business hours; raises 404, and 400 for the primary ones."""
    if _row_of(store, hours_id)["is_primary"]:
        raise refusal(400, "invalid", "cannot delete primary business hours")
    store.execute("DELETE FROM business_hours WHERE id = ?", (hours_id,))
