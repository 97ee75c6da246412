"""Export jobs: files of what was said and done in a stretch of time, made by a schedule and kept for 14 days."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from afterword_sandbox import settings
from afterword_sandbox.clock import format_time, now, parse_time, present, pretend
from afterword_sandbox.company import items, people, topics
from afterword_sandbox.company.events import emit
from afterword_sandbox.errors import not_found
from afterword_sandbox.identifiers import new_id, seeded_id
from afterword_sandbox.store import Store, Value

Status = Literal["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"]
STATUSES: tuple[Status, ...] = ("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED")
KEPT = timedelta(days=14)
SCHEDULE_ID = seeded_id("export schedule")
_PERIODS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1)}
MADE_AFTER = {"HOURLY": timedelta(hours=2), "DAILY": timedelta(hours=26)}
"""How long after ``nextStartAt`` a job is made: Gladly documents two hours, and for daily ones the night."""

_CUSTOMERS = (
    "SELECT id, name, address, external_customer_id, "
    "(SELECT json_group_array(original) FROM (SELECT original FROM customer_emails "
    "WHERE customer_id = customers.id ORDER BY position)) AS emails, "
    "(SELECT json_group_array(normalized) FROM (SELECT normalized FROM customer_phones "
    "WHERE customer_id = customers.id ORDER BY position)) AS phones "
    "FROM customers WHERE id IN (SELECT customer_id FROM items WHERE timestamp >= ? AND timestamp < ?) ORDER BY id"
)
_ITEMS = (
    "SELECT * FROM items WHERE timestamp >= ? AND timestamp < ? AND type != ? ORDER BY timestamp, position"
)


def row_of(store: Store, job_id: str) -> sqlite3.Row:
    """Return a job's row; raises 404, also when it is too old."""
    row = store.one("SELECT * FROM export_jobs WHERE id = ? AND updated_at >= ?", (job_id, _oldest()))
    if row is None:
        raise not_found("entity")
    return row


def wire(store: Store, row: sqlite3.Row | Mapping[str, Value]) -> dict[str, object]:
    """Return a job as Gladly's API shows it."""
    files = store.all("SELECT name FROM export_files WHERE job_id = ? ORDER BY name", (row["id"],))
    return {
        "id": row["id"],
        "scheduleId": SCHEDULE_ID,
        "status": row["status"],
        "updatedAt": row["updated_at"],
        "parameters": {"type": "CONVERSATIONS", "startAt": row["start_at"], "endAt": row["end_at"]},
        "files": [file["name"] for file in files],
    }


def jobs(
    store: Store, *, status: str | None, since: str | None, until: str | None
) -> list[dict[str, object]]:
    """Return the jobs of the last 14 days, newest first, by status and by when they were last updated."""
    rows = store.all(
        "SELECT * FROM export_jobs WHERE updated_at >= :since AND (:until IS NULL OR updated_at <= :until) "
        "AND (:status IS NULL OR status = :status) ORDER BY updated_at DESC, rowid DESC",
        {"since": since or _oldest(), "until": until, "status": status},
    )
    return [wire(store, row) for row in rows]


def file(store: Store, job_id: str, name: str) -> bytes:
    """Return a job's file; raises 404."""
    row_of(store, job_id)
    row = store.one("SELECT content FROM export_files WHERE job_id = ? AND name = ?", (job_id, name))
    if row is None:
        raise not_found("entity")
    content: bytes = row["content"]
    return content


def delete(store: Store, job_id: str) -> None:
    """Delete a job with its files."""
    store.execute("DELETE FROM export_jobs WHERE id = ?", (job_id,))


def make(
    store: Store, start: datetime, end: datetime, *, status: Status = "COMPLETED", at: datetime | None = None
) -> dict[str, object]:
    """Make a job of what happened from ``start`` to before ``end`` and return it as Gladly's API shows it.

    A completed one has its files and is told by an event, as a failed one is. ``at`` is when it was made, if it was
    in the past.
    """
    with nullcontext() if at is None else pretend(at):
        job_id, since, until = new_id(), format_time(start), format_time(end)
        row: dict[str, Value] = {
            "id": job_id,
            "status": status,
            "updated_at": now(),
            "start_at": since,
            "end_at": until,
        }
        store.insert("export_jobs", row)
        if status == "COMPLETED":
            for name, content in _files(store, since, until).items():
                store.insert("export_files", {"job_id": job_id, "name": name, "content": content})
        if status in {"COMPLETED", "FAILED"}:
            emit(store, f"EXPORT_JOB/{status}", {"jobId": job_id})
    return wire(store, row)


def _lines(values: Iterable[object]) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


def _files(store: Store, since: str, until: str) -> dict[str, bytes]:
    between = (since, until)
    return {
        "agents.jsonl": _lines(people.agents(store)),
        "conversation_items.jsonl": _lines(
            items.wire(row) for row in store.all(_ITEMS, (*between, items.TASK))
        ),
        "customers.jsonl": _lines(_customer(row) for row in store.all(_CUSTOMERS, between)),
        "topics.jsonl": _lines(topics.all_topics(store)),
    }


def _customer(row: sqlite3.Row) -> dict[str, object]:
    """Return a customer as export files show one: otherwise than the REST API does."""
    customer: dict[str, object] = {"id": row["id"]}
    for key, column in (
        ("name", "name"),
        ("address", "address"),
        ("externalCustomerId", "external_customer_id"),
    ):
        if row[column]:
            customer[key] = row[column]
    customer["emailAddresses"] = msgspec.json.decode(row["emails"])
    customer["phoneNumbers"] = msgspec.json.decode(row["phones"])
    return customer


def _oldest() -> str:
    return format_time(present() - KEPT)


def forget_old(store: Store) -> None:
    """Delete the jobs that are older than `KEPT`, with their files."""
    store.execute("DELETE FROM export_jobs WHERE updated_at < ?", (_oldest(),))


def _next_start(store: Store, period: timedelta) -> datetime:
    """Return when the next job's stretch begins: at a full hour or at midnight UTC, at first the last one begun."""
    row = store.one("SELECT next_start_at FROM export_schedule")
    start = parse_time(row["next_start_at"]) if row is not None else None
    if start is not None and start > present() - KEPT:
        return start
    begun = present().replace(minute=0, second=0, microsecond=0)
    return begun.replace(hour=0) if period == timedelta(days=1) else begun


def _schedule_next(store: Store, start: datetime) -> None:
    store.execute("DELETE FROM export_schedule")
    store.insert("export_schedule", {"next_start_at": format_time(start), "updated_at": now()})


def make_due(store: Store) -> None:
    """Make the jobs that the schedule asks for by now."""
    frequency = settings.read(store).export_frequency
    if frequency == "NEVER":
        return
    period, delay = _PERIODS[frequency], MADE_AFTER[frequency]
    start = _next_start(store, period)
    while start + delay <= present():
        make(store, start, start + period)
        start += period
    _schedule_next(store, start)


def schedules(store: Store) -> list[dict[str, object]]:
    """Return the organization's one schedule; none when no job is ever made."""
    frequency = settings.read(store).export_frequency
    row = store.one("SELECT * FROM export_schedule")
    if frequency == "NEVER" or row is None:
        return []
    return [
        {
            "id": SCHEDULE_ID,
            "frequency": frequency,
            "type": "CONVERSATIONS",
            "nextStartAt": row["next_start_at"],
            "updatedAt": row["updated_at"],
        }
    ]
