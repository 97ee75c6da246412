"""Workflows with owners; runs that can be held, replayed and grouped by problem; what an attempt exchanged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the run engine and run history need."""
    op.execute("ALTER TABLE rate_budget SET UNLOGGED")
    _workflows()
    _runs()
    _problems_and_replays()


def _workflows() -> None:
    op.add_column("workflow", sa.Column("owner_id", sa.Text()))
    op.add_column("workflow", sa.Column("survey_id", sa.Text()))
    op.add_column("workflow", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        op.f("workflow_owner_id_fkey"), "workflow", "person", ["owner_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(
        "workflow_survey_id_idx", "workflow", ["survey_id"], postgresql_where=sa.text("survey_id IS NOT NULL")
    )
    op.add_column("workflow_revision", sa.Column("person_id", sa.Text()))
    op.add_column("workflow_revision", sa.Column("restored_from", sa.Integer()))
    op.create_foreign_key(
        op.f("workflow_revision_person_id_fkey"),
        "workflow_revision",
        "person",
        ["person_id"],
        ["id"],
        ondelete="SET NULL",
    )


def _runs() -> None:
    empty = sa.text("'{}'::jsonb")
    op.add_column("run", sa.Column("ends", postgresql.JSONB(), server_default=empty, nullable=False))
    op.add_column(
        "run", sa.Column("in_flight", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "run", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("run", sa.Column("replays", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("run", sa.Column("reason_values", postgresql.JSONB()))
    op.add_column("run", sa.Column("evaluation", postgresql.JSONB()))
    op.add_column("run", sa.Column("problem_id", sa.BigInteger()))
    op.add_column("run", sa.Column("waiting_for", sa.Text()))
    op.add_column("run", sa.Column("held_since", sa.DateTime(timezone=True)))
    op.drop_index("run_event_id_idx", "run")
    op.drop_index("run_status_idx", "run")
    op.drop_constraint("run_workflow_id_event_id_key", "run")
    op.create_unique_constraint(op.f("run_event_id_workflow_id_key"), "run", ["event_id", "workflow_id"])
    op.create_index("run_workflow_id_idx", "run", ["workflow_id", "id"])
    for name, columns, where in (
        ("run_status_idx", ["status", "id"], "status <> 'succeeded'"),
        ("run_waiting_for_idx", ["waiting_for", "id"], "waiting_for IS NOT NULL"),
        ("run_problem_id_idx", ["problem_id", "id"], "problem_id IS NOT NULL"),
    ):
        op.create_index(name, "run", columns, postgresql_where=sa.text(where))
    op.execute("ALTER TABLE run SET (fillfactor = 70)")
    op.add_column(
        "task_attempt", sa.Column("replay", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    for name in ("reason_values", "evaluation", "exchanges"):
        op.add_column("task_attempt", sa.Column(name, postgresql.JSONB()))


def _problems_and_replays() -> None:
    op.create_table(
        "problem",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_words", sa.Text(), nullable=False),
        sa.Column("runs", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("problem_pkey")),
        sa.UniqueConstraint(
            "workflow_id", "task_id", "reason_code", name=op.f("problem_workflow_id_task_id_reason_code_key")
        ),
    )
    op.create_table(
        "replay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("from_task", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("replay_person_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("replay_pkey")),
    )
    op.create_table(
        "replay_run",
        sa.Column("replay_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.ForeignKeyConstraint(
            ["replay_id"], ["replay.id"], name=op.f("replay_run_replay_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("replay_id", "run_id", name=op.f("replay_run_pkey")),
    )
    op.create_index(
        "replay_run_queued_idx",
        "replay_run",
        ["replay_id", "run_id"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "replay_run_started_idx", "replay_run", ["run_id"], postgresql_where=sa.text("state = 'started'")
    )
