"""How many of the last week's Customers some rules would have asked."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from afterword.store.tables.columns import metadata, moment

preview = Table(
    "preview",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    moment("wanted_since", nullable=False),
    moment("since", nullable=False),
    moment("until", nullable=False),
    moment("read_until", nullable=False),
    moment("read_at"),
    Column("is_kept", Boolean, nullable=False, server_default=text("false")),
    Column("workflow_id", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),
    Column("credit", Text, nullable=False),
    Column("asked_by", Text),
    Column("state", Text, nullable=False, server_default="reading"),
    Column("looked_at", BigInteger, nullable=False, server_default=text("0")),
    Column("to_look_at", BigInteger, nullable=False, server_default=text("0")),
    Column("missing", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("result", JSONB),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("reason_code", Text),
    Column("reason_words", Text),
    moment("working_until", nullable=False),
    moment("due_at", now=True),
    moment("begun_at", now=True),
    moment("finished_at"),
)
"""How many of the last week's Customers some rules would have asked. ``version`` grows when it is begun anew;
``is_kept`` tells that what was read for it is still there, from ``since`` on, which is later than ``wanted_since``
where there was too much.
"""

preview_moment = Table(
    "preview_moment",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("is_closing", Boolean, primary_key=True, autoincrement=False),
    Column("found_in", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    moment("latest"),
    Column("agent_id", Text, nullable=False),
    Column("inbox_id", Text, nullable=False),
    Column("initiator_type", Text, nullable=False),
    Column("initiator_id", Text, nullable=False),
)
"""When conversations were closed and opened again, as Gladly's records told it for a preview."""

preview_fact = Table(
    "preview_fact",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)
"""What Gladly was asked for besides: whether a customer has an address, Topics, and who wrote when and how much."""
