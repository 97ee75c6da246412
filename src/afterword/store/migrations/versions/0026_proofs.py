"""Sessions remember when their person last proved who they are, and what the OpenID Connect provider signed."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add both; sessions that are there were proved when they began."""
    moment = sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    op.add_column("person_session", moment)
    op.execute("UPDATE person_session SET proved_at = begun_at")
    op.add_column("person_session", sa.Column("id_token", sa.LargeBinary()))
