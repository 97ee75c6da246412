"""How asking goes: who was asked and who answered in a span of time, how happy they are, and what they say.

Of Afterword's own surveys: what a connected Qualtrics asks, it counts itself. Each is one statement; figures are sums
of the counts that are kept by the day (``surveys/counts.py``).
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.surveys.definitions import SurveyDefinition, value_name
from afterword.surveys.statistics import Share, satisfied_scores

NO_COMMENT_AMONG = 100
"""So many of each survey's newest Responses are looked through for comments."""

SURVEYS = """
jsonb_to_recordset(CAST(:surveys AS jsonb)) AS of (survey_id text, comment text, satisfied int[])
"""

FIGURES = f"""
SELECT coalesce(sum(asked), 0) AS asked, coalesce(sum(answered), 0) AS answered,
       coalesce(sum(responses), 0) AS responses, coalesce(sum(responses) FILTER (WHERE score IS NOT NULL), 0) AS scored,
       coalesce(sum(responses) FILTER (WHERE score = ANY (of.satisfied)), 0) AS satisfied
FROM {SURVEYS} CROSS JOIN LATERAL (
    SELECT * FROM survey_count WHERE survey_id = of.survey_id AND about = '' AND day >= :since AND day < :until
    UNION ALL
    SELECT * FROM survey_count_change WHERE survey_id = of.survey_id AND about = '' AND day >= :since AND day < :until
) AS counted
"""  # noqa: S608 - put together from constants

COMMENTS = f"""
SELECT one.id AS response_id, one.kind, one.recorded_at, one.survey_id, one.score,
       one.answers ->> of.comment AS comment, invitation.first_name,
       invitation.last_name, invitation.email
FROM {SURVEYS} CROSS JOIN LATERAL (
    SELECT * FROM response WHERE survey_id = of.survey_id ORDER BY recorded_at DESC LIMIT :among
) AS one LEFT JOIN invitation ON invitation.id = one.invitation_id
WHERE coalesce(one.answers ->> of.comment, '') <> ''
ORDER BY one.recorded_at DESC LIMIT :limit
"""  # noqa: S608 - put together from constants


class AskedSurvey(msgspec.Struct, frozen=True):
    """A survey: what the answer with the comment is called, and which scores are satisfied."""

    survey_id: str
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
    """What somebody wrote, with their score and who they are, where that is known; ``kind`` is a ``ResponseKind``."""

    response_id: str
    kind: str
    survey_id: str
    recorded_at: datetime
    score: int | None
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
    connection: AsyncConnection, surveys: Sequence[AskedSurvey], since: date, until: date
) -> Figures:
    """The figures of the days (UTC) from ``since`` on, before ``until``."""
    row = (
        await connection.execute(
            text(FIGURES),
            {"surveys": _as_json(surveys), "since": since, "until": until},
        )
    ).one()
    return Figures(
        asked=int(row.asked),
        responses=int(row.responses),
        rate=Share(min(int(row.answered), int(row.asked)), int(row.asked)),
        csat=Share(int(row.satisfied), int(row.scored)),
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
    comment = definition.comment_question()
    return AskedSurvey(
        survey_id,
        "" if comment is None else value_name(comment),
        () if score is None else satisfied_scores(score),
    )


def _as_json(surveys: Sequence[AskedSurvey]) -> str:
    return msgspec.json.encode(surveys).decode()
