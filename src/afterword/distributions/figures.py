"""How asking goes: who was asked and who answered in a span of time, how happy they are, and what they say.

Of Afterword's own surveys: what a connected Qualtrics asks, it counts itself. Each figure is one statement, and what it
reads is found by its time in an index.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.surveys.definitions import ScoreQuestion, SurveyDefinition, TextQuestion, value_name
from afterword.surveys.statistics import Share, satisfied_scores

NO_COMMENT_AMONG = 100
"""So many of each survey's newest Responses are looked through for comments."""

ASKED = """
SELECT count(*) AS asked FROM invitation WHERE send_at >= :since AND send_at < :until AND sent_at IS NOT NULL
"""

SURVEYS = """
jsonb_to_recordset(CAST(:surveys AS jsonb)) AS asked (survey_id text, score text, comment text, satisfied jsonb)
"""

ANSWERED = f"""
SELECT count(*) AS responses, count(given) AS scored, count(*) FILTER (WHERE satisfied @> given) AS satisfied
FROM {SURVEYS} CROSS JOIN LATERAL (
    SELECT answers -> score AS given FROM response
    WHERE survey_id = asked.survey_id AND recorded_at >= :since AND recorded_at < :until
      AND kind NOT IN ('preview', 'test')
) AS one
"""  # noqa: S608 - put together from constants

ANSWERED_BY_NOW = f"""
SELECT count(*) AS answered FROM {SURVEYS} CROSS JOIN LATERAL (
    SELECT invitation_id FROM response WHERE survey_id = asked.survey_id AND recorded_at >= :since
) AS one JOIN invitation ON invitation.id = one.invitation_id
WHERE invitation.send_at >= :since AND invitation.send_at < :until AND invitation.sent_at IS NOT NULL
"""  # noqa: S608 - put together from constants
"""An answer never comes before its invitation: older Responses need not be read."""

COMMENTS = f"""
SELECT one.id AS response_id, one.recorded_at, one.answers ->> asked.score AS score,
       one.answers ->> asked.comment AS comment, invitation.first_name, invitation.last_name, invitation.email
FROM {SURVEYS} CROSS JOIN LATERAL (
    SELECT * FROM response WHERE survey_id = asked.survey_id ORDER BY recorded_at DESC LIMIT :among
) AS one LEFT JOIN invitation ON invitation.id = one.invitation_id
WHERE coalesce(one.answers ->> asked.comment, '') <> ''
ORDER BY one.recorded_at DESC LIMIT :limit
"""  # noqa: S608 - put together from constants


class AskedSurvey(msgspec.Struct, frozen=True):
    """A survey's questions, by what their answers are called: the score, which of it is satisfied, the comment."""

    survey_id: str
    score: str
    comment: str
    satisfied: tuple[int, ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time: mails that went out, Responses that came, how many of those asked have answered by now, and
    how many of those who gave a score are satisfied.
    """

    asked: int
    responses: int
    rate: Share
    csat: Share


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote, with their score and who they are, where that is known."""

    response_id: str
    recorded_at: datetime
    score: str | None
    comment: str
    first_name: str | None
    last_name: str | None
    email: str | None

    @property
    def name(self) -> str:
        """The Customer's name, else their address."""
        return " ".join(filter(None, (self.first_name, self.last_name))) or self.email or ""


async def asked_surveys(connection: AsyncConnection) -> list[AskedSurvey]:
    """Every survey there is."""
    rows = await connection.execute(text("SELECT id, definition FROM survey ORDER BY id"))
    return [_asked(row.id, msgspec.convert(row.definition, SurveyDefinition, strict=False)) for row in rows]


async def figures(
    connection: AsyncConnection, surveys: Sequence[AskedSurvey], since: datetime, until: datetime
) -> Figures:
    """The figures from ``since`` on, before ``until``."""
    span = {"since": since, "until": until}
    of_surveys = {**span, "surveys": _as_json(surveys)}
    asked = await connection.scalar(text(ASKED), span)
    answered = await connection.scalar(text(ANSWERED_BY_NOW), of_surveys)
    given = (await connection.execute(text(ANSWERED), of_surveys)).one()
    return Figures(
        asked=asked or 0,
        responses=given.responses,
        rate=Share(answered or 0, asked or 0),
        csat=Share(given.satisfied, given.scored),
    )


async def newest_comments(
    connection: AsyncConnection, surveys: Sequence[AskedSurvey], *, limit: int
) -> list[Comment]:
    """The newest comments, newest first."""
    rows = await connection.execute(
        text(COMMENTS), {"surveys": _as_json(surveys), "among": NO_COMMENT_AMONG, "limit": limit}
    )
    return [Comment(**row) for row in rows.mappings()]


def _asked(survey_id: str, definition: SurveyDefinition) -> AskedSurvey:
    score = definition.score_question()
    comment = next((one for one in definition.questions if isinstance(one, TextQuestion)), None)
    return AskedSurvey(
        survey_id,
        "" if score is None else value_name(score),
        "" if comment is None else value_name(comment),
        satisfied_scores(score) if isinstance(score, ScoreQuestion) else (),
    )


def _as_json(surveys: Sequence[AskedSurvey]) -> str:
    return msgspec.json.encode(surveys).decode()
