"""Connected accounts, and how each of them is."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from afterword.store.tables.columns import ENCRYPTED, metadata, moment

connected_account = Table(
    "connected_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("base_url", Text),
    Column("username", Text),
    Column("organization_id", Text),
    Column("user_id", Text),
    Column("secrets", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("delivery", Text),
    moment("created_at", now=True),
    moment("tried_at"),
    UniqueConstraint("kind", "name"),
    Index("connected_account_owner_key", "kind", "organization_id", "user_id", unique=True),
)
"""``organization_id`` and ``user_id`` are the vendor's own: by them an account is known again. One that was connected
without being tried has none. ``delivery`` is how a Gladly account's events reach us, ``tried_at`` when it was last
tried at the vendor, and worked.
"""

account_availability = Table(
    "account_availability",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("call", Text, primary_key=True, server_default=""),
    Column("state", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    moment("since", nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("last_failed_at"),
    moment("next_probe_at"),
    Column("probes_failed", Integer, nullable=False, server_default=text("0")),
    moment("run_let_go_at"),
    Column("reason_code", Text),
    Column("reason_words", Text),
    moment("alerted_at"),
)
"""How a connected account stands, or one call of it; without a row it answers. ``credentials`` is a digest of those
that this is about: of others nothing is known.
"""

gladly_webhook = Table(
    "gladly_webhook",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason_code", Text),
    Column("reason_words", Text),
    moment("since", nullable=False),
    Column("webhook_id", Text),
    Column("url", Text),
    Column("is_ours", Boolean, nullable=False, server_default=text("false")),
    Column("credentials_sha256", LargeBinary),
    moment("credentials_put_at"),
    moment("worked_at"),
    moment("looked_at"),
    moment("next_look_at", now=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    moment("alerted_at"),
)
"""How the webhook of a connected Gladly account was at the last look. ``credentials_sha256`` is a digest of those that
were last put there, as Gladly shows none; ``tries`` counts the looks in a row at which it did not work.
"""
