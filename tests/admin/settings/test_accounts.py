"""Connected accounts on pages: added, tried, changed, removed; what is wrong is told at its field, no secret shown."""

import re

from tests.fixtures.admin_pages import Browser
from tests.fixtures.connecting_site import GLADLY_TOKEN, JSON_EVENT, QUALTRICS_TOKEN
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.connected import AccountSummary, list_accounts
from afterword.accounts.gladly_accounts import change_gladly
from afterword.accounts.secrets import SecretBox
from afterword.accounts.web_service_accounts import get_web_service
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed, Definition
from afterword.workflows.saving.workflows import add_workflow

ACCOUNTS = "/settings/accounts"


async def accounts(database: Database) -> list[AccountSummary]:
    async with database.transaction() as connection:
        return await list_accounts(connection)


def state_in(page: str) -> str:
    found = re.search(r'name="state" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


def field(page: str, name: str) -> str:
    """A field's label, help, error and input."""
    found = re.search(rf'<div class="field[^>]*><label for="{name}">.*?</div>', page, re.DOTALL)
    assert found is not None, page
    return found[0]


async def test_without_accounts_the_page_says_what_to_do_first(signed_in: Browser) -> None:
    _, page = await signed_in.get(ACCOUNTS)
    assert "No account is connected" in page
    assert '<a class="button primary" href="/settings/accounts/add/gladly">' in page


async def test_gladly_is_tried_and_added_and_what_is_wrong_stands_at_its_field(
    signed_in: Browser, database: Database, sandbox: Sandbox
) -> None:
    form = {"address": sandbox.url, "username": sandbox.username, "api_token": "wrong", "delivery": "pull"}
    answer, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", form)
    assert answer.status == 422
    assert "Gladly does not accept this user name" in field(page, "api_token")
    assert 'aria-describedby="help-api_token error-api_token"' in page
    assert f'value="{sandbox.url}"' in field(page, "address")
    assert '<option value="pull" selected>' in page
    answer, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", form | {"address": "https://example.com"})
    assert "This is not a Gladly address" in field(page, "address")
    answer, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", form | {"username": " "})
    assert "The user name is missing." in field(page, "username")
    assert await accounts(database) == []

    right = form | {"api_token": sandbox.api_token, "name": "Sandbox <1>"}
    answer, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", right)
    (added,) = await accounts(database)
    assert answer.url.path == f"{ACCOUNTS}/{added.id}"
    assert "Sandbox &lt;1&gt;" in page
    assert "asked for closings, no webhook" in page
    assert sandbox.api_token not in page
    answer, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", right)
    assert answer.status == 422
    assert "connected already" in field(page, "api_token")

    _, page = await signed_in.send(f"{ACCOUNTS}/{added.id}/verify", {})
    assert "It works: it is" in page
    _, page = await signed_in.get(f"{ACCOUNTS}/{added.id}")
    rotated = {"api_token": "another", "state": state_in(page)}
    answer, page = await signed_in.send(f"{ACCOUNTS}/{added.id}/token", rotated)
    assert answer.status == 422
    assert "Gladly does not accept" in field(page, "api_token")
    assert "another" not in field(page, "api_token")
    rotated["api_token"] = sandbox.api_token
    answer, page = await signed_in.send(f"{ACCOUNTS}/{added.id}/token", rotated)
    assert answer.status == 200
    assert "The new token works" in page


async def test_a_webhook_made_by_hand_is_told_how_this_once(
    signed_in: Browser, database: Database, sandbox: Sandbox
) -> None:
    form = {"address": sandbox.url, "username": sandbox.username, "api_token": sandbox.api_token}
    _, page = await signed_in.send(f"{ACCOUNTS}/add/gladly", form | {"delivery": "by-hand"})
    password = re.search(r'Password</th><td><code class="secret">([^<]+)<', page)
    assert password is not None
    assert "CONVERSATION/CLOSED" in page
    (added,) = await accounts(database)
    assert f"/webhooks/gladly/{added.id}" in page
    _, page = await signed_in.get(f"{ACCOUNTS}/{added.id}")
    assert password[1] not in page
    assert "a webhook made by hand" in page


async def test_no_page_shows_a_secret(signed_in: Browser, gladly_id: str, qualtrics_id: str) -> None:
    for path in ("", f"/{gladly_id}", f"/{qualtrics_id}"):
        answer, page = await signed_in.get(ACCOUNTS + path)
        assert answer.status == 200
        for secret in (GLADLY_TOKEN, QUALTRICS_TOKEN, JSON_EVENT, "secret-of-the-tests"):
            assert secret not in page


async def test_the_second_of_two_is_told_what_the_first_changed(
    signed_in: Browser, database: Database, box: SecretBox, gladly_id: str
) -> None:
    _, page = await signed_in.get(f"{ACCOUNTS}/{gladly_id}")
    seen = state_in(page)
    async with database.transaction() as connection:
        await change_gladly(connection, box, gladly_id, delivery="pull")
    form = {"delivery": "by-hand", "state": seen}
    answer, page = await signed_in.send(f"{ACCOUNTS}/{gladly_id}/events", form)
    assert answer.status == 422
    assert "Somebody else changed this account meanwhile; nothing of yours was saved." in page
    assert "<del>none</del> → <ins>pull</ins>" in page
    assert [one.delivery for one in await accounts(database)] == ["pull"]
    assert state_in(page) != seen


async def test_a_json_event_endpoint_is_changed_and_a_wrong_one_is_not_told_again(
    signed_in: Browser, qualtrics_id: str
) -> None:
    address = f"{ACCOUNTS}/{qualtrics_id}"
    _, page = await signed_in.get(address)
    form = {"json_event_url": "https://evil.example/?urlTokenId=abc", "state": state_in(page)}
    answer, page = await signed_in.send(f"{address}/json-event", form)
    assert answer.status == 422
    assert 'class="error"' in field(page, "json_event_url")
    assert "evil.example" not in page
    form["json_event_url"] = JSON_EVENT.replace("secret", "other")
    answer, page = await signed_in.send(f"{address}/json-event", form)
    assert "sent to the new JSON event endpoint" in page
    assert "JSON event endpoint: replaced" in page


async def test_an_account_that_workflows_use_is_not_removed_by_mistake(
    signed_in: Browser, database: Database, gladly_id: str
) -> None:
    async with database.transaction() as connection:
        await add_workflow(
            connection,
            name="Ask <all>",
            definition=Definition(ConversationClosed(gladly_id), ()),
            is_on=False,
        )
    answer, page = await signed_in.send(f"{ACCOUNTS}/{gladly_id}/remove", {})
    assert answer.status == 422
    assert "is used by &#39;Ask &lt;all&gt;&#39;" in page
    answer, page = await signed_in.send(f"{ACCOUNTS}/{gladly_id}/remove", {"even_if_used": "yes"})
    assert answer.status == 200
    assert "is forgotten" in page
    assert "The API token of api@acme.example" in page
    assert await accounts(database) == []
    answer, _ = await signed_in.get(f"{ACCOUNTS}/{gladly_id}")
    assert answer.status == 404


async def test_an_account_at_a_web_service_is_added_and_its_secret_never_shown(
    signed_in: Browser, database: Database, box: SecretBox
) -> None:
    typed = {
        "name": "CRM",
        "address": "https://crm.example.com/api",
        "authentication": "basic",
        "secret": "web-Secret",
    }
    _, body = await signed_in.get("/settings/accounts/add/web-service")
    assert "a secret in a header of its own" in body
    answer, body = await signed_in.send("/settings/accounts/add/web-service", typed)
    assert answer.status == 422
    assert 'id="error-username"' in body
    assert "web-Secret" not in body
    answer, body = await signed_in.send(
        "/settings/accounts/add/web-service", typed | {"authentication": "guess"}
    )
    assert 'id="error-authentication"' in body
    answer, body = await signed_in.send("/settings/accounts/add/web-service", typed | {"username": "u"})
    assert answer.status == 200
    assert "No Task called it yet" in body, "and nobody says that it works"
    assert "web-Secret" not in body
    async with database.transaction() as connection:
        (summary,) = await list_accounts(connection)
        account = await get_web_service(connection, box, summary.id)
    assert account is not None
    assert (account.credentials.username, account.credentials.secret) == ("u", "web-Secret")
