"""What workflows say, and what starts them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from afterword.store.tables.columns import ENCRYPTED, metadata, moment

workflow = Table(
    "workflow",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_on", Boolean, nullable=False, server_default=text("false")),
    Column("current_revision", Integer, nullable=False, server_default=text("1")),
    Column("owner_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("survey_id", Text),
    moment("created_at", now=True),
    moment("deleted_at"),
    Index("workflow_survey_id_idx", "survey_id", postgresql_where=text("survey_id IS NOT NULL")),
)

workflow_revision = Table(
    "workflow_revision",
    metadata,
    Column("workflow_id", Text, ForeignKey("workflow.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("definition", JSONB, nullable=False),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("restored_from", Integer),
    moment("created_at", now=True),
)

json_event_endpoint = Table(
    "json_event_endpoint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="RESTRICT"), nullable=False),
    Column("url_token_sha256", LargeBinary, nullable=False, unique=True),
    Column("url_token", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("authentication_required", Boolean, nullable=False, server_default=text("true")),
    Column("repeat_window_seconds", Integer, nullable=False, server_default=text("600")),
    moment("created_at", now=True),
    moment("capturing_since"),
    Column("capturing_after_event", BigInteger),
)

schedule = Table(
    "schedule",
    metadata,
    Column("workflow_id", Text, ForeignKey("workflow.id", ondelete="CASCADE"), primary_key=True),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    moment("next_at", nullable=False),
    Index("schedule_next_at_idx", "next_at"),
)
"""The next moment of each workflow that starts by the clock and is on; the definition stays the truth."""
