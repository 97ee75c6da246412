"""Responses: what was answered, and the event that tells of it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import SURVEY_RESPONSE, survey_origin
from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.surveys.definitions import ScoreQuestion, Survey, SurveyDefinition, TextQuestion

Answers = Mapping[str, int | str]
"""Answers by Qualtrics' names for values: ``QID1`` is a choice's number, ``QID2_TEXT`` a text."""


LONGEST_SCORE = 4
"""Digits."""


class InvalidAnswer(ValueError):
    """An answer that the survey does not allow; ``question_id`` tells which, the message what to do."""

    def __init__(self, question_id: str, message: str) -> None:
        super().__init__(message)
        self.question_id = question_id


class SurveyResponseTold(msgspec.Struct, frozen=True, rename="camel"):
    """The body of the event that tells of a response."""

    response_id: str
    survey_id: str


class Response(msgspec.Struct, frozen=True):
    """A response as stored."""

    id: str
    survey_id: str
    answers: dict[str, int | str]
    embedded_data: dict[str, str]
    recorded_at: datetime


def read_answers(definition: SurveyDefinition, form: Mapping[str, str]) -> dict[str, int | str]:
    """Make answers of what a form holds: a field for each question, named by its id.

    Raises:
        InvalidAnswer: a score is missing or is none of the choices, or a text is too long.
    """
    answers: dict[str, int | str] = {}
    for question in definition.questions:
        given = form.get(question.id, "")
        match question:
            case ScoreQuestion():
                answers[question.id] = _score(question, given)
            case TextQuestion():
                text = given.replace("\r\n", "\n").replace("\x00", "").strip()
                if len(text) > question.max_length:
                    raise InvalidAnswer(
                        question.id,
                        f"Please keep it to {question.max_length} characters; it has {len(text)}.",
                    )
                if text:
                    answers[f"{question.id}_TEXT"] = text
    return answers


def _score(question: ScoreQuestion, given: str) -> int:
    recode = int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_SCORE else None
    if recode is None or question.choice(recode) is None:
        raise InvalidAnswer(question.id, "Please choose one of the scores.")
    return recode


async def record_response(
    connection: AsyncConnection,
    survey: Survey,
    *,
    invitation_id: str,
    answers: Answers,
    embedded_data: Mapping[str, str],
) -> str | None:
    """Store the answer to an invitation, and the event that tells of it, in the caller's transaction.

    Answers the new response's id (``R_…``), or ``None`` when the invitation was answered before.
    """
    response_id: str | None = await connection.scalar(
        insert(tables.response)
        .values(
            id=new_id("R"),
            survey_id=survey.id,
            invitation_id=invitation_id,
            answers=dict(answers),
            embedded_data=survey.definition.spell_embedded_data(embedded_data),
        )
        .on_conflict_do_nothing(index_elements=[tables.response.c.invitation_id])
        .returning(tables.response.c.id)
    )
    if response_id is None:
        return None
    told = SurveyResponseTold(response_id=response_id, survey_id=survey.id)
    await connection.execute(
        insert(tables.event).values(
            origin=survey_origin(survey.id),
            type=SURVEY_RESPONSE,
            deduplication_key=response_id.encode(),
            body=msgspec.json.encode(told).decode(),
        )
    )
    return response_id


async def get_response(connection: AsyncConnection, response_id: str) -> Response | None:
    """The response of this id."""
    row = (
        await connection.execute(select(tables.response).where(tables.response.c.id == response_id))
    ).first()
    if row is None:
        return None
    return Response(row.id, row.survey_id, row.answers, row.embedded_data, row.recorded_at)


async def answered(connection: AsyncConnection, invitation_id: str) -> bool:
    """Tell whether this invitation was answered."""
    found = await connection.scalar(
        select(tables.response.c.id).where(tables.response.c.invitation_id == invitation_id)
    )
    return found is not None
