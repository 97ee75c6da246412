"""Survey responses of a real Qualtrics: whose account it is, what we subscribed to, surveys and responses as read."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the owner of an account, and tables for subscriptions, surveys and responses."""
    _accounts()
    _responses()


def _accounts() -> None:
    op.add_column("connected_account", sa.Column("organization_id", sa.Text()))
    op.add_column("connected_account", sa.Column("user_id", sa.Text()))
    op.create_index(
        "connected_account_owner_key",
        "connected_account",
        ["kind", "organization_id", "user_id"],
        unique=True,
    )
    op.create_table(
        "qualtrics_subscription",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("publication_url", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name=op.f("qualtrics_subscription_account_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "survey_id", name=op.f("qualtrics_subscription_pkey")),
    )


def _responses() -> None:
    op.create_table(
        "qualtrics_survey",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("outline", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("qualtrics_survey_pkey")),
        sa.UniqueConstraint(
            "account_id", "survey_id", "sha256", name=op.f("qualtrics_survey_account_id_survey_id_sha256_key")
        ),
    )
    op.create_index(
        "qualtrics_survey_read_at_idx", "qualtrics_survey", ["account_id", "survey_id", "read_at"]
    )
    op.create_table(
        "qualtrics_response",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=False),
        sa.Column("qualtrics_survey_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "response_id", "announcement", name=op.f("qualtrics_response_pkey")
        ),
    )
