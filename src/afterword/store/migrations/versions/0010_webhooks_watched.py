"""Webhooks that are watched, and the gaps that they leave."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Nothing yet."""
