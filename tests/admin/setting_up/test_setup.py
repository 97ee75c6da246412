"""The set-up, from its first step to the last, on the sandbox; each state is what is there."""

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.fixtures.admin_pages import PASSWORD, Browser
from tests.fixtures.afterword_web import Afterword, StartAfterword
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.people import Role, add_person
from afterword.admin.setting_up.steps import TITLES
from afterword.surveys.definitions import add_survey, csat_survey

ALLOWED: dict[Role, bool] = {
    "owner": True,
    "administrator": True,
    "manager": False,
    "analyst": False,
    "api_user": False,
}

JSON_EVENT = "https://fra1.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId=Secret-1"


@pytest_asyncio.fixture
async def afterword(start_afterword: StartAfterword) -> Afterword:
    """An installation in which nothing is connected."""
    started = await start_afterword()
    await started.database.pool.execute("DELETE FROM connected_account")
    return started


@pytest_asyncio.fixture
async def owners_browser(afterword: Afterword) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(afterword.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        browser = Browser(http, afterword.url)
        answer, _ = await browser.sign_in("olive@example.com", afterword.owner_password)
        assert answer.status == 303
        yield browser


@pytest.fixture
def no_webhook_left(sandbox: Sandbox) -> Any:
    yield
    for webhook in sandbox.api("GET", "/api/v1/webhooks"):
        sandbox.api("PATCH", f"/api/v1/webhooks/{webhook['id']}", {"enabled": False})
        sandbox.api("DELETE", f"/api/v1/webhooks/{webhook['id']}")


def states(body: str) -> list[str]:
    """The states of all steps, as the list tells them."""
    return re.findall(r'<span class="state"><span class="badge \w+">([\w ]+)</span>', body)


async def send_seen(browser: Browser, step: str, form: dict[str, str]) -> tuple[aiohttp.ClientResponse, str]:
    """Send a step's form as it stands on its page now."""
    _, body = await browser.get(f"/setup/{step}")
    shown = re.search(r'name="revisions" value="([^"]*)"', body)
    return await browser.send(f"/setup/{step}", form | {"revisions": shown[1] if shown else ""})


async def workflows(afterword: Afterword) -> list[tuple[bool, bool, str]]:
    """Of each workflow: whether it is on, whether in test, and for whom."""
    rows = await afterword.database.pool.fetch(
        "SELECT is_on, coalesce((definition->'brakes'->>'in_test')::boolean, false) AS in_test, "
        "coalesce(definition->'brakes'->>'allowed', '[]') AS allowed FROM workflow JOIN workflow_revision "
        "ON workflow_id = workflow.id AND number = current_revision ORDER BY workflow.name"
    )
    return [(row["is_on"], row["in_test"], row["allowed"]) for row in rows]


@pytest.mark.usefixtures("no_webhook_left")
async def test_from_nothing_to_switched_on(
    owners_browser: Browser, afterword: Afterword, sandbox: Sandbox
) -> None:
    browser = owners_browser
    _, body = await browser.get("/setup")
    assert states(body) == ["Not started"] * 9
    assert "Begin: Connect Gladly" in body

    typed = {
        "address": sandbox.url,
        "username": sandbox.username,
        "api_token": "wrong-Secret",
        "name": "Sand & Co",
    }
    answer, body = await browser.send("/setup/gladly", typed)
    assert answer.status == 422
    assert re.search(r'id="api_token"[^>]* aria-invalid="true"', body)
    assert "Gladly does not accept this user name with this token" in body
    assert 'value="Sand &amp; Co"' in body
    assert "wrong-Secret" not in body
    _, body = await browser.send("/setup/gladly", typed | {"address": "", "username": ""})
    for words in ("The address is missing.", "The user name is missing.", 'value="wrong-Secret"'):
        assert words in body, "all that is wrong is told at once; what is not wrong is kept"
    _, body = await browser.send("/setup/gladly", typed | {"api_token": sandbox.api_token})
    assert "Sand &amp; Co: works, and its webhook too" in body
    assert "Next: Choose who asks" in body

    answer, body = await browser.send("/setup/workflows", {})
    assert answer.status == 422
    assert "Choose first who asks." in body
    _, body = await browser.send("/setup/surveys", {"who": "own"})
    assert "Afterword&#39;s own survey service: works" in body
    _, body = await browser.get("/setup/questions")
    assert "How happy are you with the help you got?" in body

    answer, body = await browser.send("/setup/mail", {"email": "me@example.org"})
    assert answer.status == 422
    assert "It could not be sent: the mail server cannot be reached" in body
    answer, body = await browser.send("/setup/mail", {"email": "nobody"})
    assert "This is not an email address." in body

    _, body = await browser.send("/setup/workflows", {})
    assert await workflows(afterword) == [(False, False, "[]")] * 3
    answer, body = await send_seen(browser, "try", {"email": "nobody"})
    assert answer.status == 422
    assert "This is not an email address." in body
    _, body = await send_seen(browser, "try", {"email": "me@example.org"})
    assert "only me@example.org is written to" in body
    allowed = (True, True, '["me@example.org"]')
    assert sorted(await workflows(afterword)) == sorted([allowed, allowed, (True, False, "[]")])
    _, body = await browser.get("/setup")
    assert states(body) == [
        "Works",
        "Works",
        "Not started",
        "Works",
        "Works",
        "Works",
        "Works",
        "Not yet",
        "Not started",
    ]

    _, body = await browser.get("/setup/on")
    assert "Switch on for all Customers all the same" in body
    answer, body = await browser.send("/setup/on", {"revisions": "of before"})
    assert answer.status == 422
    assert "Somebody changed the Workflows meanwhile" in body
    _, body = await send_seen(browser, "on", {})
    assert all(is_on and not in_test for is_on, in_test, _ in await workflows(afterword))
    _, body = await browser.get("/setup/try")
    assert "Customers are asked already" in body
    assert "<form" not in body.partition('class="stage"')[2]


@pytest.mark.usefixtures("no_webhook_left")
async def test_done_again_nothing_changes(
    owners_browser: Browser, afterword: Afterword, sandbox: Sandbox
) -> None:
    account = {"address": sandbox.url, "username": sandbox.username, "api_token": sandbox.api_token}
    for step, typed in [("gladly", account), ("surveys", {"who": "own"}), ("workflows", {}), ("on", {})] * 2:
        answer, body = await send_seen(owners_browser, step, typed)
        assert answer.status == 200, body
    for table, number in (("connected_account", 2), ("workflow", 3), ("survey", 1)):
        assert await afterword.database.pool.fetchval(f"SELECT count(*) FROM {table}") == number  # noqa: S608
    assert len(sandbox.api("GET", "/api/v1/webhooks")) == 1


async def test_a_qualtrics_that_is_none_is_told_at_its_field(
    owners_browser: Browser, sandbox: Sandbox
) -> None:
    typed = {
        "who": "qualtrics",
        "address": "fra1",
        "api_token": "t",
        "json_event_url": "https://example.com/no",
    }
    answer, body = await owners_browser.send("/setup/surveys", typed)
    assert answer.status == 422
    assert re.search(r'id="json_event_url"[^>]* aria-invalid="true"', body)
    answer, body = await owners_browser.send("/setup/surveys", {"who": "qualtrics", "address": "fra1"})
    assert "The API token is missing." in body
    answer, body = await owners_browser.send("/setup/surveys", {})
    assert "Choose who asks." in body
    answer, _ = await owners_browser.get("/setup/nothing")
    assert answer.status == 404


@pytest.mark.usefixtures("no_webhook_left")
async def test_with_a_qualtrics_its_survey_is_subscribed_to_and_its_answers_go_to_gladly(
    owners_browser: Browser, afterword: Afterword, sandbox: Sandbox
) -> None:
    """Afterword's own survey service answers in Qualtrics' place."""
    browser = owners_browser
    await connect_both(browser, afterword, sandbox, afterword.api_token)
    async with afterword.database.transaction() as connection:
        bare = await add_survey(connection, name="Bare", definition=csat_survey(()))
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
    for wrong, words in (
        ("no id", "is not a survey"),
        ("SV_aaaaaaaaaaaaaaa", "sees no survey"),
        (bare, "CustomerId"),
    ):
        answer, body = await browser.send("/setup/questions", {"survey_id": wrong})
        assert answer.status == 422
        assert words in body.partition('id="survey_id-error"')[2]
    _, body = await browser.send("/setup/questions", {"survey_id": survey_id})
    assert f"Responses to {survey_id} come here" in body
    _, body = await browser.send("/setup/workflows", {})
    assert "In Qualtrics" in body
    assert await workflows(afterword) == [(False, False, "[]")] * 2
    _, body = await send_seen(browser, "try", {"email": "me@example.org"})
    assert "Qualtrics sends it: look into the mailbox" in body


@pytest.mark.usefixtures("no_webhook_left")
async def test_where_the_token_is_no_administrators_the_other_way_is_shown(
    owners_browser: Browser, afterword: Afterword, sandbox: Sandbox
) -> None:
    await connect_both(owners_browser, afterword, sandbox, afterword.other_token)
    async with afterword.database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
    answer, body = await owners_browser.send("/setup/questions", {"survey_id": survey_id})
    assert answer.status == 422
    assert "needs the token of a brand administrator" in body
    assert "X-Afterword-Secret" in body
    assert f"{afterword.url}/webhooks/qualtrics/QA_" in body
    _, body = await owners_browser.get("/setup/questions")
    assert f"No Response to {survey_id} came here yet" in body
    assert "X-Afterword-Secret" not in body


@pytest.mark.usefixtures("no_webhook_left")
async def test_an_account_is_given_another_token_that_is_tried_first(
    owners_browser: Browser, afterword: Afterword, sandbox: Sandbox
) -> None:
    await connect_both(owners_browser, afterword, sandbox, afterword.api_token)
    answer, body = await owners_browser.send("/setup/gladly", {"api_token": "wrong-Secret"})
    assert answer.status == 422
    assert "Gladly does not accept this user name" in body.partition('id="api_token-error"')[2]
    await afterword.database.pool.execute(
        "UPDATE gladly_webhook SET state = 'off', reason_words = 'it is off'"
    )
    _, body = await owners_browser.get("/setup")
    assert states(body)[0] == "Broken"
    _, body = await owners_browser.send("/setup/gladly", {"api_token": sandbox.api_token})
    assert "works, and its webhook too" in body
    answer, _ = await owners_browser.send("/setup/surveys", {"api_token": afterword.api_token})
    assert answer.status == 200


async def connect_both(browser: Browser, afterword: Afterword, sandbox: Sandbox, token: str) -> None:
    gladly = {"address": sandbox.url, "username": sandbox.username, "api_token": sandbox.api_token}
    await browser.send("/setup/gladly", gladly)
    qualtrics = {
        "who": "qualtrics",
        "address": afterword.url,
        "api_token": token,
        "json_event_url": JSON_EVENT,
    }
    answer, body = await browser.send("/setup/surveys", qualtrics)
    assert answer.status == 200, body


async def test_only_owners_and_administrators_set_up(afterword: Afterword) -> None:
    for role, may in ALLOWED.items():
        async with afterword.database.transaction() as connection:
            await add_person(connection, email=f"{role}@example.org", name=role, role=role, password=PASSWORD)
        async with aiohttp.ClientSession(afterword.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            browser = Browser(http, afterword.url)
            await browser.sign_in(f"{role}@example.org")
            for path in ("/setup", *(f"/setup/{step}" for step in TITLES)):
                answer, _ = await browser.get(path)
                assert answer.status == (200 if may else 403), (role, path)
            for step in TITLES:
                answer, _ = await browser.send(f"/setup/{step}", {})
                assert answer.status == (422 if may else 403), (role, step)
