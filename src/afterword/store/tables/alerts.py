"""What operators are told of."""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, Table, Text, Uuid, text

from afterword.store.tables.columns import metadata, moment

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("count", BigInteger, nullable=False, server_default=text("1")),
    Column("status", Text, nullable=False, server_default="waiting"),
    moment("first_at", now=True),
    moment("last_at", now=True),
    moment("due_at", now=True),
    moment("decided_at"),
    Column("summary_id", BigInteger),
    Index("alert_waiting_key", "kind", "subject", unique=True, postgresql_where=text("status = 'waiting'")),
    Index("alert_subject_idx", "kind", "subject", "decided_at"),
    Index("alert_decided_at_idx", "decided_at"),
)

alert_delivery = Table(
    "alert_delivery",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("status", Text, nullable=False, server_default="due"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure", Text),
    moment("due_at", now=True),
    Index("alert_delivery_due_at_idx", "due_at", postgresql_where=text("status = 'due'")),
)
