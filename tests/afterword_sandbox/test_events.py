"""The Events API: the last 24 hours as JSON lines, the same events that webhooks carry."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import PutPast, Set, Write

CLOSE = {"status": {"value": "CLOSED", "force": True}}


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def events(gladly: aiohttp.ClientSession, *entities: str, **query: str) -> list[dict[str, Any]]:
    """The events since an hour ago, or as the query says."""
    parameters = [("entities", entity) for entity in entities or ("CONVERSATION",)]
    parameters += list({"startAt": ago(hours=1), **query}.items())
    async with gladly.get("/api/v1/events", params=parameters) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/x-jsonlines"
        assert "Ratelimit-Limit-Second" in answer.headers
        return [json.loads(line) for line in (await answer.text()).splitlines()]


def of(found: list[dict[str, Any]], conversation_id: str) -> list[str]:
    return [event["type"] for event in found if event["content"].get("conversationId") == conversation_id]


async def test_a_closing_is_there_with_the_id_that_the_webhook_gave(
    gladly: aiohttp.ClientSession, write: Write, hear: Any, eventually: Any, set_sandbox: Set
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    opened = await write()
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=CLOSE)
    (told,) = await eventually(lambda: receiver.events("CONVERSATION/CLOSED", opened.conversation_id))
    found = await events(gladly)
    assert of(found, opened.conversation_id) == ["CONVERSATION/CREATED", "CONVERSATION/CLOSED"]
    assert told in found
    assert set(told) == {"id", "type", "timestamp", "initiator", "content"}
    await set_sandbox(eventsApiIds="other")
    others = await events(gladly)
    assert told["id"] not in {event["id"] for event in others}
    assert [{**event, "id": ""} for event in others][-1] == {**found[-1], "id": ""}
    assert others == await events(gladly), "the other ids stay the same"


async def test_entities_choose_and_the_order_is_that_of_time(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write()
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=CLOSE)
    contacts = await events(gladly, "CONTACT")
    assert of(contacts, opened.conversation_id) == [
        "CONTACT/STARTED",
        "CONTACT/MESSAGE_RECEIVED",
        "CONTACT/ENDED",
    ]
    ended = contacts[-1]["content"]
    assert (ended["reason"], ended["status"], ended["channel"]) == (
        "CONVERSATION_CLOSED",
        "UNANSWERED",
        "CHAT",
    )
    both = await events(gladly, "CONTACT", "CONVERSATION", "CUSTOMER_PROFILE")
    assert [event["timestamp"] for event in both] == sorted(event["timestamp"] for event in both)
    assert {event["type"].split("/")[0] for event in both} >= {"CONTACT", "CONVERSATION", "CUSTOMER_PROFILE"}
    assert not {"CONVERSATION_STATUS/UPDATED"} & {event["type"] for event in both}


async def test_times_bound_what_is_given(
    gladly: aiohttp.ClientSession, put_past: PutPast, set_sandbox: Set
) -> None:
    closed_at = ago(hours=3)
    (past,) = await put_past({"startedAt": ago(hours=4), "closings": [{"at": closed_at}]})
    created_and_closed = ["CONVERSATION/CREATED", "CONVERSATION/CLOSED"]
    assert of(await events(gladly, startAt=ago(hours=5)), past.conversation_id) == created_and_closed
    assert of(await events(gladly, startAt=closed_at), past.conversation_id) == ["CONVERSATION/CLOSED"]
    assert of(await events(gladly, startAt=ago(hours=5), endAt=closed_at), past.conversation_id) == [
        "CONVERSATION/CREATED"
    ]
    await set_sandbox(eventsApiEnd="inclusive")
    until = await events(gladly, startAt=ago(hours=5), endAt=closed_at)
    assert of(until, past.conversation_id) == created_and_closed
    await set_sandbox(eventsLagSeconds=3.5 * 3600)
    late = await events(gladly, startAt=ago(hours=5))
    assert of(late, past.conversation_id) == ["CONVERSATION/CREATED"]


async def test_what_is_older_than_a_day_is_not_there(
    gladly: aiohttp.ClientSession, put_past: PutPast
) -> None:
    (past,) = await put_past({"startedAt": ago(hours=30), "closings": [{"at": ago(hours=25)}]})
    assert of(await events(gladly, startAt=ago(hours=23.9)), past.conversation_id) == []


@pytest.mark.parametrize(
    ("query", "attr", "code", "detail"),
    [
        (
            {"startAt": "2026-01-01T00:00:00Z"},
            "startAt",
            "invalid",
            "startAt must be within the last 24 hours",
        ),
        ({"startAt": ""}, "startAt", "blank", "startAt must be present"),
        ({"startAt": "yesterday"}, "startAt", "invalid", None),
        ({"endAt": "2026-01-01T00:00:00Z"}, "startAt", "invalid", "endAt must occur after startAt"),
        ({"entities": "PING"}, "entities", "invalid", None),
        ({"entities": ""}, "entities", "invalid", None),
    ],
)
async def test_what_gladly_refuses(
    gladly: aiohttp.ClientSession, query: dict[str, str], attr: str, code: str, detail: str | None
) -> None:
    asked = {"startAt": ago(hours=1), "entities": "CONVERSATION", **query}
    async with gladly.get("/api/v1/events", params=asked) as answer:
        assert answer.status == 400
        (error,) = (await answer.json())["errors"]
    assert (error["attr"], error["code"]) == (attr, code)
    assert detail in {None, error["detail"]}


async def test_a_numeric_offset_is_understood(gladly: aiohttp.ClientSession) -> None:
    there = (datetime.now(UTC) - timedelta(hours=9)).replace(tzinfo=None).isoformat(timespec="seconds")
    async with gladly.get(f"/api/v1/events?startAt={there}-08:00&entities=CONTACT") as answer:
        assert answer.status == 200


async def test_the_api_may_be_called_application_in_events(
    gladly: aiohttp.ClientSession, write: Write, set_sandbox: Set
) -> None:
    for setting in ("API", "APPLICATION"):
        await set_sandbox(apiInitiator=setting)
        opened = await write()
        await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=CLOSE)
        closed = [event for event in await events(gladly) if event["type"] == "CONVERSATION/CLOSED"][-1]
        assert closed["content"]["conversationId"] == opened.conversation_id
        assert closed["initiator"]["type"] == setting
        async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}/items") as answer:
            assert (await answer.json())[-1]["initiator"]["type"] == "API"


async def test_agents_come_and_go(gladly: aiohttp.ClientSession) -> None:
    async with gladly.get("/api/v1/agents") as answer:
        agent_id = (await answer.json())[0]["id"]
    changes = [
        {"agentId": agent_id, "change": {"type": "AGENT_STATUS/LOGGED_IN", "activeReason": "Phone"}},
        {"agentId": agent_id, "change": {"type": "AGENT_AVAILABILITY/UPDATED", "availableFor": ["VOICE"]}},
    ]
    async with gladly.post("/_sandbox/agent-statuses", json={"changes": changes}) as answer:
        assert answer.status == 204
    found = await events(gladly, "AGENT_STATUS", "AGENT_AVAILABILITY")
    assert [event["content"]["agentId"] for event in found[-2:]] == [agent_id, agent_id]
    assert found[-2]["content"]["activeReason"]["name"] == "Phone"
    assert found[-1]["content"]["availableFor"] == ["VOICE"]
    assert found[-1]["initiator"] == {"id": agent_id, "type": "AGENT"}
