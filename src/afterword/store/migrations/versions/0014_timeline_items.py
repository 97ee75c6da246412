"""Responses that change, and their cards on the timeline."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nothing yet."""
