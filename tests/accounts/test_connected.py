from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import InvalidAccount, find_by_name, list_accounts
from afterword.accounts.gladly_accounts import add_gladly, change_gladly, get_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics, get_qualtrics, move_qualtrics
from afterword.accounts.secrets import SecretBox, SecretUnreadable
from afterword.gladly.webhooks import BasicCredentials, HeaderToken, WebhookCredentials
from afterword.store.tables import connected_account

GLADLY: dict[str, Any] = {
    "name": "Support",
    "base_url": "https://acme.gladly.com",
    "username": "api@example.com",
    "api_token": "gladly-token",
    "webhook": WebhookCredentials((BasicCredentials("hook", "hook-password"),)),
}
QUALTRICS: dict[str, Any] = {
    "name": "Surveys",
    "api_token": "qualtrics-token",
    "json_event_url": "https://ca1.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId=abc",
}


async def test_a_gladly_account_comes_back_as_it_was_connected(
    connection: AsyncConnection, box: SecretBox
) -> None:
    added = await add_gladly(connection, box, **GLADLY)
    assert added.id.startswith("GA_")
    assert await get_gladly(connection, box, added.id) == added
    assert (added.api_token, added.webhook.basic[0].password) == ("gladly-token", "hook-password")
    assert added.delivery == "own"


async def test_a_qualtrics_account_comes_back_as_it_was_connected(
    connection: AsyncConnection, box: SecretBox
) -> None:
    added = await add_qualtrics(connection, box, **QUALTRICS)
    assert added.id.startswith("QA_")
    assert await get_qualtrics(connection, box, added.id) == added
    assert added.json_event_url == QUALTRICS["json_event_url"]


async def test_an_account_is_found_only_under_its_own_kind(
    connection: AsyncConnection, box: SecretBox
) -> None:
    gladly = await add_gladly(connection, box, **GLADLY)
    qualtrics = await add_qualtrics(connection, box, **QUALTRICS)
    assert await get_gladly(connection, box, qualtrics.id) is None
    assert await get_qualtrics(connection, box, gladly.id) is None
    assert await find_by_name(connection, "qualtrics", "Support") is None
    assert await get_gladly(connection, box, "GA_nobody") is None


async def test_the_listing_names_every_account_and_no_secret(
    connection: AsyncConnection, box: SecretBox
) -> None:
    qualtrics = await add_qualtrics(connection, box, **QUALTRICS)
    gladly = await add_gladly(connection, box, **GLADLY)
    listing = await list_accounts(connection)
    assert [(account.id, account.kind) for account in listing] == [
        (gladly.id, "gladly"),
        (qualtrics.id, "qualtrics"),
    ]
    assert listing[0] == await find_by_name(connection, "gladly", "Support")
    assert (listing[0].base_url, listing[0].username) == ("https://acme.gladly.com", "api@example.com")


async def test_no_secret_stands_in_the_database(connection: AsyncConnection, box: SecretBox) -> None:
    await add_gladly(connection, box, **GLADLY)
    await add_qualtrics(connection, box, **QUALTRICS)
    stored = str((await connection.execute(select(connected_account))).all())
    assert "api@example.com" in stored
    for secret in ("gladly-token", "hook-password", "qualtrics-token", "urlTokenId"):
        assert secret not in stored


async def test_an_account_that_ends_up_in_a_log_shows_no_secret(
    connection: AsyncConnection, box: SecretBox
) -> None:
    gladly = await add_gladly(connection, box, **GLADLY)
    qualtrics = await add_qualtrics(connection, box, **QUALTRICS)
    assert repr(gladly) == f"GladlyAccount('{gladly.id}')"
    assert repr(qualtrics) == f"QualtricsAccount('{qualtrics.id}')"
    assert "hook-password" not in repr(gladly.webhook)


async def test_credentials_kept_as_they_were_before_several_were_valid_at_once_are_still_good(
    connection: AsyncConnection, box: SecretBox
) -> None:
    added = await add_gladly(connection, box, **GLADLY)
    before = {
        "api_token": "gladly-token",
        "webhook": {"username": "hook", "password": "old", "header_name": "X-Token", "header_token": "t"},
    }
    await connection.execute(
        update(connected_account).values(secrets=box.encrypt(msgspec.json.encode(before).decode()))
    )
    found = await get_gladly(connection, box, added.id)
    assert found is not None
    assert found.webhook == WebhookCredentials(
        (BasicCredentials("hook", "old"),), (HeaderToken("X-Token", "t"),)
    )


async def test_an_account_whose_organisation_moved_is_called_at_the_new_address(
    connection: AsyncConnection, box: SecretBox
) -> None:
    gladly = await add_gladly(connection, box, **GLADLY)
    qualtrics = await add_qualtrics(connection, box, **QUALTRICS)
    other = await add_gladly(connection, box, **(GLADLY | {"name": "Other"}))
    await change_gladly(connection, box, gladly.id, base_url="https://new.gladly.com/")
    await move_qualtrics(
        connection,
        box,
        qualtrics.id,
        "https://new.example.com/inbound-event/v1/events/json/triggers?urlTokenId=x",
    )
    assert await get_gladly(connection, box, gladly.id) == msgspec.structs.replace(
        gladly, base_url="https://new.gladly.com"
    )
    assert await get_qualtrics(connection, box, qualtrics.id) == msgspec.structs.replace(
        qualtrics,
        base_url="https://new.example.com",
        json_event_url="https://new.example.com/inbound-event/v1/events/json/triggers?urlTokenId=x",
    )
    assert await get_gladly(connection, box, other.id) == other
    with pytest.raises(InvalidAccount, match="base_url"):
        await change_gladly(connection, box, gladly.id, base_url="no where")
    with pytest.raises(InvalidAccount, match="no Qualtrics account"):
        await move_qualtrics(connection, box, gladly.id, "https://new.example.com")


async def test_without_the_key_an_account_cannot_be_read(connection: AsyncConnection, box: SecretBox) -> None:
    added = await add_gladly(connection, box, **GLADLY)
    with pytest.raises(SecretUnreadable):
        await get_gladly(connection, SecretBox(["another key, which is long enough too"]), added.id)


async def test_a_name_is_taken_once_in_each_kind(connection: AsyncConnection, box: SecretBox) -> None:
    await add_gladly(connection, box, **GLADLY)
    with pytest.raises(InvalidAccount, match="'Support'"):
        await add_gladly(connection, box, **GLADLY)
    await add_qualtrics(connection, box, **(QUALTRICS | {"name": "Support"}))
    assert len(await list_accounts(connection)) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.example",
        "ftp://acme.gladly.com",
        "https://",
        "https://acme.gladly.com:0",
        "https://acme.gladly.com:99999",
        "https://[acme",
        "https://10.0.0.1/a b",
        "https://acme.gladly.com\r\nX: y",
        "https://acme\x00.gladly.com",
        "https://10.0.0.1/" + "a" * 2000,
    ],
)
async def test_what_is_no_address_is_refused_and_one_that_is_then_taken(
    connection: AsyncConnection, box: SecretBox, url: str
) -> None:
    with pytest.raises(InvalidAccount, match="base_url"):
        await add_gladly(connection, box, **(GLADLY | {"base_url": url}))
    with pytest.raises(InvalidAccount, match="json_event_url") as refused:
        await add_qualtrics(connection, box, **(QUALTRICS | {"json_event_url": url}))
    assert "acme" not in str(refused.value)
    added = await add_gladly(connection, box, **(GLADLY | {"base_url": "http://127.0.0.1:8701/"}))
    assert added.base_url == "http://127.0.0.1:8701"
    assert await get_gladly(connection, box, added.id) == added


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "\x00"}, "name"),
        ({"username": ""}, "user name is missing"),
        ({"username": "a\x00"}, "user name"),
        ({"api_token": "  "}, "API token is missing"),
        ({"webhook": WebhookCredentials()}, "a user name and a password, or a header"),
        (
            {"webhook": WebhookCredentials((BasicCredentials("hook", ""),))},
            "both a user name, .* and a password",
        ),
        ({"webhook": WebhookCredentials((BasicCredentials("a:b", "p"),))}, "without a colon"),
        ({"webhook": WebhookCredentials((), (HeaderToken("X-Token", ""),))}, "both a name and a token"),
        ({"webhook": WebhookCredentials((), (HeaderToken("X: Token", "t"),))}, "both a name and a token"),
    ],
)
async def test_what_is_missing_is_named_and_nothing_stored(
    connection: AsyncConnection, box: SecretBox, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidAccount, match=words):
        await add_gladly(connection, box, **(GLADLY | wrong))
    assert await list_accounts(connection) == []
