"""What is known of surveys and responses of a real Qualtrics."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from afterword.store.tables.columns import metadata, moment

qualtrics_subscription = Table(
    "qualtrics_subscription",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("survey_id", Text, primary_key=True),
    Column("subscription_id", Text, nullable=False),
    Column("publication_url", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    moment("created_at", now=True),
)
"""Event subscriptions that we have at a real Qualtrics."""

qualtrics_survey = Table(
    "qualtrics_survey",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("survey_id", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("outline", Text, nullable=False),
    moment("read_at", now=True),
    UniqueConstraint("account_id", "survey_id", "sha256"),
    Index("qualtrics_survey_read_at_idx", "account_id", "survey_id", "read_at"),
)
"""Surveys of connected Qualtrics accounts, as they were whenever they were read; each state of one once."""

qualtrics_response = Table(
    "qualtrics_response",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("announcement", Text, primary_key=True),
    Column("qualtrics_survey_id", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    moment("fetched_at", now=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
)
"""Responses of connected Qualtrics accounts as runs read them, a reading for each ``announcement`` (which tells one
event of a response from another). ``version`` counts what was read: it grows when a later reading says something else.
"""
