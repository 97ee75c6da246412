"""Which connected accounts can be called, and who was told of what."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add how accounts stand, and the alerts with their deliveries."""
    _availability()
    _alerts()
    _deliveries()


def _availability() -> None:
    op.create_table(
        "account_availability",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probes_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("run_let_go_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_words", sa.Text(), nullable=True),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "call", name=op.f("account_availability_pkey")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name=op.f("account_availability_account_id_fkey"),
            ondelete="CASCADE",
        ),
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("summary_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_pkey")),
    )
    op.create_index(
        "alert_waiting_key",
        "alert",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index("alert_subject_idx", "alert", ["kind", "subject", "decided_at"])
    op.create_index("alert_decided_at_idx", "alert", ["decided_at"])


def _deliveries() -> None:
    op.create_table(
        "alert_delivery",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'due'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "channel", name=op.f("alert_delivery_pkey")),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("alert_delivery_alert_id_fkey"), ondelete="CASCADE"
        ),
    )
    op.create_index(
        "alert_delivery_due_at_idx", "alert_delivery", ["due_at"], postgresql_where=sa.text("status = 'due'")
    )
