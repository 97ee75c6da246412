"""What events a workflow can start with needs of the database: schedules, captured samples, events kept to be run."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEPT = (
    "status = 'ignored' AND reason_code IN "
    "('no-workflow', 'workflow-was-off', 'workflow-had-no-task', 'response-kind-not-ticked')"
)


def upgrade() -> None:
    """Add schedules, the switch of capture, and the index by which kept events are found."""
    op.create_table(
        "schedule",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("schedule_pkey")),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow.id"], name=op.f("schedule_workflow_id_fkey"), ondelete="CASCADE"
        ),
    )
    op.create_index("schedule_next_at_idx", "schedule", ["next_at"])
    op.add_column("json_event_endpoint", sa.Column("capturing_since", sa.DateTime(timezone=True)))
    op.add_column("json_event_endpoint", sa.Column("capturing_after_event", sa.BigInteger()))
    op.create_index("event_kept_idx", "event", ["origin", "id"], postgresql_where=sa.text(KEPT))
