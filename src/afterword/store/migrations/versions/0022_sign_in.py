"""Sessions as rows, one-time codes, scopes of API tokens, service accounts, identities of OpenID Connect."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add them. Tokens keep all scopes, and the app's user that nobody signs in as becomes a service account."""
    op.add_column("person", sa.Column("is_service", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("person", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.execute(
        "UPDATE person SET is_service = true WHERE password_hash IS NULL AND lower(email) LIKE '%@service.invalid'"
    )
    op.add_column("api_token", sa.Column("scopes", sa.ARRAY(sa.Text)))
    _add_sessions()
    op.create_table(
        "one_time_code",
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("recovery_sha256", sa.ARRAY(sa.LargeBinary), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("person_id", name="one_time_code_pkey"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="one_time_code_person_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "open_id_identity",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("issuer", "subject", name="open_id_identity_pkey"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="open_id_identity_person_id_fkey", ondelete="CASCADE"
        ),
    )


def _add_sessions() -> None:
    op.create_table(
        "person_session",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("key_sha256", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("signed_in_by", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="person_session_pkey"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="person_session_person_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("key_sha256", name="person_session_key_sha256_key"),
    )
    op.create_index("person_session_person_id_idx", "person_session", ["person_id"])
