"""Limits that vendors tell, and calls that are under way."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nothing yet."""
