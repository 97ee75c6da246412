"""What every room of tables is made with."""

from sqlalchemy import Column, DateTime, MetaData, func, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

ENCRYPTED = {"encrypted": True}
"""Marks the columns of secrets that are encrypted with the installation's key."""


def moment(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    """A moment, with its time zone; ``now`` is when the row is made."""
    if now:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True), nullable=nullable)


def json_values(name: str) -> Column[object]:
    """Values by name, none to begin with."""
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


INDEXED_EMBEDDED_DATA = ("InboxId", "AgentId", "ConversationId", "CustomerId")
"""Names of Embedded Data, as the vendors' guide spells them, that responses and invitations are found by."""

LONGEST_INDEXED = 200
"""Characters of such a value."""


def embedded_value(name: str) -> str:
    """SQL of a value of Embedded Data as it is indexed; ``name`` is one of ours.

    An index takes 2,704 bytes, and a value may be of any length: it is cut.
    """
    return f"left(embedded_data ->> '{name}', {LONGEST_INDEXED})"
