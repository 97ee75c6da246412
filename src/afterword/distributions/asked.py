"""Who was asked, and what came of it: invitations that went out, and who they went to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.surveys.counts import counts_of
from afterword.surveys.results import ResultFilters
from afterword.surveys.statistics import Share


class Invited(msgspec.Struct, frozen=True):
    """Whom an invitation went to, and when the mail server took it."""

    id: str
    contact_id: str
    email: str
    first_name: str
    last_name: str
    sent_at: datetime | None

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return f"{self.first_name} {self.last_name}".strip()


async def response_rate(connection: AsyncConnection, survey_id: str, filters: ResultFilters) -> Share | None:
    """Of the invitations sent in the filters' time, about the filters' Inbox and Agent, those that were
    answered by now; ``None`` for one Conversation or Customer, of which a rate says nothing.

    A score or a comment is an answer's: filters of these do not matter here.
    """
    if filters.about.conversation_id is not None or filters.about.customer_id is not None:
        return None
    kept = counts_of(survey_id, filters.about.wanted, filters.recorded_from, filters.recorded_until)
    if kept is not None:
        row = (await connection.execute(select(_sum(kept.c.answered), _sum(kept.c.asked)))).one()
        return _rate(*row)
    invitation, response = tables.invitation, tables.response
    of_survey = invitation.c.survey_id == survey_id, invitation.c.sent_at.is_not(None)
    sent = await _count(connection, invitation.c.send_at, filters, *of_survey)
    answered = await _count(connection, response.c.invited_at, filters, response.c.survey_id == survey_id)
    return _rate(answered, sent)


def _rate(answered: int, sent: int) -> Share:
    return Share(min(answered, sent), sent)  # an invitation is deleted with its contact, a response is not


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


async def _count(
    connection: AsyncConnection, asked_at: Column[Any], filters: ResultFilters, *of_table: ColumnElement[bool]
) -> int:
    """Rows of the column's table by when it was asked."""
    wanted = [*of_table, asked_at.is_not(None), *filters.about.conditions(asked_at.table)]
    if filters.recorded_from is not None:
        wanted.append(asked_at >= filters.recorded_from)
    if filters.recorded_until is not None:
        wanted.append(asked_at < filters.recorded_until)
    return await connection.scalar(select(func.count()).select_from(asked_at.table).where(*wanted)) or 0


async def find_invited(connection: AsyncConnection, invitation_ids: Iterable[str]) -> dict[str, Invited]:
    """Whom these invitations went to, by their ids; what was deleted is left out."""
    columns = [tables.invitation.c[name] for name in Invited.__struct_fields__]
    found = await connection.execute(select(*columns).where(tables.invitation.c.id.in_(list(invitation_ids))))
    return {row["id"]: Invited(**row) for row in found.mappings()}
