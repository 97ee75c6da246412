"""Invitations."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, text

from afterword.store.tables.columns import (
    INDEXED_EMBEDDED_DATA,
    embedded_value,
    json_values,
    metadata,
    moment,
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("survey_id", Text, ForeignKey("survey.id", ondelete="RESTRICT"), nullable=False),
    Column("contact_id", Text, ForeignKey("contact.id", ondelete="CASCADE"), nullable=False),
    Column("mailing_list_id", Text, nullable=False),
    Column("link_token", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    json_values("embedded_data"),
    json_values("fields"),
    Column("from_name", Text, nullable=False),
    Column("reply_to", Text, nullable=False, server_default=text("''")),
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
    moment("created_at", now=True),
    moment("send_at", nullable=False),
    moment("sent_at"),
    moment("expires_at"),
    Column("conversation_id", Text),
    Column("when_reopened", Text, nullable=False, server_default="keep"),
    moment("closed_at"),
    Index("invitation_contact_id_idx", "contact_id"),
    Index("invitation_email_idx", text("lower(email)")),
    Index(
        "invitation_cancelled_by_reopening_idx",
        "conversation_id",
        postgresql_where=text("when_reopened <> 'keep'"),
    ),
    Index("invitation_survey_id_send_at_idx", "survey_id", "send_at"),
    *(
        Index(f"invitation_{name.lower()}_idx", "survey_id", text(embedded_value(name)), "send_at")
        for name in INDEXED_EMBEDDED_DATA[:2]
    ),
)
"""``closed_at`` is when the conversation was closed that it asks about, as Gladly told."""
