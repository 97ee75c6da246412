"""Topics: what conversations are about, a tree that programs may extend and rename."""

import sqlite3

from afterword_sandbox import settings
from afterword_sandbox.errors import refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store, Value


def _wire(row: sqlite3.Row) -> dict[str, object]:
    topic: dict[str, object] = {"id": row["id"], "name": row["name"], "disabled": bool(row["disabled"])}
    if row["parent_id"] is not None:
        topic["parentId"] = row["parent_id"]
    return topic


def all_topics(store: Store) -> list[dict[str, object]]:
    """Return every topic by name; ``parentId`` makes them a tree."""
    return [_wire(row) for row in store.all("SELECT * FROM topics ORDER BY name, id")]


def _row_of(store: Store, topic_id: str) -> sqlite3.Row:
    row = store.one("SELECT * FROM topics WHERE id = ?", (topic_id,))
    if row is None:
        raise refusal(404, "not_exist", f"conversation topic [{topic_id}] does not exist")
    return row


def topic(store: Store, topic_id: str) -> dict[str, object]:
    """Return one topic; raises 404 in the words that Gladly documents."""
    return _wire(_row_of(store, topic_id))


def _refuse_taken_name(store: Store, topic_id: str, name: str, parent_id: str | None) -> None:
    anywhere = settings.read(store).topic_names == "unique"
    other = store.one(
        "SELECT id FROM topics WHERE name = :name AND id != :id AND (:anywhere OR parent_id IS :parent)",
        {"name": name, "id": topic_id, "anywhere": int(anywhere), "parent": parent_id},
    )
    if other is not None:
        detail = "another topic already has this name"
        raise refusal(409, "taken", detail, attr="name", meta={"id": other["id"]})


def _check_parent(store: Store, topic_id: str, parent_id: str | None) -> None:
    """Refuse a parent that does not exist, or that stands below the topic itself."""
    above = parent_id
    while above is not None:
        if above == topic_id:
            raise refusal(400, "invalid", "a topic cannot stand below itself", attr="parentId")
        row = store.one("SELECT parent_id FROM topics WHERE id = ?", (above,))
        if row is None:
            detail = f"conversation topic [{above}] does not exist"
            raise refusal(400, "not_exist", detail, attr="parentId")
        above = row["parent_id"]


def create(store: Store, name: str, parent_id: str | None, *, disabled: bool, own_id: str | None) -> str:
    """Make a topic and return its id; raises 400 for an unknown parent, 409 when the id or the name is taken."""
    topic_id = own_id or new_id()
    if store.one("SELECT 1 FROM topics WHERE id = ?", (topic_id,)):
        raise refusal(409, "taken", "the topic with specified id already exists", attr="id")
    _check_parent(store, topic_id, parent_id)
    _refuse_taken_name(store, topic_id, name, parent_id)
    store.insert("topics", {"id": topic_id, "name": name, "disabled": int(disabled), "parent_id": parent_id})
    return topic_id


def change(store: Store, topic_id: str, columns: dict[str, Value]) -> None:
    """Change a topic's ``name``, ``disabled`` or ``parent_id``; raises 404, 400 and 409 as `create` does."""
    row = _row_of(store, topic_id)
    after = {"name": row["name"], "disabled": row["disabled"], "parent_id": row["parent_id"], **columns}
    _check_parent(store, topic_id, after["parent_id"])
    _refuse_taken_name(store, topic_id, after["name"], after["parent_id"])
    store.execute(
        "UPDATE topics SET name = :name, disabled = :disabled, parent_id = :parent_id WHERE id = :id",
        {**after, "id": topic_id},
    )
