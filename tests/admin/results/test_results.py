"""Results: the responses of a survey are found, counted, downloaded and shown, to each role what it may see."""

import csv
import io
import json
from collections.abc import Callable, Mapping

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Role, add_person
from afterword.admin.results.files import BATCH, harmless
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.models import Sitting
from afterword.surveys.responses import record_response

COMMENTS = {1: "=HYPERLINK(1)", 2: "", 5: "Lovely <b>help</b>"}


@pytest.fixture
async def survey_id(database: Database) -> str:
    async with database.transaction() as connection:
        return await add_survey(connection, name="CSAT <A>", definition=csat_survey())


async def answer(
    database: Database, survey_id: str, number: int, score: int, data: Mapping[str, str], *, days_ago: int = 0
) -> str:
    """A response to an invitation of its own."""
    pool = database.pool
    await pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) "
        "VALUES ('CID_' || $1::text, 'c' || $1 || '@x.org', '', '')",
        str(number),
    )
    await pool.execute(
        "INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name, "
        "embedded_data, from_name, subject, message, send_at, sent_at) "
        "VALUES ('EMD_' || $1::text, $2, 'CID_' || $1, 'CG', 't' || $1, 'c' || $1 || '@x.org', 'Ada', 'King', "
        "$3::jsonb, '', '', '', now() - make_interval(days => $4), now())",
        str(number),
        survey_id,
        json.dumps(data),
        days_ago,
    )
    async with database.transaction() as connection:
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        comment = COMMENTS.get(score, "")
        answers = {"QID1": score} | ({"QID2_TEXT": comment} if comment else {})
        invited = await connection.exec_driver_sql(
            "SELECT send_at FROM invitation WHERE id = $1", (f"EMD_{number}",)
        )
        response_id = await record_response(
            connection,
            survey,
            invitation_id=f"EMD_{number}",
            answers=answers,
            embedded_data=data,
            sitting=Sitting(invited_at=invited.scalar_one()),
        )
    await pool.execute(
        "UPDATE response SET recorded_at = now() - make_interval(days => $2) WHERE id = $1",
        response_id,
        days_ago,
    )
    assert response_id is not None
    return response_id


@pytest.fixture
async def answers(database: Database, survey_id: str) -> list[str]:
    """Three responses: two of Inbox in1, the oldest of all 60 days ago; and one invitation more, not answered."""
    ids = [
        await answer(
            database, survey_id, 1, 5, {"InboxId": "in1", "CustomerId": "cu1", "ConversationId": "V1"}
        ),
        await answer(database, survey_id, 2, 2, {"InboxId": "in1", "CustomerId": "cu2", "AgentId": "ag1"}),
        await answer(database, survey_id, 3, 1, {"InboxId": "in2", "CustomerId": "cu1"}, days_ago=60),
    ]
    await database.pool.execute(
        "INSERT INTO invitation SELECT (jsonb_populate_record(invitation, "
        '\'{"id": "EMD_x", "link_token": "tx"}\')).* FROM invitation WHERE id = \'EMD_2\''
    )
    return ids


def rows_of(page: str) -> list[str]:
    return [part.split('"', 1)[0] for part in page.split('<tr id="response-')[1:]]


async def test_with_one_survey_it_goes_straight_there_and_says_what_its_responses_amount_to(
    signed_in: Browser, survey_id: str, answers: list[str]
) -> None:
    reply, page = await signed_in.get("/results")
    assert reply.url.path == f"/results/{survey_id}"
    assert rows_of(page) == [answers[1], answers[0]]
    assert "<b>67 %</b><small>2 of 3 invitations" in page
    assert "<b>50 %</b><small>95 % interval: 9 % to 91 %" in page
    assert "<b>3.50</b>" in page
    assert "Lovely &lt;b&gt;help" in page
    assert "Ada King" in page
    assert "<svg" in page
    assert "style=" not in page


FOUND = {
    "period=all": [1, 0, 2],
    "inbox=in1": [1, 0],
    "inbox=in2&period=all": [2],
    "agent=ag1": [1],
    "conversation=V1": [0],
    "customer=cu1": [0, 2],
    "score=5&score=1&period=all": [0, 2],
    "comment=without": [1],
    "comment=with": [0],
    "until=2020-01-01": [],
    "before=R_unknown": [],
}


async def test_filters_stand_in_the_address(signed_in: Browser, survey_id: str, answers: list[str]) -> None:
    for query, found in FOUND.items():
        _, page = await signed_in.get(f"/results/{survey_id}?{query}")
        assert (query, rows_of(page)) == (query, [answers[index] for index in found])


async def test_a_filter_that_cannot_be_is_named(signed_in: Browser, survey_id: str) -> None:
    for query in ("score=9", "period=8", "from=yesterday", "comment=maybe", "by=hour"):
        reply, page = await signed_in.get(f"/results/{survey_id}?{query}")
        assert reply.status == 400
        assert f"{query.partition('=')[0]}:" in page


async def test_pages_go_on_where_the_last_one_ended(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    """Many are recorded at the same moment, so that the order is by id too."""
    await database.pool.execute(
        "INSERT INTO response (id, survey_id, recorded_at) SELECT 'R_' || n, $1, date_trunc('hour', now()) "
        "FROM generate_series(1, 60) n",
        survey_id,
    )
    _, first = await signed_in.get(f"/results/{survey_id}")
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    _, second = await signed_in.get(older)
    assert len(rows_of(first)) == 50
    assert len({*rows_of(first), *rows_of(second)}) == 60


async def test_the_file_holds_what_the_filters_fit_and_no_formula(
    signed_in: Browser, survey_id: str, answers: list[str]
) -> None:
    reply, text = await signed_in.get(f"/results/{survey_id}/responses.csv?period=all")
    assert reply.content_type == "text/csv"
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["Response ID"] for row in rows] == [answers[1], answers[0], answers[2]]
    assert [row["QID1 in words"] for row in rows] == ["Unhappy", "Very happy", "Very unhappy"]
    assert rows[2]["QID2 What is the main reason for your score?"] == "'=HYPERLINK(1)"
    assert rows[1]["Email"] == "c1@x.org"
    _, text = await signed_in.get(f"/results/{survey_id}/responses.csv?inbox=in2&period=all")
    assert len(text.splitlines()) == 2


async def test_a_file_of_many_is_read_in_batches(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    await database.pool.execute(
        "INSERT INTO response (id, survey_id) SELECT 'R_' || n, $1 FROM generate_series(1, $2) n",
        survey_id,
        2 * BATCH + 1,
    )
    _, text = await signed_in.get(f"/results/{survey_id}/responses.csv")
    assert len(set(text.splitlines())) == 2 * BATCH + 2


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\ta", "\ra"])
def test_what_begins_like_a_formula_is_made_harmless(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless(f"a{cell}") == f"a{cell}"


def test_what_some_spreadsheets_take_for_another_cell_is_made_harmless_too() -> None:
    assert harmless("fine;=1+1;\t@x, a;b; -c") == "fine;'=1+1;\t'@x, a;b; -c"


async def test_a_response_is_shown_whole_with_what_was_answered_before(
    signed_in: Browser, database: Database, survey_id: str, answers: list[str]
) -> None:
    await database.pool.execute(
        "INSERT INTO response_version (response_id, version, answers) VALUES ($1, 0, '{\"QID1\": 3}')",
        answers[0],
    )
    _, page = await signed_in.get(f"/results/{survey_id}/{answers[0]}")
    for told in ("5, Very happy", "3, So-so", "Lovely &lt;b&gt;help", "c1@x.org", "V1"):
        assert told in page
    assert f'href="/workflows/explain?q={answers[0]}"' in page


async def test_what_is_not_there_is_told_so(signed_in: Browser, survey_id: str) -> None:
    for address in (
        "/results/SV_x",
        "/results/SV_x/responses.csv",
        f"/results/{survey_id}/R_x",
        "/results/SV_x/R_x",
    ):
        reply, page = await signed_in.get(address)
        assert reply.status == 404
        assert "There is no such" in page


ROLES: Mapping[Role, bool] = {
    "owner": True,
    "administrator": True,
    "manager": True,
    "analyst": False,
    "api_user": False,
}
"""Whether a role is shown who answered, and in which words."""
ADDRESSES = ("/results/{survey}", "/results/{survey}/responses.csv", "/results/{survey}/{response}")


async def test_each_role_sees_scores_and_ids_and_only_some_see_who_and_what_was_said(
    open_browser: Callable[[], Browser], database: Database, survey_id: str, answers: list[str]
) -> None:
    for role, personal in ROLES.items():
        browser, email = open_browser(), f"{role}@example.org"
        async with database.transaction() as connection:
            await add_person(connection, email=email, name="R", role=role, password=PASSWORD)
        await browser.sign_in(email)
        for address in ADDRESSES:
            reply, page = await browser.get(address.format(survey=survey_id, response=answers[0]))
            assert reply.status == 200
            assert "in1" in page
            assert (role, "Lovely" in page, "Ada" in page) == (role, personal, personal)


async def test_nobody_sees_them_without_signing_in(browser: Browser, survey_id: str) -> None:
    for address in ("/results", *ADDRESSES):
        reply, _ = await browser.get(address.format(survey=survey_id, response="R_1"))
        assert reply.url.path == "/sign-in"
