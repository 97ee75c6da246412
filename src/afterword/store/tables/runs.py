"""Runs, their tasks' attempts, what they are found by, and their replays."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from afterword.store.tables.columns import json_values, metadata, moment

run = Table(
    "run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("workflow_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="running"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("0")),
    json_values("outputs"),
    json_values("ends"),
    Column("in_flight", Boolean, nullable=False, server_default=text("false")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Column("conversation_id", Text),
    Column("customer_id", Text),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("reason_values", JSONB),
    Column("evaluation", JSONB),
    Column("problem_id", BigInteger),
    Column("waiting_for", Text),
    moment("held_since"),
    moment("started_at", now=True),
    Column("due_at", DateTime(timezone=True), server_default=func.now()),
    moment("finished_at"),
    UniqueConstraint("event_id", "workflow_id"),
    Index("run_workflow_id_idx", "workflow_id", "id"),
    Index("run_status_idx", "status", "id", postgresql_where=text("status <> 'succeeded'")),
    Index(
        "run_workflow_status_idx",
        "workflow_id",
        "status",
        "id",
        postgresql_where=text("status <> 'running'"),
    ),
    Index(
        "run_reason_code_idx",
        "workflow_id",
        "reason_code",
        "status",
        "id",
        postgresql_where=text("reason_code IS NOT NULL"),
    ),
    Index(
        "run_conversation_id_idx",
        "conversation_id",
        "id",
        postgresql_where=text("conversation_id IS NOT NULL"),
    ),
    Index("run_customer_id_idx", "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
    Index("run_due_at_idx", "due_at", postgresql_where=text("status IN ('running', 'waiting')")),
    Index("run_waiting_for_idx", "waiting_for", "id", postgresql_where=text("waiting_for IS NOT NULL")),
    Index("run_problem_id_idx", "problem_id", "id", postgresql_where=text("problem_id IS NOT NULL")),
    postgresql_with={"fillfactor": "70"},
)
"""``ends`` tells of tasks that did not succeed, by task id; ``outputs`` of those that did. Columns that change with
each task stand in no index, so that a task's end is written beside the old row (HOT); ``fillfactor`` keeps room for it.
"""

run_search = Table(
    "run_search",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    Index(
        "run_search_words_idx",
        "words",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    ),
    Index("run_search_open_idx", "run_id", postgresql_where=text("is_open")),
    postgresql_partition_by="RANGE (run_id)",
)
"""The words that a run is found by, as they were at its ``version``; derived, and made anew from ``run`` at any time.

Its partitions are made and dropped as runs come and go (``workflows/history/search_partitions.py``). The short list of
what is pending in the index is read with each search.
"""

run_search_progress = Table(
    "run_search_progress",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("runs_until", BigInteger, nullable=False, server_default=text("0")),
    Column("attempts_until", BigInteger, nullable=False, server_default=text("0")),
    Column("open_until", BigInteger, nullable=False, server_default=text("0")),
    Column("changes", BigInteger, nullable=False, server_default=text("0")),
)

run_search_due = Table(
    "run_search_due",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", BigInteger, nullable=False),
)
"""Runs that were at their end and began again: nothing else tells of them in time."""

task_attempt = Table(
    "task_attempt",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("replay", Integer, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False),
    Column("input", JSONB, nullable=False),
    Column("output", JSONB, nullable=False),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("reason_values", JSONB),
    Column("evaluation", JSONB),
    Column("exchanges", JSONB),
    moment("started_at", nullable=False),
    moment("finished_at", nullable=False),
    Index("task_attempt_run_id_idx", "run_id"),
    Index(
        "task_attempt_email_idx",
        text("left(lower(coalesce(nullif(input ->> 'email', ''), output ->> 'customerEmailAddress')), 320)"),
        postgresql_where=text(
            "coalesce(nullif(input ->> 'email', ''), output ->> 'customerEmailAddress') IS NOT NULL"
        ),
    ),
)

problem = Table(
    "problem",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_words", Text, nullable=False),
    Column("runs", BigInteger, nullable=False, server_default=text("0")),
    moment("first_at", now=True),
    moment("last_at", now=True),
    UniqueConstraint("workflow_id", "task_id", "reason_code"),
)

replay = Table(
    "replay",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("what", Text, nullable=False),
    Column("from_task", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    moment("created_at", now=True),
    moment("stopped_at"),
    moment("finished_at"),
)

replay_run = Table(
    "replay_run",
    metadata,
    Column("replay_id", BigInteger, ForeignKey("replay.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("state", Text, nullable=False, server_default="queued"),
    Index("replay_run_queued_idx", "replay_id", "run_id", postgresql_where=text("state = 'queued'")),
    Index("replay_run_started_idx", "run_id", postgresql_where=text("state = 'started'")),
)
