"""Rate budgets that uses share, that keep what a vendor tells, and how many call at once."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

MOMENTS = ("held_until", "busy_since", "live_arrival", "interactive_arrival", "backfill_arrival")


def upgrade() -> None:
    """A hold stands with its budget, and no longer beside it; those that stand now are over in a moment."""
    op.execute("DELETE FROM rate_budget")
    for name in MOMENTS:
        op.add_column("rate_budget", sa.Column(name, sa.DateTime(timezone=True)))
    op.add_column("rate_budget", sa.Column("rate_told", sa.Double()))
    op.create_table(
        "call_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("call_lease_pkey")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("call_lease_holder_idx", "call_lease", ["holder"])
