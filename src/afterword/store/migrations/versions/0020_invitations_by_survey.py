"""Invitations are found by their survey and time: the index by time alone is no longer needed."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Drop it: one index less to write with each invitation."""
    op.drop_index("invitation_send_at_idx", "invitation")
