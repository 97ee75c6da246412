"""Responses: what was answered, and the event that tells of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import ResponseKind, response_key, survey_origin, survey_response_type
from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.surveys.announcing import announce_response
from afterword.surveys.definitions import (
    ScoreQuestion,
    Survey,
    SurveyDefinition,
    TextQuestion,
    value_name,
)
from afterword.translating import gettext as _

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
    """The body of the event that tells of a response; its type tells the kind too (``survey_response_type``)."""

    response_id: str
    survey_id: str
    kind: ResponseKind = "created"


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """How a survey came to be answered, as far as that is known; ``None`` is never made up later.

    ``channel`` and ``language`` are Qualtrics' words (``email``, ``EN``); ``seconds`` passed between the first sight of
    the questions and the answer. ``contact_id`` and ``mailing_list_id`` tell who was asked, ``invited_at`` when.
    """

    channel: str | None = None
    language: str | None = None
    seconds: float | None = None
    contact_id: str | None = None
    mailing_list_id: str | None = None
    invited_at: datetime | None = None


class Response(msgspec.Struct, frozen=True):
    """A response as stored; ``kind`` is a ``ResponseKind`` of events/models.py, *updated* aside.

    ``version`` counts what was answered; ``modified_at`` is when that last changed, ``None`` for never. ``finished``:
    every question was answered, or the respondent said that that is all.
    """

    id: str
    survey_id: str
    answers: dict[str, int | str]
    embedded_data: dict[str, str]
    recorded_at: datetime
    invitation_id: str | None = None
    kind: str = "created"
    channel: str | None = None
    language: str | None = None
    started_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None
    finished: bool = True
    score: int | None = None

    def changeable_until(self, definition: SurveyDefinition) -> datetime:
        """Until when the respondent may add to it and correct it."""
        return self.recorded_at + timedelta(hours=definition.changeable_hours)

    def is_changeable(self, definition: SurveyDefinition) -> bool:
        """Whether the respondent may still change it."""
        return datetime.now(UTC) < self.changeable_until(definition)


COLUMNS = [tables.response.c[name] for name in Response.__struct_fields__]
UNKNOWN_SITTING = Sitting()


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
                        _(
                            "Please keep it to %(most)s characters; it has %(number)s.",
                            most=question.max_length,
                            number=len(text),
                        ),
                    )
                if text:
                    answers[value_name(question)] = text
    return answers


def _score(question: ScoreQuestion, given: str) -> int:
    recode = int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_SCORE else None
    if recode is None or question.choice(recode) is None:
        raise InvalidAnswer(question.id, _("Please choose one of the scores."))
    return recode


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
