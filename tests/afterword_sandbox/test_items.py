"""Customer activities on the timeline."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

ACTIVITY = {
    "type": "CUSTOMER_ACTIVITY",
    "activityType": "SURVEY",
    "title": "CSAT Score: 5",
    "body": "Customer Feedback: quick and kind",
    "sourceName": "Qualtrics",
    "link": {"url": "https://survey.example/r/1", "text": "See the response"},
}


async def post(gladly: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any]:
    async with gladly.post(path, json=body) as answer:
        return answer.status, await answer.json()


def of(customer_id: str) -> str:
    return f"/api/v1/customers/{customer_id}/conversation-items"


async def test_an_activity_belongs_to_the_customer_and_to_no_conversation(
    gladly: aiohttp.ClientSession, write: Any
) -> None:
    opened = await write()
    status, item = await post(gladly, of(opened.customer_id), {"id": "activity-1", "content": ACTIVITY})
    assert status == 200, "Gladly answers 200 here, not 201"
    assert item["id"] == "activity-1"
    assert item["customerId"] == opened.customer_id
    assert "conversationId" not in item
    assert item["initiator"]["type"] == "API"
    assert item["content"] == {**ACTIVITY, "expandByDefault": False, "receivedAt": item["timestamp"]}
    async with gladly.get("/api/v1/conversation-items/activity-1") as answer:
        assert await answer.json() == item
    async with gladly.get(f"/_sandbox/customers/{opened.customer_id}/timeline") as answer:
        assert [entry["id"] for entry in await answer.json()] == [opened.item_id, "activity-1"]
    async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}/items") as answer:
        assert [entry["id"] for entry in await answer.json()] == [opened.item_id]


async def test_an_id_in_use_is_taken_until_it_is_deleted(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened, other = await write(), await write()
    body = {"id": "activity-2", "content": ACTIVITY}
    assert (await post(gladly, of(opened.customer_id), body))[0] == 200
    for path in (of(opened.customer_id), of(other.customer_id)):
        status, answer = await post(gladly, path, body)
        assert status == 409
        expected = {
            "attr": "newConversationItems",
            "code": "taken",
            "detail": "conversation item already exists",
        }
        assert answer["errors"] == [expected]
    async with gladly.delete(f"{of(other.customer_id)}/activity-2") as refused:
        assert refused.status == 404, "it is another customer's"
    async with gladly.delete("/api/v1/conversation-items/activity-2") as deleted:
        assert deleted.status == 204
    async with gladly.get("/api/v1/conversation-items/activity-2") as gone:
        assert gone.status == 404
    assert (await post(gladly, of(other.customer_id), body))[0] == 200


@pytest.mark.parametrize(
    ("change", "attr", "code"),
    [
        ({"title": "x" * 101}, "content.title", "too_long"),
        ({"body": "x" * 25_001}, "content.body", "too_long"),
        ({"sourceName": "x" * 51}, "content.sourceName", "too_long"),
        ({"link": {"url": "https://a.example", "text": "x" * 51}}, "content.link.text", "too_long"),
        ({"link": {"text": "no address"}}, "content.link.url", "blank"),
        ({"link": {"url": "javascript:alert(1)"}}, "content.link.url", "invalid"),
        ({"type": None}, "content.type", "blank"),
        ({"type": "TASK"}, "content.type", "invalid"),
        ({"activityType": "PARTY"}, "content.activityType", "invalid"),
        ({"activityType": None}, "content.activityType", "blank"),
        ({"title": 5}, "content.title", "invalid"),
        ({"expandByDefault": "yes"}, "content.expandByDefault", "invalid"),
        ({"occurredAt": "yesterday"}, "content.occurredAt", "invalid"),
        ({"occurredAt": "2020-01-01T00:00:00.000Z"}, "content.occurredAt", "invalid"),
    ],
)
async def test_a_bad_activity_is_refused_by_field(
    gladly: aiohttp.ClientSession, write: Any, change: dict[str, Any], attr: str, code: str
) -> None:
    opened = await write()
    status, answer = await post(gladly, of(opened.customer_id), {"content": {**ACTIVITY, **change}})
    assert status == 400
    assert [(error["attr"], error["code"]) for error in answer["errors"]] == [(attr, code)]


async def test_the_limits_themselves_are_allowed_and_counted_in_characters(
    gladly: aiohttp.ClientSession, write: Any
) -> None:
    opened = await write()
    longest = {
        **ACTIVITY,
        "title": "é" * 100,
        "body": "日" * 25_000,
        "sourceName": "ü" * 50,
        "link": {"url": "https://a.example", "text": "ß" * 50},
    }
    status, item = await post(gladly, of(opened.customer_id), {"content": longest})
    assert status == 200
    assert item["content"]["body"] == longest["body"]


async def test_an_activity_stands_where_it_occurred(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    long_ago = (datetime.now(UTC) - timedelta(days=300)).isoformat(timespec="seconds")
    status, item = await post(
        gladly, of(opened.customer_id), {"content": {**ACTIVITY, "occurredAt": long_ago}}
    )
    assert status == 200
    assert item["content"]["occurredAt"].endswith(".000Z")
    async with gladly.get(f"/_sandbox/customers/{opened.customer_id}/timeline") as answer:
        assert [entry["id"] for entry in await answer.json()] == [item["id"], opened.item_id]


async def test_an_address_finds_or_makes_the_customer(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    path = "/api/v1/conversation-items"
    known = {"customer": {"emailAddress": opened.email.upper()}, "content": ACTIVITY}
    assert (await post(gladly, path, known))[1]["customerId"] == opened.customer_id
    for customer in ({"emailAddress": "unheard@of.example"}, {"mobilePhone": "+14155550177"}):
        first = await post(gladly, path, {"customer": customer, "content": ACTIVITY})
        again = await post(gladly, path, {"customer": customer, "content": ACTIVITY})
        assert first[1]["customerId"] == again[1]["customerId"] != opened.customer_id


@pytest.mark.parametrize(
    ("customer", "code"),
    [
        ({}, "blank"),
        ({"emailAddress": ""}, "blank"),
        ({"emailAddress": "a@b.example", "mobilePhone": "+14155550178"}, "invalid"),
        ({"emailAddress": "nonsense"}, "invalid"),
        ({"mobilePhone": "12"}, "invalid"),
        (None, "blank"),
    ],
)
async def test_exactly_one_good_address_is_needed(
    gladly: aiohttp.ClientSession, customer: Any, code: str
) -> None:
    body = {"customer": customer, "content": ACTIVITY}
    status, answer = await post(gladly, "/api/v1/conversation-items", body)
    assert status == 400
    assert [error["code"] for error in answer["errors"]] == [code]


async def test_an_unknown_customer_has_no_timeline(gladly: aiohttp.ClientSession) -> None:
    status, answer = await post(gladly, of("nobody"), {"content": ACTIVITY})
    assert (status, answer["errors"][0]["code"]) == (404, "not_exist")


async def test_only_activities_can_be_deleted(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    async with gladly.delete(f"/api/v1/conversation-items/{opened.item_id}") as answer:
        assert answer.status == 400
    async with gladly.get(f"/api/v1/conversation-items/{opened.item_id}") as answer:
        assert (await answer.json())["content"]["type"] == "CHAT_MESSAGE"
