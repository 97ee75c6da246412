"""When a conversation was closed and reopened, as Gladly told it: from the events, which are the truth."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.store import tables


async def last_closing(
    connection: AsyncConnection, conversation_id: str | None, *, until: datetime | None = None
) -> datetime | None:
    """When the conversation was closed last, of the closings that were received until then.

    ``None`` when no closing of it was told to us, as when another program sends the JSON events.
    """
    if conversation_id is None:
        return None
    event = tables.event
    closed: Select[Any] = select(func.max(event.c.occurred_at)).where(
        *_told(conversation_id, CONVERSATION_CLOSED)
    )
    if until is not None:
        closed = closed.where(event.c.received_at <= until)
    found: datetime | None = await connection.scalar(closed)
    return found


async def reopening_after(
    connection: AsyncConnection, conversation_id: str, moment: datetime
) -> datetime | None:
    """The first time that the conversation was reopened after this moment; both are by Gladly's clock."""
    event = tables.event
    reopened: Select[Any] = select(func.min(event.c.occurred_at)).where(
        *_told(conversation_id, CONVERSATION_REOPENED), event.c.occurred_at > moment
    )
    found: datetime | None = await connection.scalar(reopened)
    return found


def _told(conversation_id: str, event_type: str) -> tuple[ColumnElement[bool], ...]:
    """Of whatever Gladly account; the index over conversations begins with the origin, and accounts are few."""
    event, account = tables.event, tables.connected_account
    origins = select(literal("gladly/") + account.c.id).where(account.c.kind == "gladly")
    return (
        event.c.origin.in_(origins),
        event.c.conversation_id == conversation_id,
        event.c.type == event_type,
    )
