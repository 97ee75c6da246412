"""Backfills, what they found, and how far the events of an account were read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add backfills, what they found, and where each event was found."""
    op.add_column("event", sa.Column("found_in", sa.Text()))
    op.add_column("event", sa.Column("latest", sa.DateTime(timezone=True)))
    op.add_column("event", sa.Column("backfill_id", sa.BigInteger()))
    _backfill()
    _backfill_found()
    _gladly_reading()


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=sa.text("now()") if now else None
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _backfill() -> None:
    op.create_table(
        "backfill",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text()),
        sa.Column("gap_id", sa.BigInteger()),
        _moment("since"),
        _moment("until"),
        _moment("read_until"),
        sa.Column("state", sa.Text(), server_default=sa.text("'reading'"), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        _number("closings"),
        _number("fresh"),
        _number("recorded"),
        sa.Column("missing", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason_code", sa.Text()),
        sa.Column("reason_words", sa.Text()),
        _moment("working_until"),
        _moment("due_at", now=True),
        _moment("created_at", now=True),
        _moment("finished_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("backfill_pkey")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name=op.f("backfill_account_id_fkey"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "backfill_open_key",
        "backfill",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _backfill_found() -> None:
    op.create_table(
        "backfill_found",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("backfill_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        _moment("occurred_at"),
        _moment("latest", nullable=True),
        sa.Column("found_in", sa.Text(), nullable=False),
        sa.Column("deduplication_key", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("backfill_found_pkey")),
        sa.ForeignKeyConstraint(
            ["backfill_id"], ["backfill.id"], name=op.f("backfill_found_backfill_id_fkey"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "backfill_id", "deduplication_key", name=op.f("backfill_found_backfill_id_deduplication_key_key")
        ),
    )
    op.create_index(
        "backfill_found_occurred_at_idx", "backfill_found", ["backfill_id", "occurred_at", "number"]
    )
    op.create_index("backfill_found_conversation_idx", "backfill_found", ["backfill_id", "conversation_id"])


def _gladly_reading() -> None:
    op.create_table(
        "gladly_reading",
        sa.Column("account_id", sa.Text(), nullable=False),
        _moment("begins_at", now=True),
        _moment("checked_until", now=True),
        _moment("check_due_at", now=True),
        _moment("pulled_until", nullable=True),
        _moment("pulled_at", nullable=True),
        _moment("pull_due_at", now=True),
        sa.Column("pull_failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("gladly_reading_pkey")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_account.id"],
            name=op.f("gladly_reading_account_id_fkey"),
            ondelete="CASCADE",
        ),
    )
