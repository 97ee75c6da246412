"""Gladly's webhooks over HTTP: who may send them, what is taken, what is refused, and what is stored."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.gladly.webhooks import BasicCredentials, HeaderToken, WebhookCredentials
from afterword.store import tables

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "one key of the tests that is long enough"


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def problem(answer: Any) -> dict[str, Any]:
    """The problem details of an answer, which are none of anything else."""
    assert answer.content_type == "application/problem+json"
    told: dict[str, Any] = msgspec.json.decode(answer._body)
    assert told["status"] == answer.status
    assert told["title"]
    assert told["detail"]
    return told


async def connect(afterword: Any, name: str, webhook: WebhookCredentials) -> str:
    """Connect one more Gladly account; answers its webhook's path."""
    async with afterword.database.transaction() as connection:
        account = await add_gladly(
            connection,
            SecretBox([KEY]),
            name=name,
            base_url="https://acme.gladly.com",
            username="api@example.com",
            api_token="x",
            webhook=webhook,
        )
    return f"/webhooks/gladly/{account.id}"


async def test_a_ping_is_answered_with_exactly_200(afterword: Any) -> None:
    answer = await afterword.post_webhook({"type": "PING"})
    assert answer.status == 200
    assert await afterword.told() == [("PING", "received")]


async def test_a_closing_is_stored_byte_for_byte_before_it_is_answered(afterword: Any) -> None:
    body = (
        b' {"id":"e1", "type":"CONVERSATION/CLOSED","timestamp":"2026-11-23T10:00:00.1Z",'
        b'"content":{"customerId":"c1","conversationId":"v1"},"more":["\xe5\xb1\xb1",1.50]}\n'
    )
    answer = await afterword.post_webhook(body)
    assert answer.status == 200
    (event,) = await afterword.events()
    assert event["body"].encode() == body
    assert event["conversation_id"] == "v1"
    assert event["origin"] == f"gladly/{afterword.account_id}"


async def test_types_that_start_nothing_are_taken_and_recorded(afterword: Any) -> None:
    for number, kind in enumerate(["CONVERSATION/REOPENED", "CUSTOMER/MERGED", "SOMETHING/NEW"]):
        answer = await afterword.post_webhook(afterword.closing(f"e{number}", type=kind))
        assert answer.status == 200
    assert [kind for kind, _ in await afterword.told()] == [
        "CONVERSATION/REOPENED",
        "CUSTOMER/MERGED",
        "SOMETHING/NEW",
    ]


async def test_a_redelivered_webhook_is_acknowledged_and_recorded_as_redelivered(afterword: Any) -> None:
    assert (await afterword.post_webhook(afterword.closing("e1"))).status == 200
    assert (await afterword.post_webhook(afterword.closing("e1", more="other bytes"))).status == 200
    assert (await afterword.post_webhook(afterword.closing("e2"))).status == 200
    assert await afterword.told() == [
        ("CONVERSATION/CLOSED", "received"),
        ("CONVERSATION/CLOSED", "redelivered"),
        ("CONVERSATION/CLOSED", "received"),
    ]


async def test_the_same_id_from_two_accounts_is_two_events(afterword: Any) -> None:
    login = BasicCredentials(afterword.username, afterword.password)
    other = await connect(afterword, "Other", WebhookCredentials((login,)))
    assert (await afterword.post_webhook(afterword.closing("e1"))).status == 200
    assert (await afterword.post_webhook(afterword.closing("e1"), path=other)).status == 200
    assert [status for _, status in await afterword.told()] == ["received", "received"]


async def test_an_account_may_ask_for_a_header_instead_of_basic_authentication(afterword: Any) -> None:
    header = HeaderToken("X-Afterword-Token", "hook-Secret")
    path = await connect(afterword, "Header", WebhookCredentials((), (header,)))
    for headers, status in [
        ({"x-afterword-token": "hook-Secret"}, 200),
        ({"X-Afterword-Token": "hook-secret"}, 401),
        ({"X-Afterword-Token": ""}, 401),
        (afterword.webhook_login(), 401),
    ]:
        answer = await afterword.post_webhook(afterword.closing(), path=path, headers=headers)
        assert answer.status == status, headers
    assert len(await afterword.events()) == 1


async def test_an_account_that_asks_for_both_is_content_with_neither_alone(afterword: Any) -> None:
    path = await connect(
        afterword,
        "Both",
        WebhookCredentials((BasicCredentials("u", "pass-Secret"),), (HeaderToken("X-Token", "hook-Secret"),)),
    )
    login, header = basic("u", "pass-Secret"), {"X-Token": "hook-Secret"}
    for headers, status in [(login, 401), (header, 401), (login | header, 200)]:
        answer = await afterword.post_webhook(afterword.closing(), path=path, headers=headers)
        assert answer.status == status, headers


async def test_an_account_without_credentials_takes_nothing(afterword: Any) -> None:
    """However it came about: nothing configured must not mean open to everybody."""
    path = await connect(afterword, "Open", WebhookCredentials((BasicCredentials("u", "p"),)))
    box = SecretBox([KEY])
    async with afterword.database.transaction() as connection:
        await connection.execute(
            update(tables.connected_account)
            .where(tables.connected_account.c.name == "Open")
            .values(secrets=box.encrypt('{"api_token":"x","webhook":{}}'))
        )
    for headers in [{}, basic("u", "p"), basic("", "")]:
        assert (await afterword.post_webhook(afterword.closing(), path=path, headers=headers)).status == 401
    assert await afterword.events() == []


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic \xe9\xe9",
        "Basic " + base64.b64encode(b"gladly").decode(),
        "Basic " + base64.b64encode(b"gladly:").decode(),
        "Basic " + base64.b64encode(b"gladly:wrong").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xfd").decode(),
        "Bearer webhook-password-Secret",
        "Digest username=gladly",
    ],
)
async def test_wrong_or_no_credentials_are_refused(afterword: Any, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await afterword.post_webhook(afterword.closing(), headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert problem(answer)["title"] == "Unauthorized"
    assert await afterword.events() == []


async def test_an_address_without_an_account_is_not_found(afterword: Any) -> None:
    for account in ["GA_nobody", "%00", "%ff%fe", "..%2f..", "a" * 5000, "%F0%9F%8E%84"]:
        answer = await afterword.post_webhook(afterword.closing(), path=f"/webhooks/gladly/{account}")
        assert answer.status == 404, account
        problem(answer)
    assert await afterword.events() == []


async def test_bodies_that_are_no_webhook_are_refused_and_not_stored(afterword: Any) -> None:
    closing = msgspec.json.encode(afterword.closing())
    deep = b'{"type":"PING","a":' + b"[" * 64 + b"]" * 64 + b"}"
    for body in [
        b"",
        b"hello",
        b"[]",
        b"null",
        b'"PING"',
        b"{",
        b'{"type":1}',
        b'{"type":""}',
        b'{"id":"e1"}',
        b'{"type":"CONVERSATION/CLOSED"}',
        b'{"type":"CONVERSATION/CLOSED","id":"e1","timestamp":"2026-11-23T10:00:00Z","content":{}}',
        b'{"type":"CONVERSATION/CLOSED","id":"e1","timestamp":"yesterday","content":{}}',
        closing.replace(b'"v1"', b"1"),
        closing.replace(b'"e1"', b'"' + b"x" * 201 + b'"'),
        b'{"type":"PING","a":"\\u0000"}',
        b'{"type":"PING","\\u0000":1}',
        b'{"type":"PING","a":"\\ud800"}',
        b'{"type":"PING","a":NaN}',
        b'{"type":"PING","a":-Infinity}',
        b'{"type":"PING","a":1e999}',
        b'{"type":"PING","a":"\xff"}',
        b"\xef\xbb\xbf" + b'{"type":"PING"}',
        '{"type":"PING"}'.encode("utf-16"),
        deep,
        closing.replace(b'"v1"', b'"' + unlike_any_other(20_000).encode() + b'"'),
    ]:
        answer = await afterword.post_webhook(body)
        assert answer.status == 400, body[:80]
        assert len(problem(answer)["detail"]) > 10
    assert await afterword.events() == []
    allowed = deep.replace(b"[" * 64, b"[" * 63).replace(b"]" * 64, b"]" * 63)
    assert (await afterword.post_webhook(allowed)).status == 200


async def test_the_refusal_names_the_field_and_not_what_stood_there(afterword: Any) -> None:
    body = afterword.closing(content={"customerId": ["personal-Secret"], "conversationId": "v1"})
    answer = await afterword.post_webhook(body)
    assert "content.customerId" in problem(answer)["detail"]
    assert b"Secret" not in answer._body


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1024):
        yield b" " * 1024


async def test_a_webhook_that_is_too_large_is_refused_however_its_length_is_told(afterword: Any) -> None:
    path, login = afterword.url + afterword.webhook_path, afterword.webhook_login()
    told = await afterword.post_webhook(b" " * (256 * 1024 + 1))
    async with afterword.http.post(path, data=chunks(257 * 1024), headers=login) as untold:
        await untold.read()
    for answer in (told, untold):
        assert answer.status == 413
        assert str(256 * 1024) in problem(answer)["detail"]
    assert await afterword.events() == []
    largest = msgspec.json.encode(afterword.closing()).ljust(256 * 1024)
    assert (await afterword.post_webhook(largest)).status == 200


async def test_another_method_is_refused_with_those_that_are_allowed(afterword: Any) -> None:
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]:
        answer = await afterword.send(
            method, afterword.webhook_path, b"{}", headers=afterword.webhook_login()
        )
        assert answer.status == 405, method
        assert "POST" in answer.headers["Allow"]
    assert await afterword.events() == []


async def test_one_that_cannot_be_stored_does_not_fail_its_neighbours(afterword: Any) -> None:
    """A conversation id that is too long for the index fails the batch that it is in."""
    bad = afterword.closing("bad", content={"customerId": "c", "conversationId": unlike_any_other(20_000)})
    good = [afterword.closing(f"e{number}") for number in range(20)]
    answers = await asyncio.gather(*(afterword.post_webhook(body) for body in [*good[:10], bad, *good[10:]]))
    assert [answer.status for answer in answers] == [200] * 10 + [400] + [200] * 10
    assert [status for _, status in await afterword.told()] == ["received"] * 20


def unlike_any_other(length: int) -> str:
    """Text that cannot be compressed to fit."""
    chance = random.Random(1)
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))
