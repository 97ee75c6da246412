"""What events a workflow can start with needs of the database: schedules, captured samples."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing yet."""
