"""Brakes on sending, and what becomes of an invitation when its conversation is reopened."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the switch, the counts of each hour, what is held, and what invitations say of reopenings."""
    now = sa.text("now()")
    op.create_table(
        "sending_pause",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("sending_pause_single_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("sending_pause_pkey")),
    )
    op.create_table(
        "sending_hour",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Double(), nullable=True),
        sa.Column("is_let_go", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", "hour", name=op.f("sending_hour_pkey")),
    )
    op.create_table(
        "sending_permit",
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("run_key", "task_id", name=op.f("sending_permit_pkey")),
    )
    op.create_index("sending_permit_granted_at_idx", "sending_permit", ["granted_at"])
    op.create_table(
        "sending_hold",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Double(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("sending_hold_pkey")),
    )
    _invitations()


def _invitations() -> None:
    op.add_column("invitation", sa.Column("conversation_id", sa.Text()))
    op.add_column(
        "invitation",
        sa.Column("when_reopened", sa.Text(), server_default=sa.text("'keep'"), nullable=False),
    )
    op.add_column("invitation", sa.Column("closed_at", sa.DateTime(timezone=True)))
    op.create_index(
        "invitation_cancelled_by_reopening_idx",
        "invitation",
        ["conversation_id"],
        postgresql_where=sa.text("when_reopened <> 'keep'"),
    )
