"""Counts by the day are those of the rows, whatever happens to these, and at every moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterword.distributions.asked import response_rate
from afterword.distributions.figures import asked_surveys, figures
from afterword.store.database import Database
from afterword.surveys.counts import CountsKeeper, count_by_survey
from afterword.surveys.definitions import Survey, add_survey, csat_survey, get_survey
from afterword.surveys.results import About, ResultFilters, count_scores_by_day

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
HOUR = timedelta(hours=1)

ASK = """
INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name, from_name,
                        subject, message, send_at, embedded_data)
VALUES ('EMD_' || $2::int, $1, 'CID_' || $2 % 3, 'CG_1', 'link' || $2, '', '', '', '', '', '', $3, $4::jsonb)
ON CONFLICT DO NOTHING
"""
ANSWER = """
INSERT INTO response (id, survey_id, invitation_id, embedded_data, score, kind, recorded_at, invited_at)
SELECT 'R_' || $1::int, survey_id, id, embedded_data, $2, $3, send_at + interval '9 hours', send_at
FROM invitation WHERE id = 'EMD_' || $1::int AND sent_at IS NOT NULL ON CONFLICT DO NOTHING
"""
CHANGES = {
    "send": "UPDATE invitation SET sent_at = send_at WHERE id = 'EMD_' || $1::int AND sent_at IS NULL",
    "another score": "UPDATE response SET score = CASE score WHEN 5 THEN NULL ELSE 5 END WHERE id = 'R_' || $1::int",
    "finish": "UPDATE response SET finished = true, modified_at = now() WHERE id = 'R_' || $1::int",
    "another Inbox": """UPDATE response SET embedded_data = '{"InboxId": "in2"}' WHERE id = 'R_' || $1::int""",
    "delete the Response": "DELETE FROM response WHERE id = 'R_' || $1::int",
    "delete the Contact": "DELETE FROM contact WHERE id = 'CID_' || $1::int % 3",
}

numbers = st.integers(0, 4)
steps = st.one_of(
    st.tuples(
        st.just("ask"),
        numbers,
        st.integers(-48, 48),
        st.sampled_from(["{}", '{"InboxId": "in1", "AgentId": "ag"}', '{"InboxId": "in2"}']),
    ),
    st.tuples(
        st.just("answer"), numbers, st.sampled_from([None, 1, 4, 5]), st.sampled_from(["created", "test"])
    ),
    st.tuples(st.sampled_from(sorted(CHANGES)), numbers),
    st.tuples(st.just("add up")),
)
BEFORE = [
    step
    for number, data in enumerate(('{"InboxId": "in1", "AgentId": "ag"}', '{"InboxId": "in1"}', "{}"))
    for step in (
        ("ask", number, 6 * number, data),
        ("send", number),
        ("answer", number, 4 + number % 2, "created"),
    )
]
"""So that there is something to change."""


async def carry_out(database: Database, survey: Survey, step: tuple[object, ...]) -> None:
    match step:
        case ("ask", int(number), int(hours), str(data)):
            await database.pool.execute(
                "INSERT INTO contact (id, email, first_name, last_name) "
                "VALUES ('CID_' || $1::int % 3, $1 % 3 || '@a.b', '', '') ON CONFLICT DO NOTHING",
                number,
            )
            await database.pool.execute(ASK, survey.id, number, MIDNIGHT + hours * HOUR, data)
        case ("answer", number, score, kind):
            await database.pool.execute(ANSWER, number, score, kind)
        case (str(change), number):
            await database.pool.execute(CHANGES[change], number)
        case _:
            await CountsKeeper(database).tick()


async def compare(database: Database, survey: Survey) -> None:
    """What is kept is told as what is counted row by row: for that, a second more is asked for, in which nothing is."""
    second, day = timedelta(seconds=1), timedelta(days=1)
    async with database.transaction() as connection:
        for about in (About(), About(inbox_id="in1"), About(inbox_id="in2"), About(agent_id="ag")):
            for scores in ((), (1, 5)):
                for begins, ends in ((-5, 5), (0, 1)):
                    since, until = MIDNIGHT + begins * day, MIDNIGHT + ends * day
                    kept = ResultFilters(about, scores, None, since, until)
                    plain = ResultFilters(about, scores, None, since - second, until - second)
                    assert await count_scores_by_day(connection, survey, kept) == await count_scores_by_day(
                        connection, survey, plain
                    )
                    of_kept = await response_rate(connection, survey.id, kept)
                    assert of_kept == await response_rate(connection, survey.id, plain)
        everything = ResultFilters(recorded_from=MIDNIGHT - 5 * day, recorded_until=MIDNIGHT + 5 * day)
        days, number = await count_scores_by_day(connection, survey, everything)
        (asked,) = await asked_surveys(connection)
        told = await figures(connection, [asked], (MIDNIGHT - 5 * day).date(), (MIDNIGHT + 5 * day).date())
        assert told.responses == number == (await count_by_survey(connection)).get(survey.id, 0)
        assert told.rate == await response_rate(connection, survey.id, everything)
        assert told.csat.of == sum(one.scores.total for one in days)


async def the_same_made_anew(database: Database) -> None:
    await CountsKeeper(database).tick()
    before = await all_counts(database)
    await database.pool.execute("SELECT count_surveys_anew()")
    assert await all_counts(database) == before


async def all_counts(database: Database) -> list[tuple[object, ...]]:
    rows = await database.pool.fetch(
        "SELECT * FROM survey_count WHERE (asked, answered, responses) <> (0, 0, 0) ORDER BY 1, 2, 3, 4, 5"
    )
    return [tuple(row) for row in rows]


@pytest.fixture
async def survey(database: Database) -> Survey:
    async with database.transaction() as connection:
        survey = await get_survey(
            connection, await add_survey(connection, name="C", definition=csat_survey())
        )
    assert survey is not None
    return survey


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=3, max_size=25))
async def test_counts_are_those_of_the_rows_whatever_happens_to_them(
    database: Database, survey: Survey, happens: list[tuple[object, ...]]
) -> None:
    for table in ("response", "invitation", "contact"):
        await database.pool.execute(f"DELETE FROM {table}")  # noqa: S608 - one of these
    for step in (*BEFORE, *happens):
        await carry_out(database, survey, step)
    await compare(database, survey)
    await the_same_made_anew(database)
