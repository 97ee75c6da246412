"""A Response that its respondent adds to and corrects: each change is a new version, and an event tells of it.

What was answered before is kept. Two tabs that were open at once change what was changed in each; where both changed
the same, the later one holds.
"""

from collections.abc import Mapping

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.surveys.definitions import Survey
from afterword.surveys.models import COLUMNS, Answers, Response, Sitting
from afterword.surveys.responses import response_to, tell

FINISHED = "finished"
"""The change that changes no answer: the respondent said that that is all."""


class TooLate(Exception):
    """The time for changes is over."""


async def change_response(
    connection: AsyncConnection,
    survey: Survey,
    invitation_id: str,
    *,
    seen_version: int,
    answers: Answers,
    sitting: Sitting,
) -> None:
    """Change the response to an invitation, in the caller's transaction; sending the same again changes nothing.

    ``seen_version`` is the version that the respondent's form was filled in with, 0 for an empty one: only what differs
    from it was changed.

    Raises:
        TooLate: it cannot be changed any more, or there is none.
    """
    response = await _changeable(connection, survey, invitation_id)
    seen = await _answers_of(connection, response, seen_version)
    merged = merge(seen, response.answers, answers)
    if merged == response.answers:
        return
    await connection.execute(
        insert(tables.response_version).values(
            response_id=response.id, version=response.version, answers=response.answers
        )
    )
    changed = await _update(
        connection,
        response.id,
        answers=merged,
        score=survey.definition.score_in(merged),
        version=response.version + 1,
        modified_at=func.now(),
        finished=response.finished or not survey.definition.unanswered(merged),
    )
    await tell(connection, changed, "updated", change=str(changed.version), sitting=sitting)


async def finish_response(
    connection: AsyncConnection, survey: Survey, invitation_id: str, *, sitting: Sitting
) -> None:
    """Note that the respondent has no more to say, in the caller's transaction; saying so again changes nothing.

    Raises:
        TooLate: the time is over, so that it is finished anyhow, or there is no response.
    """
    response = await _changeable(connection, survey, invitation_id)
    if not response.finished:
        changed = await _update(connection, response.id, finished=True)
        await tell(connection, changed, "updated", change=FINISHED, sitting=sitting)


def merge(
    seen: Mapping[str, int | str], now: Mapping[str, int | str], sent: Mapping[str, int | str]
) -> dict[str, int | str]:
    """What is answered when ``sent`` was made of ``seen`` while it had become ``now``."""
    changed = {name for name in seen.keys() | sent.keys() if seen.get(name) != sent.get(name)}
    kept = {name: value for name, value in now.items() if name not in changed}
    return kept | {name: value for name, value in sent.items() if name in changed}


async def _changeable(connection: AsyncConnection, survey: Survey, invitation_id: str) -> Response:
    response = await response_to(connection, invitation_id, lock=True)
    if response is None or not response.is_changeable(survey.definition):
        raise TooLate
    return response


async def _answers_of(connection: AsyncConnection, response: Response, version: int) -> Answers:
    """What was answered in this version; nothing, when there was none."""
    if version == response.version:
        return response.answers
    table = tables.response_version
    before: Answers | None = await connection.scalar(
        select(table.c.answers).where(table.c.response_id == response.id, table.c.version == version)
    )
    return before or {}


async def _update(connection: AsyncConnection, response_id: str, **values: object) -> Response:
    changed = (
        update(tables.response)
        .where(tables.response.c.id == response_id)
        .values(**values)
        .returning(*COLUMNS)
    )
    return Response(**(await connection.execute(changed)).mappings().one())
