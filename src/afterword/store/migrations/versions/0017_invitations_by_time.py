"""Invitations by the time at which they go out, for the figures of a span of time."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the index. ``send_at`` never changes, so that marking an invitation as sent touches no index of it."""
    op.create_index("invitation_send_at_idx", "invitation", ["send_at"])
