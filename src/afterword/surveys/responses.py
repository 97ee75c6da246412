"""Responses: what was answered, and the event that tells of it."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import ResponseKind, response_key, survey_origin, survey_response_type
from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.surveys.announcing import announce_response
from afterword.surveys.definitions import Survey
from afterword.surveys.models import COLUMNS, Answers, Response, Sitting, SurveyResponseTold

UNKNOWN_SITTING = Sitting()


async def record_response(
    connection: AsyncConnection,
    survey: Survey,
    *,
    invitation_id: str,
    answers: Answers,
    embedded_data: Mapping[str, str],
    sitting: Sitting = UNKNOWN_SITTING,
) -> str | None:
    """Store the answer to an invitation, and the event that tells of it, in the caller's transaction.

    Who subscribed to such events is told of it too, later. Answers the new response's id (``R_…``), or ``None`` when
    the invitation was answered before.
    """
    values = {
        "survey_id": survey.id,
        "invitation_id": invitation_id,
        "answers": dict(answers),
        "score": survey.definition.score_in(answers),
        "embedded_data": survey.definition.spell_embedded_data(embedded_data),
        "invited_at": sitting.invited_at,
        "channel": sitting.channel,
        "language": sitting.language,
        "started_at": None if sitting.seconds is None else func.now() - timedelta(seconds=sitting.seconds),
        "finished": not survey.definition.unanswered(answers) or survey.definition.changeable_hours == 0,
    }
    response = await _insert(connection, values)
    if response is None:
        return None
    await tell(connection, response, "created", sitting=sitting)
    return response.id


async def tell(
    connection: AsyncConnection,
    response: Response,
    kind: ResponseKind,
    *,
    change: str = "",
    sitting: Sitting = UNKNOWN_SITTING,
) -> None:
    """Record the event that tells of a response, and have subscribers told, in the caller's transaction.

    ``change`` tells one change of a response from another, for *updated*.
    """
    await announce_response(
        connection, response, contact_id=sitting.contact_id, mailing_list_id=sitting.mailing_list_id
    )
    told = SurveyResponseTold(response_id=response.id, survey_id=response.survey_id, kind=kind)
    await connection.execute(
        insert(tables.event).values(
            origin=survey_origin(response.survey_id),
            type=survey_response_type(kind),
            deduplication_key=response_key(response.id, kind, change),
            body=msgspec.json.encode(told).decode(),
        )
    )


async def _insert(connection: AsyncConnection, values: Mapping[str, object]) -> Response | None:
    new = (
        insert(tables.response)
        .values(id=new_id("R"), **values)
        .on_conflict_do_nothing(index_elements=[tables.response.c.invitation_id])
        .returning(*COLUMNS)
    )
    row = (await connection.execute(new)).mappings().one_or_none()
    return None if row is None else Response(**row)


async def get_response(connection: AsyncConnection, response_id: str) -> Response | None:
    """The response of this id."""
    found = await connection.execute(select(*COLUMNS).where(tables.response.c.id == response_id))
    row = found.mappings().one_or_none()
    return None if row is None else Response(**row)


async def count_responses(connection: AsyncConnection, survey_id: str) -> dict[str, int]:
    """How many responses of each kind a survey has; kinds of which there are none are left out."""
    table = tables.response
    counted = (
        select(table.c.kind, func.count().label("number"))
        .where(table.c.survey_id == survey_id)
        .group_by(table.c.kind)
    )
    return {row.kind: row.number for row in await connection.execute(counted)}


async def response_to(
    connection: AsyncConnection, invitation_id: str, *, lock: bool = False
) -> Response | None:
    """The response to this invitation; with ``lock`` nobody else changes it until the transaction ends."""
    query = select(*COLUMNS).where(tables.response.c.invitation_id == invitation_id)
    found = await connection.execute(query.with_for_update() if lock else query)
    row = found.mappings().one_or_none()
    return None if row is None else Response(**row)
