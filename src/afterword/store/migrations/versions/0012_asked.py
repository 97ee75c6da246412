"""Who was asked, about which closing."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the ledger of those asked."""
    op.create_table(
        "asked",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("asked_pkey")),
    )
    op.create_index("asked_account_id_customer_id_idx", "asked", ["account_id", "customer_id"])
    op.create_index("asked_conversation_id_idx", "asked", ["conversation_id"])
    op.create_index("asked_asked_at_idx", "asked", ["asked_at"])
