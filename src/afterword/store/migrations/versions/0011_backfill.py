"""Backfills, and how far the events of an account were read."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nothing yet."""
