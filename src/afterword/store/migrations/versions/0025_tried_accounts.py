"""Connected accounts remember when they were last tried and worked."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the moment; of accounts that are there it is not known."""
    op.add_column("connected_account", sa.Column("tried_at", sa.DateTime(timezone=True)))
