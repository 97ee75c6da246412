"""People choose the language of their pages."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """None chosen: what the browser asks for."""
    op.add_column("person", sa.Column("language", sa.Text()))
