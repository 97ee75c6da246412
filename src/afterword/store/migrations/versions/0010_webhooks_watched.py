"""Webhooks that are watched, and the gaps that they leave; how a Gladly account's events reach us."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the setting, the webhooks' states and the gaps.

    Of the accounts that are connected already, somebody made the webhook by hand.
    """
    op.add_column("connected_account", sa.Column("delivery", sa.Text()))
    op.execute("UPDATE connected_account SET delivery = 'by-hand' WHERE kind = 'gladly'")
    _webhooks()
    _gaps()


def _webhooks() -> None:
    op.create_table(
        "gladly_webhook",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text()),
        sa.Column("reason_words", sa.Text()),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_id", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("is_ours", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("credentials_sha256", sa.LargeBinary()),
        sa.Column("credentials_put_at", sa.DateTime(timezone=True)),
        sa.Column("worked_at", sa.DateTime(timezone=True)),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("next_look_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("account_id", name=op.f("gladly_webhook_pkey")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name=op.f("gladly_webhook_account_id_fkey"),
            ondelete="CASCADE",
        ),
    )


def _gaps() -> None:
    op.create_table(
        "event_gap",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_words", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("event_gap_pkey")),
    )
    op.create_index("event_gap_origin_idx", "event_gap", ["origin", "until"])
