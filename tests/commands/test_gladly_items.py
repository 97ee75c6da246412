"""``afterword gladly item``: an item of a timeline whole, and the settings that make such a card."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.store.database import Database

Call = Callable[..., Awaitable[Any]]

CARD = {
    "type": "CUSTOMER_ACTIVITY",
    "activityType": "SURVEY",
    "title": "Rating: 5",
    "body": "<b>Kind</b>",
    "sourceName": "Qualtrics",
    "link": {"url": "https://reports.example/1", "text": "Open"},
    "expandByDefault": True,
}


@pytest.fixture
async def account(database: Database, box: SecretBox, sandbox: Sandbox) -> str:
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        gladly = await add_gladly(
            connection,
            box,
            name="Acme",
            base_url=sandbox.url,
            username=sandbox.username,
            api_token=sandbox.api_token,
        )
    return gladly.id


async def test_an_item_is_shown_whole_with_the_settings_that_make_such_a_card(
    call: Call, account: str, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "item@commands.example")
    item = sandbox.api("POST", f"/api/v1/customers/{customer}/conversation-items", {"content": CARD})
    shown = await call("item", item["id"], group="gladly")
    assert shown.exit_code == 0, shown.output
    assert 'content.link.url         "https://reports.example/1"' in shown.stdout
    assert f'customerId               "{customer}"' in shown.stdout
    assert '  title: "Rating: 5"  # an answer is in it' in shown.stdout
    told = msgspec.json.decode((await call("item", item["id"], "--json", group="gladly")).stdout)
    assert told["item"] == item
    assert told["settings"] == {
        "title": "Rating: 5",
        "body": "<b>Kind</b>",
        "body_format": "html",
        "source_name": "Qualtrics",
        "activity_type": "SURVEY",
        "link_url": "https://reports.example/1",
        "link_text": "Open",
        "expanded": True,
        "time": "none",
    }


async def test_what_is_no_card_has_no_settings_and_what_is_not_there_is_told_in_one_line(
    call: Call, account: str, sandbox: Sandbox
) -> None:
    made = sandbox.control(
        "POST",
        "inbound-messages",
        {"customer": {"name": "Ada", "email": "message@commands.example"}, "text": "Hello"},
    )
    told = await call("item", made["itemId"], "--json", "--account", "Acme", group="gladly")
    assert msgspec.json.decode(told.stdout)["settings"] is None
    missing = await call("item", "nothing", group="gladly")
    assert missing.exit_code == 1
    assert str(missing.exception).startswith("Gladly has no such thing, or no longer (")
