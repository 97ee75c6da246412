"""Links by which people come in for the first time, or choose another password."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the links, of which only a digest is kept, and when a password was last chosen: it ends older sessions."""
    op.add_column("person", sa.Column("password_set_at", sa.DateTime(timezone=True)))
    op.create_table(
        "welcome_link",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.Text),
        sa.Column("code_sha256", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="welcome_link_pkey"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="welcome_link_person_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("code_sha256", name="welcome_link_code_sha256_key"),
    )
