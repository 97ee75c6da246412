"""Who was asked and answered in a span of time, how happy they are, and what they say."""

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from afterword.distributions import figures as module
from afterword.distributions.figures import asked_surveys, figures, newest_comments
from afterword.store.database import Database
from afterword.surveys.counts import CountsKeeper
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.surveys.statistics import Share

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY, DAY = NOW.date(), timedelta(days=1)

INVITE = """
INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name, from_name,
                        subject, message, send_at, sent_at)
SELECT 'EMD_' || n, $1, 'CID_1', 'CG_1', 'link' || n, 'ada@example.org', 'Ada', 'King', '', '', '', $2, $3
FROM generate_series($4::int, $5::int) AS n
"""
ANSWER = """
INSERT INTO response (id, survey_id, invitation_id, answers, score, kind, recorded_at, invited_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT send_at FROM invitation WHERE id = $3))
"""


async def a_survey(database: Database) -> str:
    await database.pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) VALUES ('CID_1', 'ada@example.org', 'Ada', 'King')"
    )
    async with database.transaction() as connection:
        return await add_survey(connection, name="CSAT", definition=csat_survey())


class Answers:
    def __init__(self, database: Database, survey_id: str) -> None:
        self.database, self.survey_id, self.number = database, survey_id, 0

    async def __call__(
        self,
        score: int | None,
        at: datetime,
        *,
        comment: str = "",
        to: int | None = None,
        kind: str = "created",
    ) -> None:
        self.number += 1
        answers = ({} if score is None else {"QID1": score}) | ({"QID2_TEXT": comment} if comment else {})
        invitation_id = None if to is None else f"EMD_{to}"
        await self.database.pool.execute(
            ANSWER, f"R_{self.number}", self.survey_id, invitation_id, json.dumps(answers), score, kind, at
        )


async def test_a_span_of_time_is_counted_and_nothing_beside_it(database: Database) -> None:
    survey_id = await a_survey(database)
    answer = Answers(database, survey_id)
    await database.pool.execute(INVITE, survey_id, NOW, NOW, 1, 4)
    await database.pool.execute(INVITE, survey_id, NOW, None, 5, 5)  # not sent yet
    await database.pool.execute(INVITE, survey_id, NOW - DAY, NOW - DAY, 6, 9)
    await answer(5, NOW, to=1)
    await answer(3, NOW, to=2)
    await answer(4, NOW, to=6)  # asked the day before
    await answer(None, NOW, comment="no score")
    await answer(5, NOW, kind="test")
    await answer(5, NOW - DAY)
    async with database.transaction() as connection:
        surveys = await asked_surveys(connection)
        today = await figures(connection, surveys, TODAY, TODAY + DAY)
        nothing = await figures(connection, surveys, TODAY + DAY, TODAY + 2 * DAY)
        no_survey = await figures(connection, [], TODAY, TODAY + DAY)
    assert (today.asked, today.responses) == (4, 4)
    assert today.rate == Share(2, 4)
    assert today.csat == Share(2, 3)
    assert nothing.csat == nothing.rate == no_survey.csat == Share(0, 0)


async def test_the_newest_comments_come_first_with_who_wrote_them(database: Database) -> None:
    survey_id = await a_survey(database)
    answer = Answers(database, survey_id)
    await database.pool.execute(INVITE, survey_id, NOW, NOW, 1, 1)
    await answer(5, NOW, comment="first")
    await answer(1, NOW + DAY, comment="second", to=1)
    await answer(5, NOW + 2 * DAY)
    async with database.transaction() as connection:
        surveys = await asked_surveys(connection)
        found = await newest_comments(connection, surveys, limit=5)
        assert len(await newest_comments(connection, surveys, limit=1)) == 1
    assert [(one.comment, one.score, one.name) for one in found] == [
        ("second", 1, "Ada King"),
        ("first", 5, ""),
    ]


async def test_no_invitation_and_no_response_is_read_to_count_them(database: Database) -> None:
    survey_id = await a_survey(database)
    await database.pool.execute(INVITE, survey_id, NOW, NOW, 1, 500)
    await CountsKeeper(database).tick()
    await database.pool.execute("ANALYZE")
    async with database.transaction() as connection:
        surveys = await asked_surveys(connection)
        values = {"since": TODAY, "until": TODAY + DAY, "surveys": module._as_json(surveys)}
        told = "\n".join(await connection.scalars(text(f"EXPLAIN {module.FIGURES}"), values))
        counted = await figures(connection, surveys, TODAY, TODAY + DAY)
    assert "on invitation" not in told
    assert "on response" not in told
    assert counted.asked == 500
