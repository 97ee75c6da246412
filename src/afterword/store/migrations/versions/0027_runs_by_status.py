"""The index of a workflow's runs by status knows those that succeeded, too."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make it anew; only a run that is under way stands in it no more."""
    op.drop_index("run_workflow_status_idx", "run")
    op.create_index(
        "run_workflow_status_idx",
        "run",
        ["workflow_id", "status", "id"],
        postgresql_where=sa.text("status <> 'running'"),
    )
