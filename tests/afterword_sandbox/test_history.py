"""Conversations that are put into the past, by the rules of the present."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import PutPast

PAST = "/_sandbox/past-conversations"


async def test_a_past_conversation_is_as_if_it_had_happened(
    gladly: aiohttp.ClientSession, put_past: PutPast, hear: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED", "CONVERSATION/CREATED")
    (past,) = await put_past(
        {
            "id": "past-conversation",
            "startedAt": "2025-02-03T10:00:00Z",
            "channel": "EMAIL",
            "messages": [
                {"at": "2025-02-03T10:00:00Z", "text": "Hello?", "id": "past-message"},
                {"at": "2025-02-03T11:00:00Z", "text": "Yes?", "by": {"type": "AGENT"}},
                {"at": "2025-02-03T13:00:00Z", "text": "Thanks"},
            ],
            "closings": [{"at": "2025-02-03T12:00:00Z", "by": {"type": "AUTOMATION", "id": "rule"}}],
        }
    )
    assert past.conversation_id == "past-conversation"
    async with gladly.get("/api/v1/conversations/past-conversation") as answer:
        conversation = await answer.json()
    assert (conversation["status"], conversation["createdAt"]) == ("OPEN", "2025-02-03T10:00:00.000Z")
    async with gladly.get("/api/v1/conversations/past-conversation/items") as answer:
        items = await answer.json()
    assert [(item["timestamp"][11:16], item["initiator"]["type"]) for item in items] == [
        ("10:00", "CUSTOMER"),
        ("11:00", "AGENT"),
        ("12:00", "AUTOMATION"),
        ("13:00", "CUSTOMER"),
        ("13:00", "CUSTOMER"),
    ]
    assert items[-2]["content"] == {"type": "CONVERSATION_STATUS_CHANGE", "status": "OPEN"}
    assert past.item_ids[0] == "past-message"
    assert receiver.events() == [], "no webhook is told of the past"


@pytest.mark.parametrize(
    ("wrong", "status", "attr"),
    [
        ({"startedAt": "2025-02-03T10:00:00"}, 400, "conversations[0].startedAt"),
        ({"startedAt": "2999-01-01T00:00:00Z"}, 400, "startedAt"),
        ({"closings": [{"at": "2020-01-01T00:00:00Z"}]}, 400, "startedAt"),
        ({"channel": "PIGEON"}, 400, "channel"),
        ({"inboxId": "none"}, 400, "assignee.inboxId"),
        ({"customer": {}}, 400, "customer"),
        ({"customer": {"id": "none"}}, 404, None),
        ({"colour": "red"}, 400, "conversations[0]"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    gladly: aiohttp.ClientSession, wrong: dict[str, Any], status: int, attr: str | None
) -> None:
    good = {"customer": {"email": "kept.nothing@mail.example"}, "startedAt": "2025-02-03T10:00:00Z"}
    async with gladly.post(PAST, json={"conversations": [{**good, **wrong}]}) as answer:
        assert answer.status == status, await answer.text()
        (error,) = (await answer.json())["errors"]
    assert error.get("attr") == attr
    async with gladly.get(
        "/api/v1/customer-profiles", params={"email": "kept.nothing@mail.example"}
    ) as answer:
        assert await answer.json() == []


async def test_a_customer_has_one_open_conversation_at_a_time(
    gladly: aiohttp.ClientSession, put_past: PutPast
) -> None:
    customer = {"email": "twice@mail.example"}
    started = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await put_past({"customer": customer, "startedAt": started})
    body = {"conversations": [{"customer": customer, "startedAt": started}]}
    async with gladly.post(PAST, json=body) as answer:
        assert (answer.status, (await answer.json())["errors"][0]["code"]) == (400, "invalid_state")
