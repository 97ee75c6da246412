"""Which connected accounts can be called, and who was told of what."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Nothing yet."""
