"""Looking for closings that were missed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from afterword.store.tables.columns import metadata, moment

backfill = Table(
    "backfill",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), nullable=False),
    Column("cause", Text, nullable=False),
    Column("asked_by", Text),
    Column("gap_id", BigInteger),
    moment("since", nullable=False),
    moment("until", nullable=False),
    moment("read_until", nullable=False),
    Column("state", Text, nullable=False, server_default="reading"),
    Column("is_confirmed", Boolean, nullable=False),
    Column("closings", BigInteger, nullable=False, server_default=text("0")),
    Column("fresh", BigInteger, nullable=False, server_default=text("0")),
    Column("recorded", BigInteger, nullable=False, server_default=text("0")),
    Column("missing", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("reason_code", Text),
    Column("reason_words", Text),
    moment("working_until", nullable=False),
    moment("due_at", now=True),
    moment("created_at", now=True),
    moment("finished_at"),
    Index("backfill_open_key", "account_id", unique=True, postgresql_where=text("finished_at IS NULL")),
)
"""Looks for closings that were missed. ``working_until`` is how long whoever works on it is taken to be there."""

backfill_found = Table(
    "backfill_found",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("backfill_id", BigInteger, ForeignKey("backfill.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    moment("occurred_at", nullable=False),
    moment("latest"),
    Column("found_in", Text, nullable=False),
    Column("deduplication_key", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("backfill_id", "deduplication_key"),
    Index("backfill_found_occurred_at_idx", "backfill_id", "occurred_at", "number"),
    Index("backfill_found_conversation_idx", "backfill_id", "conversation_id"),
)
"""What a backfill found and has not recorded yet."""

gladly_reading = Table(
    "gladly_reading",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    moment("begins_at", now=True),
    moment("checked_until", now=True),
    moment("check_due_at", now=True),
    moment("pulled_until"),
    moment("pulled_at"),
    moment("pull_due_at", now=True),
    Column("pull_failures", Integer, nullable=False, server_default=text("0")),
)
"""How far each Gladly account was looked through for closings that were missed, nothing before ``begins_at``; and,
where its list of events is read in place of a webhook, how far: the newest event's own time, and when it was read.
"""
