"""Finding what happened by a customer's address."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add an index over the addresses of invitations, and one over those that tasks came by.

    A text that stands where an address should may be of any length, and an index takes 2,704 bytes: it is cut.
    """
    op.create_index("invitation_email_idx", "invitation", [sa.text("lower(email)")])
    address = "coalesce(nullif(input ->> 'email', ''), output ->> 'customerEmailAddress')"
    op.create_index(
        "task_attempt_email_idx",
        "task_attempt",
        [sa.text(f"left(lower({address}), 320)")],
        postgresql_where=sa.text(f"{address} IS NOT NULL"),
    )
