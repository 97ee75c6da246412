"""Contacts and mailing lists."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, text

from afterword.store.tables.columns import json_values, metadata, moment

mailing_list = Table(
    "mailing_list",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    moment("created_at", now=True),
)

contact = Table(
    "contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=text("''")),
    Column("external_reference", Text, nullable=False, server_default=text("''")),
    Column("language", Text, nullable=False, server_default=text("''")),
    json_values("embedded_data"),
    moment("created_at", now=True),
    moment("opted_out_at"),
    Index("contact_email_key", text("lower(email)"), unique=True),
)

mailing_list_contact = Table(
    "mailing_list_contact",
    metadata,
    Column("mailing_list_id", Text, ForeignKey("mailing_list.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_id", Text, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_lookup_id", Text, nullable=False, unique=True),
    moment("created_at", now=True),
)
