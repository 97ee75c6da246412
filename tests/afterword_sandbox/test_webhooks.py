"""Webhooks: how they are managed, and how events reach them."""

import asyncio
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword_sandbox.api.webhooks import read_change
from afterword_sandbox.errors import GladlyError

WEBHOOKS = "/api/v1/webhooks"
CLOSED = ["CONVERSATION/CLOSED"]
CLOSE = {"status": {"value": "CLOSED", "force": True}}


async def get(gladly: aiohttp.ClientSession, webhook_id: str) -> dict[str, Any]:
    async with gladly.get(f"{WEBHOOKS}/{webhook_id}") as answer:
        assert answer.status == 200
        webhook: dict[str, Any] = await answer.json()
    return webhook


async def refusal(
    gladly: aiohttp.ClientSession, method: str, path: str, body: Any = None
) -> tuple[int, Any, str]:
    async with gladly.request(method, path, json=body) as answer:
        assert answer.status >= 400, "it was accepted"
        (error,) = (await answer.json())["errors"]
        return answer.status, error.get("attr"), error["code"]


async def close(gladly: aiohttp.ClientSession, conversation_id: str) -> None:
    async with gladly.patch(f"/api/v1/conversations/{conversation_id}", json=CLOSE) as answer:
        assert answer.status == 204


async def test_a_webhook_never_shows_its_secrets(
    gladly: aiohttp.ClientSession, receiver: Any, add_webhook: Any
) -> None:
    webhook_id = await add_webhook(
        receiver.url,
        CLOSED,
        name="Afterword",
        credentials={"username": "gladly", "password": "hush-hush"},
        headers={"X-Token": "hush-too"},
    )
    async with gladly.get(f"{WEBHOOKS}/{webhook_id}") as answer:
        assert "hush" not in await answer.text()
    webhook = await get(gladly, webhook_id)
    assert webhook["hasCredentials"] is True
    assert webhook["headerKeys"] == ["X-Token"]
    assert (webhook["name"], webhook["events"], webhook["enabled"]) == ("Afterword", CLOSED, True)
    async with gladly.get(WEBHOOKS) as answer:
        assert webhook in await answer.json()


@pytest.mark.parametrize(
    ("change", "attr", "code"),
    [
        ({"url": None}, "url", "blank"),
        ({"url": "http://far.example/hook"}, "url", "invalid"),
        ({"url": "ftp://127.0.0.1/"}, "url", "invalid"),
        ({"url": "https://"}, "url", "invalid"),
        ({"url": "https://[broken"}, "url", "invalid"),
        ({"events": []}, "events", "blank"),
        ({"events": ["PING"]}, "events", "invalid"),
        ({"events": ["CONVERSATION_CLOSED"]}, "events", "invalid"),
        ({"name": "x" * 201}, "name", "too_long"),
        ({"credentials": {"username": "u"}}, "credentials.password", "blank"),
        ({"credentials": {"username": "u:v", "password": "p"}}, "credentials.username", "invalid"),
        ({"headers": {"Bad Name": "v"}}, "headers", "invalid"),
        ({"headers": {"X-Split": "a\r\nX-More: b"}}, "headers", "invalid"),
        ({"headers": {"Content-Length": "1"}}, "headers", "invalid"),
        ({"enabled": "yes"}, "enabled", "invalid"),
    ],
)
async def test_a_bad_webhook_is_refused_by_field(
    gladly: aiohttp.ClientSession, change: dict[str, Any], attr: str, code: str
) -> None:
    body = {"url": "https://hooks.example/x", "events": CLOSED, **change}
    assert await refusal(gladly, "POST", WEBHOOKS, body) == (400, attr, code)


async def test_enabling_needs_a_ping_answered_with_exactly_200(
    gladly: aiohttp.ClientSession, receiver: Any, add_webhook: Any
) -> None:
    body = {"url": receiver.url, "events": CLOSED, "enabled": True}
    for status in (204, 404, 500, 302):
        receiver.ping_status = status
        assert await refusal(gladly, "POST", WEBHOOKS, body) == (400, "url", "invalid")
    receiver.ping_status = 500
    webhook_id = await add_webhook(receiver.url, CLOSED, enabled=False)
    pings = len(receiver.received)
    assert pings == 4, "a webhook that is made disabled is not pinged"
    path = f"{WEBHOOKS}/{webhook_id}"
    assert await refusal(gladly, "PATCH", path, {"enabled": True}) == (400, "url", "invalid")
    assert await refusal(gladly, "PATCH", path, {"url": f"{receiver.url}/moved"}) == (400, "url", "invalid")
    webhook = await get(gladly, webhook_id)
    assert (webhook["enabled"], webhook["url"]) == (False, receiver.url)
    receiver.ping_status = 200
    async with gladly.patch(
        path, json={"enabled": True, "credentials": {"username": "u", "password": "p"}}
    ) as ok:
        assert ok.status == 204
    assert receiver.received[-1].event["type"] == "PING"
    assert receiver.received[-1].headers["Authorization"] == aiohttp.encode_basic_auth("u", "p")
    assert len(receiver.received) == pings + 3
    async with gladly.patch(path, json={"name": "no ping for this"}) as ok:
        assert ok.status == 204
    assert len(receiver.received) == pings + 3


async def test_a_receiver_that_is_not_there_cannot_be_enabled(gladly: aiohttp.ClientSession) -> None:
    body = {"url": "http://127.0.0.1:9/", "events": CLOSED, "enabled": True}
    assert await refusal(gladly, "POST", WEBHOOKS, body) == (400, "url", "invalid")


async def test_an_address_has_one_webhook_and_an_organization_twenty(
    gladly: aiohttp.ClientSession, add_webhook: Any, receiver: Any
) -> None:
    first = await add_webhook(receiver.url, CLOSED)
    body = {"url": receiver.url, "events": CLOSED}
    assert await refusal(gladly, "POST", WEBHOOKS, body) == (409, "url", "taken")
    second = await add_webhook("https://hooks.example/second", CLOSED, enabled=False)
    path = f"{WEBHOOKS}/{second}"
    assert await refusal(gladly, "PATCH", path, {"url": receiver.url}) == (409, "url", "taken")
    async with gladly.get(WEBHOOKS) as answer:
        present = len(await answer.json())
    for number in range(20 - present):
        await add_webhook(f"https://hooks.example/{number}", CLOSED, enabled=False)
    body = {"url": "https://hooks.example/too-many", "events": CLOSED}
    assert await refusal(gladly, "POST", WEBHOOKS, body) == (400, None, "invalid_state")
    assert (await get(gladly, first))["enabled"] is True


async def test_an_enabled_webhook_must_be_disabled_before_it_is_deleted(
    gladly: aiohttp.ClientSession, add_webhook: Any, receiver: Any
) -> None:
    path = f"{WEBHOOKS}/{await add_webhook(receiver.url, CLOSED)}"
    assert await refusal(gladly, "DELETE", path) == (400, "enabled", "invalid_state")
    for method, body in (("PATCH", {"enabled": False}), ("DELETE", None)):
        async with gladly.request(method, path, json=body) as answer:
            assert answer.status == 204
    assert (await refusal(gladly, "GET", path))[0] == 404


async def test_an_event_carries_the_webhooks_credentials_and_headers(
    gladly: aiohttp.ClientSession, write: Any, receiver: Any, add_webhook: Any, eventually: Any
) -> None:
    credentials = {"username": "glädly", "password": "geheim:1", "realm": "r"}
    await add_webhook(receiver.url, CLOSED, credentials=credentials, headers={"X-Token": "t0k3n"})
    opened = await write()
    await close(gladly, opened.conversation_id)
    await eventually(lambda: receiver.events(None, opened.conversation_id))
    headers = receiver.received[-1].headers
    assert headers["Authorization"] == aiohttp.encode_basic_auth("glädly", "geheim:1")
    assert headers["X-Token"] == "t0k3n"
    assert headers["Content-Type"] == "application/json"


async def test_only_what_was_selected_is_sent_and_nothing_while_disabled(
    gladly: aiohttp.ClientSession, write: Any, receiver: Any, add_webhook: Any, eventually: Any
) -> None:
    webhook_id = await add_webhook(receiver.url, ["CONVERSATION/REOPENED"])
    opened = await write()
    path = f"/api/v1/conversations/{opened.conversation_id}"

    async def close_and_reopen() -> None:
        for value in ("CLOSED", "OPEN"):
            async with gladly.patch(path, json={"status": {"value": value, "force": True}}) as answer:
                assert answer.status == 204

    await gladly.patch(f"{WEBHOOKS}/{webhook_id}", json={"enabled": False})
    await close_and_reopen()
    await gladly.patch(f"{WEBHOOKS}/{webhook_id}", json={"enabled": True})
    await close_and_reopen()
    await eventually(receiver.events)
    assert [event["type"] for event in receiver.events()] == ["CONVERSATION/REOPENED"]


async def test_a_failed_delivery_is_sent_again_with_the_same_id(
    gladly: aiohttp.ClientSession, write: Any, receiver: Any, add_webhook: Any, eventually: Any
) -> None:
    webhook_id = await add_webhook(receiver.url, CLOSED)
    receiver.statuses = [500, 302]
    opened = await write()
    await close(gladly, opened.conversation_id)
    await eventually(lambda: len(receiver.events()) == 3)
    assert len({event["id"] for event in receiver.events()}) == 1
    assert receiver.events()[0] == receiver.events()[2]

    async def logged() -> list[dict[str, Any]]:
        async with gladly.get(f"/_sandbox/webhooks/{webhook_id}/requests") as answer:
            entries: list[dict[str, Any]] = await answer.json()
        return entries if len(entries) == 3 else []

    assert [entry["status"] for entry in await eventually(logged)] == ["Success", "Error", "Error"]
    assert (await get(gladly, webhook_id))["enabled"] is True


async def test_a_webhook_that_keeps_failing_is_deactivated_until_it_is_enabled_again(
    gladly: aiohttp.ClientSession, write: Any, receiver: Any, add_webhook: Any, eventually: Any
) -> None:
    webhook_id = await add_webhook(receiver.url, CLOSED)
    receiver.default_status = 503
    opened = await write()
    await close(gladly, opened.conversation_id)

    async def deactivated() -> bool:
        return not (await get(gladly, webhook_id))["enabled"]

    await eventually(deactivated)
    assert len(receiver.events()) == 3, "one attempt and two resends, as this sandbox was started"
    assert (await get(gladly, webhook_id))["disabledAtDueToRetryLimit"]
    receiver.default_status = 200
    async with gladly.patch(f"{WEBHOOKS}/{webhook_id}", json={"enabled": True}) as answer:
        assert answer.status == 204
    assert "disabledAtDueToRetryLimit" not in await get(gladly, webhook_id)
    other = await write()
    await close(gladly, other.conversation_id)
    await eventually(lambda: receiver.events(None, other.conversation_id))
    assert len(receiver.events(None, opened.conversation_id)) == 3


async def test_a_receiver_that_hangs_holds_up_no_other(
    gladly: aiohttp.ClientSession, write: Any, receiver: Any, add_webhook: Any, eventually: Any
) -> None:
    await add_webhook(f"{receiver.url}/slow", CLOSED)
    receiver.hold = asyncio.Event()
    opened = [await write() for _ in range(40)]
    for conversation in opened:
        await close(gladly, conversation.conversation_id)
    await eventually(lambda: len(receiver.events()) == 32)
    held, receiver.hold = receiver.hold, None
    await add_webhook(f"{receiver.url}/quick", CLOSED)
    late = await write()
    await close(gladly, late.conversation_id)
    await eventually(lambda: receiver.events(None, late.conversation_id))
    held.set()
    await eventually(lambda: len(receiver.events()) == 40 + 2)
    assert len({event["id"] for event in receiver.events()}) == 41


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
URLS = st.sampled_from(["https://a.example/x", "http://localhost:80/", "//x", "https://u@h/", "http://[::1"])
KEYS = ["name", "events", "credentials", "headers", "enabled"]


@given(st.fixed_dictionaries({}, optional={"url": JSON | URLS, **dict.fromkeys(KEYS, JSON)}), st.booleans())
def test_whatever_a_webhook_says_it_is_read_or_refused(body: dict[str, Any], creating: bool) -> None:
    try:
        change = read_change(body, creating=creating)
    except GladlyError as error:
        status = error.status
    else:
        assert set(change.columns()) == set(body)
        return
    assert status == 400
