"""Tasks: made once, listed, changed, shown on the timeline."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import Write


def soon(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=4, **more)).isoformat(timespec="milliseconds")


async def inbox_with_agent(gladly: aiohttp.ClientSession) -> tuple[str, str, str]:
    """An inbox, an agent of it, and an agent who is not."""
    async with gladly.get("/api/v1/inboxes") as answer:
        inboxes = {inbox["name"]: inbox["id"] for inbox in await answer.json()}
    async with gladly.get("/api/v1/agents") as answer:
        agents = {agent["name"]: agent["id"] for agent in await answer.json()}
    return inboxes["Returns & Refunds"], agents["Ingrid Solberg"], agents["Maya Okafor"]


async def make(gladly: aiohttp.ClientSession, customer_id: str, **changes: Any) -> tuple[int, Any, str]:
    inbox_id, agent_id, _ = await inbox_with_agent(gladly)
    body = {
        "assignee": {"inboxId": inbox_id, "agentId": agent_id},
        "body": "Call back <b>today</b>",
        "dueAt": soon(),
        **changes,
    }
    async with gladly.post(f"/api/v1/customers/{customer_id}/tasks", json=body) as answer:
        told = None if answer.status == 201 else (await answer.json())["errors"][0]
        return answer.status, told, answer.headers.get("Location", "")


async def listed(gladly: aiohttp.ClientSession, customer_id: str, **query: str) -> list[dict[str, Any]]:
    async with gladly.get(f"/api/v1/customers/{customer_id}/tasks", params=query) as answer:
        assert answer.status == 200
        assert answer.headers["Gladly-Limited-Data"] == "false"
        tasks: list[dict[str, Any]] = await answer.json()
    return tasks


async def test_a_task_is_made_shown_and_listed(gladly: aiohttp.ClientSession, write: Write) -> None:
    opened = await write()
    status, _, location = await make(gladly, opened.customer_id, id="task-shown")
    assert (status, location) == (201, "/api/v1/tasks/task-shown")
    async with gladly.get(location) as answer:
        task = await answer.json()
    inbox_id, agent_id, _ = await inbox_with_agent(gladly)
    assert task["assignee"] == {"inboxId": inbox_id, "agentId": agent_id}
    assert (task["customerId"], task["status"]) == (opened.customer_id, "OPEN")
    assert (task["body"], task["createdBy"]["type"]) == ("Call back <b>today</b>", "API")
    assert await listed(gladly, opened.customer_id) == [task]
    assert await listed(gladly, opened.customer_id, status="CLOSED") == []
    async with gladly.get(f"/customers/{opened.customer_id}") as page:
        text = await page.text()
    assert "Task for Ingrid Solberg, Returns &amp; Refunds" in text
    assert "Call back <b>today</b>" in text


async def test_an_id_is_taken_once_whoever_has_it(gladly: aiohttp.ClientSession, write: Write) -> None:
    opened, other = await write(), await write()
    assert (await make(gladly, opened.customer_id, id="task-once"))[0] == 201
    for customer_id in (opened.customer_id, other.customer_id):
        status, told, _ = await make(gladly, customer_id, id="task-once")
        assert (status, told["attr"], told["code"]) == (409, "newConversationItems", "taken")
        assert told["detail"] == "task already exists"
    assert len(await listed(gladly, opened.customer_id)) == 1
    assert await listed(gladly, other.customer_id) == []


@pytest.mark.parametrize(
    ("changes", "attr", "code"),
    [
        ({"body": ""}, "body", "blank"),
        ({"body": "x" * 10_001}, "body", "too_long"),
        ({"dueAt": ""}, "dueAt", "blank"),
        ({"dueAt": "tomorrow"}, "dueAt", "invalid"),
        ({"dueAt": "2020-01-01T00:00:00.000Z"}, "dueAt", "invalid"),
        ({"assignee": None}, "assignee", "blank"),
        ({"assignee": {"agentId": None}}, "assignee.inboxId", "blank"),
        ({"assignee": {"inboxId": "none"}}, "assignee.inboxId", "not_exist"),
        ({"id": "not/safe"}, "id", "invalid"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(
    gladly: aiohttp.ClientSession, write: Write, changes: dict[str, Any], attr: str, code: str
) -> None:
    opened = await write()
    status, told, _ = await make(gladly, opened.customer_id, **changes)
    assert (status, told["attr"], told["code"]) == (400, attr, code)
    assert await listed(gladly, opened.customer_id) == []
    assert (await make(gladly, opened.customer_id))[0] == 201


async def test_an_agent_has_to_be_of_the_inbox(gladly: aiohttp.ClientSession, write: Write) -> None:
    opened = await write()
    inbox_id, _, stranger = await inbox_with_agent(gladly)
    assignee = {"inboxId": inbox_id, "agentId": stranger}
    status, told, _ = await make(gladly, opened.customer_id, assignee=assignee)
    assert (status, told["attr"], told["code"]) == (400, "assignee.agentId", "invalid_state")
    nobody = {"inboxId": inbox_id, "agentId": None}
    assert (await make(gladly, opened.customer_id, assignee=nobody))[0] == 201


async def test_an_unknown_customer_has_none_and_a_merged_ones_have_moved(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    assert (await make(gladly, "nobody"))[0] == 404
    gone, remains = await write(), await write()
    await make(gladly, gone.customer_id, id="task-moves")
    merge = {"sourceCustomerId": gone.customer_id, "destinationCustomerId": remains.customer_id}
    await gladly.post("/_sandbox/merges", json=merge)
    path = f"/api/v1/customers/{gone.customer_id}/tasks"
    async with gladly.get(path, allow_redirects=False) as answer:
        assert answer.status == 301
        assert (await answer.json())["errors"][0]["meta"]["new"] == remains.customer_id
    assert [task["id"] for task in await listed(gladly, remains.customer_id)] == ["task-moves"]


async def test_a_task_by_address_makes_the_customer(gladly: aiohttp.ClientSession) -> None:
    inbox_id, _, _ = await inbox_with_agent(gladly)
    body = {
        "customer": {"emailAddress": "task@new.example"},
        "assignee": {"inboxId": inbox_id},
        "body": "Say hello",
        "dueAt": soon(),
    }
    async with gladly.post("/api/v1/tasks", json=body) as answer:
        assert answer.status == 201
        location = answer.headers["Location"]
    async with gladly.get(location) as answer:
        customer_id = (await answer.json())["customerId"]
    async with gladly.get(f"/api/v1/customer-profiles/{customer_id}") as answer:
        assert (await answer.json())["emails"][0]["original"] == "task@new.example"


async def test_changes_are_told_by_webhook(
    gladly: aiohttp.ClientSession, write: Write, hear: Any, eventually: Any
) -> None:
    types = ["TASK/CREATED", "TASK/CLOSED", "TASK/REOPENED", "TASK/CONTENT_UPDATED", "TASK/ASSIGNEE_UPDATED"]
    receiver = await hear(*types)
    opened = await write()
    await make(gladly, opened.customer_id, id="task-told")
    inbox_id, _, _ = await inbox_with_agent(gladly)
    for change in (
        {"status": "CLOSED"},
        {"status": "OPEN"},
        {"body": "Call tomorrow", "assignee": {"inboxId": inbox_id}},
    ):
        async with gladly.patch("/api/v1/tasks/task-told", json=change) as answer:
            assert answer.status == 204
    received = await eventually(lambda: len(receiver.received) > len(types) and receiver.events())
    assert {event["type"] for event in received} == set(types)
    created = next(event for event in received if event["type"] == "TASK/CREATED")
    assert created["content"]["customerId"] == opened.customer_id
    assert created["content"]["taskId"] == "task-told"
    async with gladly.get(f"/_sandbox/customers/{opened.customer_id}/timeline") as answer:
        shown = (await answer.json())[-1]["content"]
    assert (shown["type"], shown["body"], shown["status"]) == ("TASK", "Call tomorrow", "OPEN")
