"""Previews: how many Customers of the last week rules would have asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add a preview for each Gladly account, and what was read for it."""
    op.create_table(
        "preview",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
        sa.Column("wanted_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("is_kept", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("wanted", JSONB, nullable=False),
        sa.Column("credit", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="reading"),
        sa.Column("looked_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("to_look_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("missing", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
        sa.Column("result", JSONB),
        sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("reason_code", sa.Text),
        sa.Column("reason_words", sa.Text),
        sa.Column("working_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("account_id", name="preview_pkey"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["connected_account.id"], name="preview_account_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "preview_moment",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_closing", sa.Boolean, nullable=False),
        sa.Column("found_in", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("latest", sa.DateTime(timezone=True)),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("inbox_id", sa.Text, nullable=False),
        sa.Column("initiator_type", sa.Text, nullable=False),
        sa.Column("initiator_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id",
            "conversation_id",
            "occurred_at",
            "is_closing",
            "found_in",
            name="preview_moment_pkey",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name="preview_moment_account_id_fkey",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "preview_fact",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("value", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", "subject_id", name="preview_fact_pkey"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["connected_account.id"], name="preview_fact_account_id_fkey", ondelete="CASCADE"
        ),
    )
