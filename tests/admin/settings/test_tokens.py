"""API tokens on a page: made and shown once, listed, ended; everybody's for administrators alone."""

import re

from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.api_tokens import add_api_token, find_bearer, list_api_tokens
from afterword.accounts.people import Person, Role, add_person, add_service_account
from afterword.store.database import Database

TOKENS = "/settings/tokens"


async def add(database: Database, role: Role) -> Person:
    async with database.transaction() as connection:
        return await add_person(
            connection, email=f"{role}@example.org", name=role, role=role, password=PASSWORD
        )


async def whose(database: Database, token: str) -> str | None:
    async with database.transaction() as connection:
        bearer = await find_bearer(connection, token)
    return None if bearer is None else bearer.person.id


async def test_a_token_is_shown_once_works_and_is_ended(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    _, page = await signed_in.get(TOKENS)
    assert "No token yet" in page
    answer, page = await signed_in.send(TOKENS, {"name": " "})
    assert answer.status == 422
    assert "A name has 1 to 200 characters." in page
    answer, page = await signed_in.send(TOKENS, {"name": "CRM <1>"})
    assert answer.status == 422
    assert 'id="error-scope" role="alert">Choose what the token may do.' in page
    assert 'value="CRM &lt;1&gt;"' in page
    _, page = await signed_in.send(TOKENS, {"name": "CRM <1>", "scope": "read:runs"})
    shown = re.search(r'class="secret">([A-Za-z0-9]{40})<', page)
    assert shown is not None
    assert await whose(database, shown[1]) == owner.id
    _, page = await signed_in.get(TOKENS)
    assert "CRM &lt;1&gt;" in page
    assert "<small>Run history, events, Explain, and what holds sending back</small>" in page
    assert shown[1] not in page
    token_id = re.search(r'id="token-(AT_\w+)"', page)
    assert token_id is not None
    for _ in range(2):
        answer, _ = await signed_in.send(f"{TOKENS}/{token_id[1]}/end", {})
        assert answer.status == 200
    assert await whose(database, shown[1]) is None


async def test_an_administrator_makes_tokens_for_services_and_for_nobody_else(
    signed_in: Browser, database: Database
) -> None:
    async with database.transaction() as connection:
        service = await add_service_account(connection, name="App", role="api_user")
    manager = await add(database, "manager")
    _, page = await signed_in.send(TOKENS, {"name": "app", "person": service.id, "scope": "everything"})
    shown = re.search(r'class="secret">([A-Za-z0-9]{40})<', page)
    assert shown is not None
    assert await whose(database, shown[1]) == service.id
    answer, _ = await signed_in.send(TOKENS, {"name": "app", "person": manager.id, "scope": "everything"})
    assert answer.status == 403


async def test_others_see_make_and_end_their_own_alone(
    browser: Browser, owner: Person, database: Database
) -> None:
    manager = await add(database, "manager")
    async with database.transaction() as connection:
        token = await add_api_token(connection, owner.id, "the owner's")
        (listed,) = await list_api_tokens(connection, owner.id)
    await browser.sign_in("manager@example.org")
    _, page = await browser.get(TOKENS)
    assert "the owner&#39;s" not in page
    answer, _ = await browser.send(f"{TOKENS}/{listed.id}/end", {})
    assert answer.status == 403
    assert await whose(database, token) == owner.id
    answer, _ = await browser.send(TOKENS, {"name": "x", "person": owner.id, "scope": "everything"})
    assert answer.status == 403
    _, page = await browser.send(TOKENS, {"name": "mine", "scope": "everything"})
    assert "mine" in page
    async with database.transaction() as connection:
        assert [one.name for one in await list_api_tokens(connection, manager.id)] == ["mine"]
