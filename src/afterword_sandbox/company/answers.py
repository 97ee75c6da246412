"""Answers: what agents and the help center tell, each in several languages."""

import sqlite3

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.errors import not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store, Value

PUBLIC_LIMIT = 1000
LANGUAGES = frozenset({"de-de", "en-us", "es-us", "fr-ca"})
"""The languages that the organization has configured."""

TYPES = frozenset({"public", "email", "messaging", "reference"})


def _wire(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "audienceIds": msgspec.json.decode(row["audience_ids"]),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def answer(store: Store, answer_id: str) -> dict[str, object]:
    """Return one answer; raises 404."""
    row = store.one("SELECT * FROM answers WHERE id = ?", (answer_id,))
    if row is None:
        raise not_found("answer")
    return _wire(row)


def _refuse_taken_name(store: Store, answer_id: str, name: Value) -> None:
    """Refuse a name that another answer has, whose id is told under the key that Gladly's own example reads too."""
    other = store.one("SELECT id FROM answers WHERE name = ? AND id != ?", (name, answer_id))
    if other is not None:
        meta = {"id": other["id"], "existingAnswerId": other["id"]}
        raise refusal(409, "taken", "duplicate answer name", attr="name", meta=meta)


def _check_audiences(store: Store, audience_ids: list[str]) -> None:
    known = {row["id"] for row in store.all("SELECT id FROM audiences")}
    if not known.issuperset(audience_ids):
        raise refusal(400, "not_exist", "audience does not exist", attr="audienceIds")


def create(store: Store, name: str, description: str, audience_ids: list[str], own_id: str | None) -> str:
    """Make an answer and return its id; raises 400 for an unknown audience, 409 when id or name is taken."""
    answer_id = own_id or new_id()
    if store.one("SELECT 1 FROM answers WHERE id = ?", (answer_id,)):
        meta = {"id": answer_id, "existingAnswerId": answer_id}
        raise refusal(409, "taken", "answer id already taken", attr="id", meta=meta)
    _refuse_taken_name(store, answer_id, name)
    _check_audiences(store, audience_ids)
    store.insert(
        "answers",
        {
            "id": answer_id,
            "name": name,
            "description": description,
            "audience_ids": msgspec.json.encode(audience_ids).decode(),
            "created_at": now(),
            "updated_at": now(),
        },
    )
    return answer_id


def change(store: Store, answer_id: str, columns: dict[str, Value], audience_ids: list[str] | None) -> None:
    """Change an answer's name, description or audiences; raises 404, 400 and 409."""
    answer(store, answer_id)
    if "name" in columns:
        _refuse_taken_name(store, answer_id, columns["name"])
    if audience_ids is not None:
        _check_audiences(store, audience_ids)
        columns = {**columns, "audience_ids": msgspec.json.encode(audience_ids).decode()}
    columns = {**columns, "updated_at": now()}
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    store.execute(f"UPDATE answers SET {assignments} WHERE id = :id", {**columns, "id": answer_id})  # noqa: S608


def delete(store: Store, answer_id: str) -> None:
    """Delete an answer in every language; raises 404."""
    answer(store, answer_id)
    store.execute("DELETE FROM answers WHERE id = ?", (answer_id,))


def content(store: Store, answer_id: str, language: str, kind: str) -> dict[str, object]:
    """Return what an answer says in a language; raises 404."""
    answer(store, answer_id)
    row = store.one(
        "SELECT * FROM answer_contents WHERE answer_id = ? AND language = ? AND type = ?",
        (answer_id, language, kind),
    )
    if row is None:
        raise not_found("answer content")
    return {
        "answerId": answer_id,
        "language": language,
        "type": kind,
        "bodyHtml": row["body_html"],
        "title": row["title"],
    }


def put_content(
    store: Store, answer_id: str, language: str, *, title: str, body_html: str
) -> dict[str, object]:
    """Add or replace what an answer says in public in a language; raises 404."""
    answer(store, answer_id)
    store.execute(
        "INSERT OR REPLACE INTO answer_contents (answer_id, language, type, title, body_html, updated_at) "
        "VALUES (?, ?, 'public', ?, ?, ?)",
        (answer_id, language, title, body_html, now()),
    )
    return content(store, answer_id, language, "public")


def delete_content(store: Store, answer_id: str, language: str, kind: str) -> None:
    """Delete what an answer says in a language; raises 404."""
    content(store, answer_id, language, kind)
    store.execute(
        "DELETE FROM answer_contents WHERE answer_id = ? AND language = ? AND type = ?",
        (answer_id, language, kind),
    )


_PUBLIC = (
    "SELECT answers.id, answers.name, answer_contents.* FROM answers "
    "JOIN answer_contents ON answer_id = answers.id AND type = 'public' AND language = :language "
    "WHERE (:audience IS NULL OR EXISTS (SELECT 1 FROM json_each(audience_ids) WHERE value = :audience)) "
    "AND (:id IS NULL OR answers.id = :id) "
    "AND (:wanted IS NULL OR instr(lower(answers.name || ' ' || title || ' ' || body_html), lower(:wanted))) "
    "ORDER BY answers.name LIMIT :limit"
)


def public(
    store: Store,
    language: str,
    *,
    audience_id: str | None = None,
    answer_id: str | None = None,
    wanted: str | None = None,
) -> list[dict[str, object]]:
    """Return what everybody may read in a language, by name: of an audience, one answer, or what has a text in it."""
    rows = store.all(
        _PUBLIC,
        {
            "language": language,
            "audience": audience_id,
            "id": answer_id,
            "wanted": wanted,
            "limit": PUBLIC_LIMIT,
        },
    )
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "bodyHtml": row["body_html"],
            "language": row["language"],
            "updatedAt": row["updated_at"],
        }
        for row in rows
    ]
