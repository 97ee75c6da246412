"""Contacts with phone, external reference, language and data of their own; invitations that expire, with a reply-to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what the XM Directory tasks need."""
    nothing = sa.text("''")
    for name in ("phone", "external_reference", "language"):
        op.add_column("contact", sa.Column(name, sa.Text(), server_default=nothing, nullable=False))
    op.add_column(
        "contact",
        sa.Column("embedded_data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("invitation", sa.Column("reply_to", sa.Text(), server_default=nothing, nullable=False))
    op.add_column("invitation", sa.Column("expires_at", sa.DateTime(timezone=True)))
