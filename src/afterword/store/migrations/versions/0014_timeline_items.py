"""Responses that change, and what stands of them on Gladly's Timelines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add versions of Responses, and the items that tell of them; all there were before are finished."""
    moment = sa.DateTime(timezone=True)
    op.add_column("response", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("response", sa.Column("modified_at", moment))
    op.add_column(
        "response", sa.Column("finished", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    nothing = sa.text("'{}'::jsonb")
    op.create_table(
        "response_version",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), server_default=nothing, nullable=False),
        sa.Column("replaced_at", moment, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["response.id"],
            name=op.f("response_version_response_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("response_id", "version", name=op.f("response_version_pkey")),
    )
    op.create_table(
        "timeline_item",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("is_there", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("under_way", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("wanted_at", moment, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "response_id", "task_id", "version", name=op.f("timeline_item_pkey")
        ),
    )
    op.add_column(
        "qualtrics_response", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.execute(
        "UPDATE qualtrics_response SET version = counted.version FROM (SELECT account_id, response_id, announcement, "
        "row_number() OVER (PARTITION BY account_id, response_id ORDER BY fetched_at, announcement) AS version "
        "FROM qualtrics_response) AS counted WHERE (qualtrics_response.account_id, qualtrics_response.response_id, "
        "qualtrics_response.announcement) = (counted.account_id, counted.response_id, counted.announcement)"
    )
