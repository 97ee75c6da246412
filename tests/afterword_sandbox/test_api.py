"""What every request to the API meets: credentials, the error format, the rate limit; and the seeded company."""

import asyncio
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from afterword_sandbox.rate_limit import RateLimit


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer token-of-the-tests"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic"},
        {"Authorization": aiohttp.encode_basic_auth("api.user@juniperandpine.example", "wrong")},
        {"Authorization": aiohttp.encode_basic_auth("someone@else.example", "token-of-the-tests")},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/organization", "/api/v1/nothing", "/_sandbox/inbound-messages"])
async def test_without_the_right_credentials_nothing_is_said(
    sandbox: Any, headers: dict[str, str], path: str
) -> None:
    async with aiohttp.ClientSession(sandbox.url) as stranger, stranger.get(path, headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert [set(error) for error in (await answer.json())["errors"]] == [{"attr", "code", "detail"}]


async def test_health_needs_no_credentials(sandbox: Any) -> None:
    async with aiohttp.ClientSession(sandbox.url) as stranger, stranger.get("/_sandbox/health") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_exist"),
        ("PUT", "/api/v1/agents", 405, "invalid"),
        ("GET", "/api/v1/agents/nobody", 404, "not_exist"),
        ("GET", "/api/v1/inboxes/none", 404, "not_exist"),
        ("GET", "/api/v1/teams/none", 404, "not_exist"),
        ("GET", "/api/v1/topics/none", 404, "not_exist"),
        ("GET", "/api/v1/conversations/none", 404, "not_exist"),
        ("GET", "/api/v1/conversations/none/items", 404, "not_exist"),
        ("GET", "/api/v1/conversation-items/none", 404, "not_exist"),
        ("GET", "/api/v1/customer-profiles/none", 404, "not_exist"),
        ("GET", "/api/v1/customers/none/conversations", 404, "not_exist"),
        ("GET", "/api/v1/webhooks/none", 404, "not_exist"),
        ("GET", "/_sandbox/nothing", 404, "not_exist"),
    ],
)
async def test_what_is_not_there_is_said_in_gladlys_error_format(
    gladly: aiohttp.ClientSession, method: str, path: str, status: int, code: str
) -> None:
    async with gladly.request(method, path) as answer:
        assert answer.status == status
        errors = (await answer.json())["errors"]
    assert [error["code"] for error in errors] == [code]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff{}", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b" " * 1_048_577, "application/json", 413),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    gladly: aiohttp.ClientSession, body: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    async with gladly.post("/api/v1/customer-profiles", data=BytesIO(body), headers=headers) as answer:
        assert answer.status == status
        assert len((await answer.json())["errors"]) == 1


async def ask(gladly: aiohttp.ClientSession) -> aiohttp.ClientResponse:
    async with gladly.get("/api/v1/organization") as answer:
        await answer.read()
    return answer


async def test_each_method_has_a_limit_of_its_own_each_second(start_sandbox: Any) -> None:
    sandbox = start_sandbox()
    async with sandbox.client() as gladly:
        answers = await asyncio.gather(*(ask(gladly) for _ in range(40)))
        limited = [answer for answer in answers if answer.status == 429]
        assert len(limited) >= 40 - 2 * 10, "a burst may span two seconds"
        assert len(limited) <= 40 - 10
        assert (await limited[0].json())["errors"][0]["detail"].startswith("API rate limit exceeded")
        assert all(answer.headers["Ratelimit-Limit-Second"] == "10" for answer in answers)
        assert limited[0].headers["Ratelimit-Remaining-Second"] == "0"
        async with gladly.post("/api/v1/customer-profiles", json={"name": "Other method"}) as answer:
            assert answer.status == 201


def test_the_limit_begins_anew_with_each_second() -> None:
    now = 1000.2
    limit = RateLimit(2, clock=lambda: now)
    assert [limit.take("GET") for _ in range(3)] == [True, True, False]
    assert limit.take("POST")
    now = 1000.9
    assert not limit.take("GET")
    assert limit.headers("GET")["Ratelimit-Remaining-Second"] == "0"
    now = 1001.0
    assert limit.headers("GET")["Ratelimit-Remaining-Second"] == "2"
    assert limit.take("GET")


async def test_the_company_is_there_from_the_start(start_sandbox: Any) -> None:
    sandbox = start_sandbox("--requests-per-second", "1000")
    async with sandbox.client() as gladly:

        async def get(path: str) -> Any:
            async with gladly.get(path) as answer:
                assert answer.status == 200, path
                return await answer.json()

        organization = await get("/api/v1/organization")
        assert organization["gladlyUrl"] == sandbox.url
        inboxes, agents = await get("/api/v1/inboxes"), await get("/api/v1/agents")
        assert (len(inboxes), len(agents)) == (4, 6)
        assert "api.user@juniperandpine.example" in {agent["emailAddress"] for agent in agents}
        topics = await get("/api/v1/topics")
        assert {topic.get("parentId") for topic in topics} <= {None, *(topic["id"] for topic in topics)}
        for kind, entries in (("inboxes", inboxes), ("agents", agents), ("topics", topics)):
            assert await get(f"/api/v1/{kind}/{entries[0]['id']}") == entries[0]
        for team in await get("/api/v1/teams"):
            assert team["agentIds"]
            assert await get(f"/api/v1/teams/{team['id']}") == team
        (priya,) = await get("/api/v1/customer-profiles?email=PRIYA%40oldjob.example")
        assert [email.get("primary", False) for email in priya["emails"]] == [False, True]
        (conversation,) = await get(f"/api/v1/customers/{priya['id']}/conversations")
        assert conversation["status"] == "OPEN"
        items = await get(f"/api/v1/conversations/{conversation['id']}/items")
        types = [item["content"]["type"] for item in items]
        assert types == ["CHAT_MESSAGE", "CHAT_MESSAGE", "CHAT_MESSAGE", "TOPIC_CHANGE"]
        (walter,) = await get("/api/v1/customer-profiles?phoneNumber=%2B46701740605")
        assert walter["emails"] == []
        (nameless,) = await get("/api/v1/customer-profiles?email=k.r.1987@webpost.example")
        assert "name" not in nameless
