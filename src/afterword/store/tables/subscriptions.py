"""Event subscriptions that others have with our survey service."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from afterword.store.tables.columns import ENCRYPTED, metadata, moment

event_subscription = Table(
    "event_subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("topics", Text, nullable=False),
    Column("patterns", ARRAY(Text), nullable=False),
    Column("secrets", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("successful_calls", BigInteger, nullable=False, server_default=text("0")),
    Column("failures_in_a_row", Integer, nullable=False, server_default=text("0")),
    moment("held_until"),
    moment("last_succeeded_at"),
    moment("last_failed_at"),
    Column("last_failure", Text),
    moment("created_at", now=True),
)

event_delivery = Table(
    "event_delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subscription_id", Text, ForeignKey("event_subscription.id", ondelete="CASCADE"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="due"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure", Text),
    moment("due_at", now=True),
    moment("created_at", now=True),
    Index("event_delivery_subscription_id_idx", "subscription_id", "status", "due_at", "id"),
)
"""What is to be told to subscribers: a row is gone once it was told."""
