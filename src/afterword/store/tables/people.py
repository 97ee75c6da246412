"""Who may come in, by what, and what they did."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from afterword.store.tables.columns import ENCRYPTED, json_values, metadata, moment

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("key_check", LargeBinary, nullable=False, info=ENCRYPTED),
    moment("created_at", now=True),
)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    moment("created_at", now=True),
    moment("password_set_at"),
    Column("language", Text),
    Column("is_service", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("person_email_key", text("lower(email)"), unique=True),
)
"""Nobody signs in as a service account (``is_service``). ``version`` grows with each change of name or role."""

person_session = Table(
    "person_session",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key_sha256", LargeBinary, nullable=False, unique=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("signed_in_by", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("network", Text, nullable=False),
    moment("begun_at", now=True),
    moment("seen_at", now=True),
    moment("ends_at", nullable=False),
    moment("proved_at", now=True),
    Column("id_token", LargeBinary, info=ENCRYPTED),
)
"""``proved_at`` is when its person last proved who they are, ``id_token`` what an OpenID Connect provider signed."""

one_time_code = Table(
    "one_time_code",
    metadata,
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("last_step", BigInteger, nullable=False),
    Column("recovery_sha256", ARRAY(LargeBinary), nullable=False),
    moment("created_at", now=True),
)
"""``last_step`` is the period of 30 s whose code was the last to be taken: none of it or before is taken again."""

open_id_identity = Table(
    "open_id_identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    moment("created_at", now=True),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text)),
    moment("created_at", now=True),
    moment("last_used_at"),
)
"""Without ``scopes`` a token may all that its person may."""

welcome_link = Table(
    "welcome_link",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE")),
    Column("code_sha256", LargeBinary, nullable=False, unique=True),
    moment("expires_at", nullable=False),
)
"""Without a person it lets the first owner in."""

login_session = Table(
    "login_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    moment("expires_at"),
)
"""What is kept for a while: counts of failures, a sign-in between its two pages, forms that were not taken.

Sessions are in ``person_session``.
"""

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    moment("at", now=True),
    Column("actor_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    json_values("before"),
    json_values("after"),
    Index(None, "actor_id", "id"),
    Index(None, "kind", "id"),
    Index(None, "subject_id", "id"),
)
"""Rows are only added. It holds names as they were, of people and things that may be gone."""
