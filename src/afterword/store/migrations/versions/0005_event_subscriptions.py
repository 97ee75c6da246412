"""Event subscriptions that others have with us, and what their calls ask of surveys and responses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the subscriptions with their outbox; owners of surveys; how responses came."""
    _surveys()
    _responses()
    _subscriptions()


def _surveys() -> None:
    op.add_column("survey", sa.Column("owner_id", sa.Text()))
    op.add_column(
        "survey",
        sa.Column("modified_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_foreign_key(
        op.f("survey_owner_id_fkey"), "survey", "person", ["owner_id"], ["id"], ondelete="SET NULL"
    )
    op.execute(
        "UPDATE survey SET modified_at = created_at, owner_id = "
        "(SELECT id FROM person WHERE role = 'owner' ORDER BY created_at, id LIMIT 1)"
    )


def _responses() -> None:
    op.add_column("response", sa.Column("kind", sa.Text(), server_default="created", nullable=False))
    op.add_column("response", sa.Column("channel", sa.Text()))
    op.add_column("response", sa.Column("language", sa.Text()))
    op.add_column("response", sa.Column("started_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE response SET channel = 'email' WHERE invitation_id IS NOT NULL")


def _subscriptions() -> None:
    op.create_table(
        "event_subscription",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("patterns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("successful_calls", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures_in_a_row", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("event_subscription_person_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_subscription_pkey")),
    )
    op.create_table(
        "event_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="due", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["event_subscription.id"],
            name=op.f("event_delivery_subscription_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_delivery_pkey")),
    )
    op.create_index(
        "event_delivery_subscription_id_idx",
        "event_delivery",
        ["subscription_id", "status", "due_at", "id"],
    )
