"""Whom events are about, read with the rows that tell of them: the columns to ask for, and what they say."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, case, func

from afterword.store import tables
from afterword.workflows.history.concerned import FROM_SURVEY, Concerned, concerned

LARGEST_BODY_LOOKED_INTO = 16_384
"""Bytes; a listing does not look for the customer in an event that is larger."""


def concerned_columns(event: FromClause) -> list[ColumnElement[Any]]:
    """What tells whom an event is about."""
    body = case((func.octet_length(event.c.body) <= LARGEST_BODY_LOOKED_INTO, event.c.body))
    return [
        body.label("body"),
        tables.response.c.embedded_data,
        tables.invitation.c.first_name,
        tables.invitation.c.last_name,
        tables.invitation.c.email,
    ]


def with_respondent(source: FromClause, event: FromClause) -> FromClause:
    """Add the response that a survey's event tells of (the event's key begins with its id) and its invitation."""
    response, invitation = tables.response, tables.invitation
    key = func.convert_from(event.c.deduplication_key, "UTF8")
    response_id = case((event.c.origin.startswith(FROM_SURVEY), func.split_part(key, "/", 1)))
    return source.outerjoin(response, response.c.id == response_id).outerjoin(
        invitation, invitation.c.id == response.c.invitation_id
    )


def concerned_in(origin: str | None, row: RowMapping) -> Concerned:
    """Whom a row is about that has these columns and a ``conversation_id``."""
    found = concerned(
        origin or "",
        row["body"],
        embedded_data=row["embedded_data"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
    )
    return Concerned(found.customer, row["conversation_id"] or found.conversation_id)
