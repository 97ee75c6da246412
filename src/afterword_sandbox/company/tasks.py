"""Tasks: something for an agent to do for a customer, by a time.

A task stands on its customer's timeline as an item of the same id; Gladly's refusal of a taken id says as much.
"""

import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from afterword_sandbox.clock import format_time, now
from afterword_sandbox.company import items
from afterword_sandbox.company.conversations import check_assignee
from afterword_sandbox.company.customers import row_of as customer_row_of
from afterword_sandbox.company.events import Actor, assignee, emit
from afterword_sandbox.errors import invalid_state, not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store, Value

CUSTOMER_LIMIT = 2000
COMMENT_LIMIT = 1000
STATUSES = ("CLOSED", "OPEN")


class Assignee(msgspec.Struct, frozen=True):
    """Who has a task: an inbox, and perhaps an agent of it."""

    inbox_id: str
    agent_id: str | None = None


class NewTask(msgspec.Struct, frozen=True):
    """What a request says of a new task."""

    assignee: Assignee
    body: str
    due_at: datetime
    own_id: str | None = None


def wire(row: sqlite3.Row) -> dict[str, object]:
    """Return a task as Gladly's API shows it."""
    return {
        "id": row["id"],
        "customerId": row["customer_id"],
        "timestamp": row["created_at"],
        "createdBy": {"id": row["creator_id"], "type": row["creator_type"]},
        "assignee": assignee(row["inbox_id"], row["agent_id"]),
        "body": row["body"],
        "dueAt": row["due_at"],
        "status": row["status"],
    }


def row_of(store: Store, task_id: str) -> sqlite3.Row:
    """Return a task's row; raises 404."""
    row = store.one("SELECT * FROM tasks WHERE id = ?", (task_id,))
    if row is None:
        raise not_found("task")
    return row


def of_customer(
    store: Store, customer_id: str, status: str | None = None
) -> tuple[list[dict[str, object]], bool]:
    """Return a customer's tasks, newest first, and whether there were more; raises 404."""
    customer_row_of(store, customer_id)
    rows = store.all(
        "SELECT * FROM tasks WHERE customer_id = :customer AND (:status IS NULL OR status = :status) "
        "ORDER BY created_at DESC, rowid DESC LIMIT :limit",
        {"customer": customer_id, "status": status, "limit": CUSTOMER_LIMIT + 1},
    )
    return [wire(row) for row in rows[:CUSTOMER_LIMIT]], len(rows) > CUSTOMER_LIMIT


def create(store: Store, customer_id: str, task: NewTask, creator: Actor) -> str:
    """Make a task and return its id.

    Raises 404 for an unknown customer, 400 for an unknown inbox, an agent not in it or a due time that is past, and
    409 when the id is in use.
    """
    customer_row_of(store, customer_id)
    items.refuse_taken(store, task.own_id, "task already exists")
    check_assignee(store, task.assignee.inbox_id, task.assignee.agent_id)
    check_due(task.due_at)
    task_id, at, due_at = task.own_id or new_id(), now(), format_time(task.due_at)
    store.insert(
        "tasks",
        {
            "id": task_id,
            "customer_id": customer_id,
            "created_at": at,
            "creator_id": creator.id,
            "creator_type": creator.type,
            "inbox_id": task.assignee.inbox_id,
            "agent_id": task.assignee.agent_id,
            "body": task.body,
            "due_at": due_at,
            "status": "OPEN",
        },
    )
    row = row_of(store, task_id)
    items.add(store, customer_id, _content(row), creator, item_id=task_id, at=at)
    _emit(store, "TASK/CREATED", row, creator)
    return task_id


def change(store: Store, task_id: str, columns: dict[str, Value], initiator: Actor) -> None:
    """Change a task's columns, with an event for each kind of change; raises 404."""
    before = row_of(store, task_id)
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if not changed:
        return
    assignments = ", ".join(f"{name} = :{name}" for name in changed)
    store.execute(f"UPDATE tasks SET {assignments} WHERE id = :id", {**changed, "id": task_id})  # noqa: S608
    after = row_of(store, task_id)
    content = msgspec.json.encode(_content(after)).decode()
    store.execute("UPDATE items SET content = ? WHERE id = ?", (content, task_id))
    store.changes.customer_ids.add(before["customer_id"])
    if "status" in changed:
        _emit(store, "TASK/CLOSED" if changed["status"] == "CLOSED" else "TASK/REOPENED", before, initiator)
    if "body" in changed:
        _emit(store, "TASK/CONTENT_UPDATED", before, initiator)
    if "due_at" in changed:
        _emit(store, "TASK/DUE_DATE_UPDATED", before, initiator, dueAt=changed["due_at"])
    if {"inbox_id", "agent_id"} & set(changed):
        new = assignee(after["inbox_id"], after["agent_id"])
        _emit(store, "TASK/ASSIGNEE_UPDATED", before, initiator, assignee=new)


class Comment(NamedTuple):
    """What an agent says of a task."""

    agent_id: str
    text: str
    own_id: str | None = None


def _wire_comment(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "agentId": row["agent_id"],
        "comment": row["comment"],
        "taskId": row["task_id"],
        "createdAt": row["created_at"],
    }


def add_comment(store: Store, task_id: str, comment: Comment) -> str:
    """Add a comment to an open task and return its id.

    Raises 404 for an unknown task, 400 for a closed one or an unknown agent, 409 when the id is in use.
    """
    row = row_of(store, task_id)
    if row["status"] == "CLOSED":
        raise invalid_state("comments cannot be added to a closed task")
    if store.one("SELECT 1 FROM agents WHERE id = ?", (comment.agent_id,)) is None:
        raise refusal(400, "not_exist", "agent does not exist", attr="agentId")
    comment_id = comment.own_id or new_id()
    if store.one("SELECT 1 FROM task_comments WHERE id = ?", (comment_id,)):
        raise refusal(409, "taken", "comment already exists", attr="id")
    store.insert(
        "task_comments",
        {
            "id": comment_id,
            "task_id": task_id,
            "agent_id": comment.agent_id,
            "comment": comment.text,
            "created_at": now(),
        },
    )
    store.changes.customer_ids.add(row["customer_id"])
    _emit(store, "TASK/COMMENT_ADDED", row, Actor(comment.agent_id, "AGENT"), commentId=comment_id)
    return comment_id


def comments(store: Store, task_id: str) -> tuple[list[dict[str, object]], bool]:
    """Return a task's comments, oldest first, and whether there were more; raises 404."""
    row_of(store, task_id)
    rows = store.all(
        "SELECT * FROM task_comments WHERE task_id = ? ORDER BY created_at, rowid LIMIT ?",
        (task_id, COMMENT_LIMIT + 1),
    )
    return [_wire_comment(row) for row in rows[:COMMENT_LIMIT]], len(rows) > COMMENT_LIMIT


def comment(store: Store, task_id: str, comment_id: str) -> dict[str, object]:
    """Return one comment of a task; raises 404."""
    row = store.one("SELECT * FROM task_comments WHERE id = ? AND task_id = ?", (comment_id, task_id))
    if row is None:
        raise not_found("entity")
    return _wire_comment(row)


def _content(row: sqlite3.Row) -> dict[str, object]:
    """Make what the timeline shows of a task."""
    shown = wire(row)
    return {"type": items.TASK, **{key: shown[key] for key in ("body", "assignee", "dueAt", "status")}}


def check_due(due_at: datetime) -> None:
    """Refuse a due time that is past."""
    if due_at <= datetime.now(UTC):
        raise refusal(400, "invalid", "dueAt must be in the future", attr="dueAt")


def _emit(store: Store, event_type: str, row: sqlite3.Row, initiator: Actor, **more: object) -> None:
    context = {
        "assignee": assignee(row["inbox_id"], row["agent_id"]),
        "dueAt": row["due_at"],
        "createdAt": row["created_at"],
    }
    content = {"customerId": row["customer_id"], "taskId": row["id"], **more, "context": context}
    emit(store, event_type, content, initiator)
