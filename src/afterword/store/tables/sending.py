"""The brakes on sending."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from afterword.store.tables.columns import metadata, moment

sending_pause = Table(
    "sending_pause",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("by_whom", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=text("''")),
    moment("since", now=True),
)
"""With a row, all sending is paused."""

sending_hour = Table(
    "sending_hour",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("sent", BigInteger, nullable=False),
    Column("usual", Double),
    Column("is_let_go", Boolean, nullable=False, server_default=text("false")),
)
"""How many invitations a workflow sent in an hour of the clock (UTC), and how many were usual when it began."""

sending_permit = Table(
    "sending_permit",
    metadata,
    Column("run_key", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    moment("granted_at", now=True),
    Index("sending_permit_granted_at_idx", "granted_at"),
)
"""Tasks that were counted; an empty ``task_id`` stands for every task of a run that was let go."""

sending_hold = Table(
    "sending_hold",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("most", BigInteger, nullable=False),
    Column("usual", Double),
    moment("since", now=True),
)
"""Workflows of which invitations are held; ``usual`` where that was the limit's measure."""
