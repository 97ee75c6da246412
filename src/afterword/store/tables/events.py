"""Events, and the spans of time in which some may be missing."""

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Table, Text, text

from afterword.store.tables.columns import metadata, moment

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("origin", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("deduplication_key", LargeBinary),
    Column("conversation_id", Text),
    moment("occurred_at"),
    Column("body", Text, nullable=False),
    moment("received_at", now=True),
    Column("status", Text, nullable=False, server_default="received"),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("redelivery_of", BigInteger),
    Column("found_in", Text),
    moment("latest"),
    Column("backfill_id", BigInteger),
    Index("event_deduplication_key", "origin", "deduplication_key", unique=True),
    Index("event_inbox_idx", "id", postgresql_where=text("status = 'received'")),
    Index("event_without_run_idx", "id", postgresql_where=text("status IN ('ignored', 'redelivered')")),
    Index("event_reason_code_idx", "reason_code", "id", postgresql_where=text("reason_code IS NOT NULL")),
    Index(
        "event_kept_idx",
        "origin",
        "id",
        postgresql_where=text(
            "status = 'ignored' AND reason_code IN "
            "('no-workflow', 'workflow-was-off', 'workflow-had-no-task', 'response-kind-not-ticked')"
        ),
    ),
    Index(
        "event_conversation_idx",
        "origin",
        "conversation_id",
        "occurred_at",
        postgresql_where=text("conversation_id IS NOT NULL"),
    ),
)
"""``found_in`` is the record of Gladly's in which it was found, where no webhook told of it, and ``latest`` how late it
may have been, where that record tells no seconds.
"""

event_gap = Table(
    "event_gap",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("origin", Text, nullable=False),
    moment("since", nullable=False),
    moment("until", nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_words", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    moment("noted_at", now=True),
    moment("closed_at"),
    Index("event_gap_origin_idx", "origin", "until"),
)
"""Spans of time in which events of an origin may be missing: ``open``, ``closed``, or ``left`` as they are."""
