"""Finding runs: by words, and by more than one of their properties at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

AT_REST = "status IN ('waiting', 'skipped', 'failed', 'cancelled')"


def upgrade() -> None:
    """Add the words of runs, and indexes that answer each filter by itself and the usual ones together."""
    _words()
    _progress()
    op.create_index(
        "run_workflow_status_idx", "run", ["workflow_id", "status", "id"], postgresql_where=sa.text(AT_REST)
    )
    op.create_index(
        "run_reason_code_idx",
        "run",
        ["workflow_id", "reason_code", "status", "id"],
        postgresql_where=sa.text("reason_code IS NOT NULL"),
    )
    op.create_index(
        "event_reason_code_idx",
        "event",
        ["reason_code", "id"],
        postgresql_where=sa.text("reason_code IS NOT NULL"),
    )
    for column in ("conversation_id", "customer_id"):
        op.drop_index(f"run_{column}_idx", "run")
        op.create_index(
            f"run_{column}_idx", "run", [column, "id"], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )


def _words() -> None:
    op.create_table(
        "run_search",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("run_search_pkey")),
        postgresql_partition_by="RANGE (run_id)",
    )
    op.create_index(
        "run_search_words_idx",
        "run_search",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    )
    op.create_index("run_search_open_idx", "run_search", ["run_id"], postgresql_where=sa.text("is_open"))


def _progress() -> None:
    op.create_table(
        "run_search_progress",
        sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1", name="single"), autoincrement=False),
        sa.Column("runs_until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts_until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("open_until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("changes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("run_search_progress_pkey")),
    )
    op.execute("INSERT INTO run_search_progress (id) VALUES (1)")
    op.create_table(
        "run_search_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("run_search_due_pkey")),
    )
