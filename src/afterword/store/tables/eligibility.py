"""Who was asked."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from afterword.store.tables.columns import metadata, moment

asked = Table(
    "asked",
    metadata,
    Column("key", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("conversation_id", Text),
    Column("workflow_id", Text),
    Column("run_id", BigInteger),
    moment("closed_at"),
    moment("asked_at", now=True),
    Column("state", Text, nullable=False),
    Index("asked_account_id_customer_id_idx", "account_id", "customer_id"),
    Index("asked_conversation_id_idx", "conversation_id"),
    Index("asked_asked_at_idx", "asked_at"),
)
"""The ledger of those asked; ``key`` is that of the call that asks, ``account_id`` the connected Gladly account's.

What a ``state`` means stands in ``eligibility/ledger.py``.
"""
