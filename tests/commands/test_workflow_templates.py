"""The guide's Workflows are made by one command, with Afterword's own survey service or a real Qualtrics."""

from typing import Any

import pytest
from tests.commands.conftest import Call, json_of

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.store.database import Database
from afterword.surveys.outlines import OutlinedChoice, OutlinedQuestion, SurveyOutline
from afterword.workflows.saving.guide import APP_EMAIL, find_guide, find_own_service, questions_of
from afterword.workflows.saving.templates import ANSWER_NAME, ASK_NAME, TELL_NAME


@pytest.fixture
async def gladly_id(database: Database, box: SecretBox) -> str:
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        account = await add_gladly(
            connection,
            box,
            name="Acme",
            base_url="https://acme.gladly.com",
            username="a@b.example",
            api_token="t",
        )
    return account.id


@pytest.fixture
async def qualtrics_id(database: Database, box: SecretBox) -> str:
    async with database.transaction() as connection:
        account = await add_qualtrics(connection, box, name="Real", api_token="t", base_url="fra1")
    return account.id


async def names(call: Call) -> list[tuple[str, bool]]:
    return [(one["name"], one["is_on"]) for one in json_of(await call("list", "--json"))]


async def test_three_workflows_are_made_off_with_our_own_survey_service(
    call: Call, database: Database, box: SecretBox, gladly_id: str
) -> None:
    made = await call("make", "guide")
    assert made.exit_code == 0, made.output
    assert made.output.count("made, off") == 3
    assert await names(call) == [(TELL_NAME, False), (ASK_NAME, False), (ANSWER_NAME, False)]
    async with database.transaction() as connection:
        own = await find_own_service(connection, box)
        guide = await find_guide(connection, gladly_id)
    assert own is not None
    assert guide.ask is not None
    assert guide.ask.id == own.endpoint_id
    sender = "SELECT email FROM person JOIN api_token ON person_id = person.id"
    assert await database.pool.fetchval(sender) == APP_EMAIL


async def test_made_again_nothing_is_made_but_what_is_missing(call: Call, gladly_id: str) -> None:
    await call("make", "guide", "--on")
    again = await call("make", "guide", "--gladly", "Acme")
    assert again.output.count("was there already") == 3
    assert await names(call) == [(TELL_NAME, True), (ASK_NAME, True), (ANSWER_NAME, True)]
    await call("delete", ASK_NAME, "--yes")
    once_more: Any = json_of(await call("make", "guide", "--json"))
    assert [one["isOn"] for one in once_more] == [True, False, True]
    assert len(await names(call)) == 3


async def test_with_a_real_qualtrics_asking_is_its_own_business(
    call: Call, database: Database, gladly_id: str, qualtrics_id: str
) -> None:
    await call("make", "guide", "--qualtrics", "Real")
    assert await names(call) == [(TELL_NAME, False)]
    await call("make", "guide", "--qualtrics", qualtrics_id, "--survey", "SV_1234567890abcde")
    assert await names(call) == [(TELL_NAME, False), (ANSWER_NAME, False)]
    assert await database.pool.fetchval("SELECT count(*) FROM survey") == 0


async def test_what_cannot_be_made_is_told_in_a_line(call: Call, database: Database, box: SecretBox) -> None:
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
    no_account = await call("make", "guide")
    assert "No Gladly account is connected" in str(no_account.exception)
    no_template = await call("make", "other")
    assert "There is no template 'other'" in str(no_template.exception)
    alone = await call("make", "guide", "--survey", "SV_1")
    assert "--survey goes with --qualtrics" in str(alone.exception)
    assert await names(call) == []


def test_score_and_comment_are_the_first_questions_of_their_kind() -> None:
    choice = (OutlinedChoice("1", "Yes", "1"),)
    survey = SurveyOutline(
        "SV_1",
        "S",
        (
            OutlinedQuestion("QID9", "A matrix", choices=choice, answers=choice),
            OutlinedQuestion("QID4", "Why?"),
            OutlinedQuestion("QID3", "How was it?", choices=choice),
        ),
    )
    assert questions_of(survey) == ("QID3", "QID4")
    assert questions_of(SurveyOutline("SV_1", "S")) == ("QID1", "QID2")
