"""The calls of programs that Gladly and others have published for the real API, in their order.

docs/sandbox.md says which programs were run themselves, unchanged, and what came out.
"""

import asyncio
import csv
import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from tests.afterword_sandbox.conftest import PutPast, Write
from tests.afterword_sandbox.test_messages import answered

NUMBERS = itertools.count(1)


def own_id() -> str:
    return f"program-{next(NUMBERS)}"


async def listed(gladly: aiohttp.ClientSession, kind: str) -> list[dict[str, Any]]:
    status, found, _ = await answered(gladly, "GET", f"/api/v1/{kind}")
    assert status == 200
    return list(found)


async def test_customers_are_created_found_changed_as_a_whole_and_deleted(
    gladly: aiohttp.ClientSession,
) -> None:
    """Gladly's create-customers, update-customers and delete-customers, five rows at a time."""
    profiles: list[dict[str, Any]] = [
        {
            "id": own_id(),
            "name": f"First{row} Last{row}",
            "address": f"Address {row}, CA, 12345",
            "emails": [{"original": f"person{row}@person.example"}],
            "phones": [{"original": f"650 123 456{row}"}],
            "customAttributes": {"attr1": "hello"},
        }
        for row in range(5)
    ]
    made = await asyncio.gather(
        *(answered(gladly, "POST", "/api/v1/customer-profiles", profile) for profile in profiles)
    )
    assert [status for status, _, _ in made] == [201] * 5

    async def rename(profile: dict[str, Any]) -> int:
        query = f"email={profile['emails'][0]['original'].replace('@', '%40')}"
        (found,) = (await answered(gladly, "GET", f"/api/v1/customer-profiles?{query}"))[1]
        whole = {**found, "name": f"{found['name']}'s new name"}
        return (await answered(gladly, "PATCH", f"/api/v1/customer-profiles/{found['id']}", whole))[0]

    assert await asyncio.gather(*map(rename, profiles)) == [204] * 5
    for profile in profiles:
        path = f"/api/v1/customer-profiles/{profile['id']}"
        shown = (await answered(gladly, "GET", path))[1]
        assert shown["name"].endswith("'s new name")
        assert shown["phones"][0]["normalized"].startswith("+1650123456")
        assert (await answered(gladly, "DELETE", path))[0] == 204


async def test_conversations_are_given_a_topic_and_closed_as_they_were_assigned(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    """Gladly's create-topics, update-topics and close-conversations."""
    topic_id = own_id()
    assert (await answered(gladly, "POST", "/api/v1/topics", {"id": topic_id, "name": topic_id}))[0] == 201
    renamed = {"id": topic_id, "name": f"{topic_id} closed", "disabled": False}
    assert (await answered(gladly, "PATCH", f"/api/v1/topics/{topic_id}", renamed))[0] == 204
    opened = await write()
    path = f"/api/v1/conversations/{opened.conversation_id}"
    conversation = (await answered(gladly, "GET", path))[1]
    assert (await answered(gladly, "POST", f"{path}/topics", {"topicIds": [topic_id]}))[0] == 204
    change = {
        "assignee": {"inboxId": conversation["inboxId"], "agentId": conversation.get("agentId")},
        "status": {"value": "CLOSED", "force": True},
    }
    assert (await answered(gladly, "PATCH", path, change))[0] == 204
    closed = (await answered(gladly, "GET", path))[1]
    assert (closed["status"], closed["topicIds"]) == ("CLOSED", [topic_id])


async def test_tasks_are_made_by_names_and_closed(gladly: aiohttp.ClientSession) -> None:
    """Gladly's create-tasks and close-tasks."""
    inboxes, agents = await asyncio.gather(listed(gladly, "inboxes"), listed(gladly, "agents"))
    (inbox,) = [one for one in inboxes if one["name"] == "Returns & Refunds"]
    (agent,) = [one for one in agents if one["emailAddress"] == "tom@juniperandpine.example"]
    for agent_id in (agent["id"], None):
        task = {
            "id": own_id(),
            "assignee": {"inboxId": inbox["id"], "agentId": agent_id},
            "body": "please create a return label",
            "dueAt": "2199-09-28T00:00:00.000Z",
            "customer": {"emailAddress": "tasks@person.example"},
        }
        assert (await answered(gladly, "POST", "/api/v1/tasks", task))[0] == 201
        path = f"/api/v1/tasks/{task['id']}"
        assert (await answered(gladly, "GET", path))[1]["status"] == "OPEN"
        assert (await answered(gladly, "PATCH", path, {"status": "CLOSED"}))[0] == 204


async def test_answers_are_added_or_else_updated_by_the_id_that_the_refusal_names(
    gladly: aiohttp.ClientSession,
) -> None:
    """Gladly's add-and-update-answers."""
    audience_ids = [audience["id"] for audience in await listed(gladly, "audiences")]
    answer = {"name": own_id(), "description": "In any language", "audienceIds": audience_ids}
    answer_id = (await answered(gladly, "POST", "/api/v1/answers", answer))[1]["id"]
    status, error, _ = await answered(gladly, "POST", "/api/v1/answers", answer)
    assert (status, error["code"], error["meta"]["existingAnswerId"]) == (409, "taken", answer_id)
    change = {"description": "In any language", "audienceIds": audience_ids}
    assert (await answered(gladly, "PATCH", f"/api/v1/answers/{answer_id}", change))[0] == 204
    for language in ("en-us", "fr-ca"):
        path = f"/api/v1/answers/{answer_id}/languages/{language}/type/public"
        content = {"bodyHtml": "<p>Hello World</p>", "title": "Hello"}
        assert (await answered(gladly, "PUT", path, content))[0] == 200


async def test_reports_of_a_day_in_the_past(gladly: aiohttp.ClientSession, put_past: PutPast) -> None:
    """Gladly's get-reports."""
    await put_past(
        {
            "startedAt": "2021-09-28T17:00:00Z",
            "channel": "EMAIL",
            "messages": [
                {"at": "2021-09-28T17:00:00Z", "text": "Hi"},
                {"at": "2021-09-28T17:10:00Z", "text": "Hello", "by": {"type": "AGENT"}},
            ],
            "closings": [{"at": "2021-09-28T18:00:00Z"}],
        }
    )

    async def rows(path: str, body: Any) -> list[dict[str, str]]:
        async with gladly.post(path, json=body, headers={"Accept": "application/json"}) as answer:
            assert answer.status == 200
            return list(csv.DictReader(io.StringIO(await answer.text())))

    times = {"startAtTime": "2021-09-28T00:00-07:00", "endAtTime": "2021-09-29T00:00-07:00"}
    (session,) = await rows("/api/v1/reports/work-session-events", times)
    assert float(session["work_session_handle_time_sec"]) == 3000
    day = {"timezone": "America/Los_Angeles", "startAt": "2021-09-28", "endAt": "2021-09-28"}
    contacts = await rows("/api/v1/reports", {"metricSet": "ContactExportReport", **day})
    assert [contact["Channel"] for contact in contacts] == ["EMAIL"]
    agents = await rows("/api/v1/reports", {"metricSet": "AgentTimestampsReport", **day, "filters": {}})
    assert agents == []


async def test_the_newest_export_is_read_line_by_line(gladly: aiohttp.ClientSession, write: Write) -> None:
    """Gladly's get-data-export, conversation-export-to-csv and the files' streams of tap-gladly."""
    opened = await write()
    await answered(gladly, "POST", "/_sandbox/export-jobs", {})
    jobs = (await answered(gladly, "GET", "/api/v1/export/jobs?status=COMPLETED"))[1]
    newest = max(jobs, key=lambda job: str(job["updatedAt"]))
    assert {"id", "status", "updatedAt", "parameters", "files"} <= newest.keys()
    lines = []
    for name in newest["files"]:
        async with gladly.get(f"/api/v1/export/jobs/{newest['id']}/files/{name}") as answer:
            lines += [json.loads(line) async for line in answer.content]
    items = [line for line in lines if "content" in line]
    assert opened.item_id in {item["id"] for item in items}
    assert all(item["content"]["type"] for item in items)


class StrictEvent(msgspec.Struct, forbid_unknown_fields=True):
    """An event as Estuary's connector demands it: these five fields and no other."""

    class Initiator(msgspec.Struct, forbid_unknown_fields=True):
        """Who caused it."""

        id: str
        type: str

    id: str
    type: str
    timestamp: datetime
    initiator: Initiator
    content: dict[str, Any]


async def test_events_of_every_entity_have_five_fields_in_order(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    """Estuary's source-gladly: each entity by itself, from 23 hours ago; and Gladly's events-wfm, two at once."""
    await write()
    start = (datetime.now(UTC) - timedelta(hours=23)).isoformat()
    entities = (
        "AGENT_AVAILABILITY",
        "AGENT_STATUS",
        "CONTACT",
        "CONVERSATION",
        "CUSTOMER",
        "PAYMENT_REQUEST",
        "TASK",
    )
    for entity in entities:
        async with gladly.get("/api/v1/events", params={"startAt": start, "entities": entity}) as answer:
            events = [msgspec.json.decode(line, type=StrictEvent) async for line in answer.content]
        assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    zone = "-08:00"
    there = (datetime.now(UTC) - timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S") + zone
    now = (datetime.now(UTC) - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S") + zone
    path = f"/api/v1/events?startAt={there}&endAt={now}&entities=CONTACT&entities=AGENT_AVAILABILITY"
    assert (await answered(gladly, "GET", path))[0] == 200


async def test_a_closing_is_looked_up_by_four_calls_at_once(
    gladly: aiohttp.ClientSession, write: Write, hear: Any, eventually: Any
) -> None:
    """Gladly's csat-survey."""
    receiver = await hear("CONVERSATION/CLOSED")
    opened = await write()
    path = f"/api/v1/conversations/{opened.conversation_id}"
    await answered(gladly, "PATCH", path, {"status": {"value": "CLOSED", "force": True}})
    (closed,) = await eventually(lambda: receiver.events("CONVERSATION/CLOSED", opened.conversation_id))
    customer_id = closed["content"]["customerId"]
    paths = (path, f"{path}/items", "/api/v1/agents", f"/api/v1/customer-profiles/{customer_id}")
    answers = await asyncio.gather(*(answered(gladly, "GET", one) for one in paths))
    (_, conversation, _), (_, items, _), (_, agents, _), (_, customer, _) = answers
    assert conversation["closedAt"]
    assert items[-1]["content"]["status"] == "CLOSED"
    assert agents
    assert customer["emails"][0]["original"] == opened.email


async def test_a_bot_takes_a_conversation_answers_and_gives_it_back(
    gladly: aiohttp.ClientSession, write: Write, hear: Any, eventually: Any
) -> None:
    """Gladly's reply-to-message."""
    receiver = await hear("CONTACT/MESSAGE_RECEIVED")
    agents = {agent["name"]: agent["id"] for agent in await listed(gladly, "agents")}
    opened = await write("Is there an agent?")
    (told,) = await eventually(lambda: receiver.events("CONTACT/MESSAGE_RECEIVED", opened.conversation_id))
    inbox_id = told["content"]["context"]["assignee"]["inboxId"]
    path = f"/api/v1/conversations/{opened.conversation_id}"

    def assign(agent_id: str | None) -> dict[str, Any]:
        return {"assignee": {"inboxId": inbox_id, "agentId": agent_id}, "status": {"value": "OPEN"}}

    assert (await answered(gladly, "PATCH", path, assign(agents["Maya Okafor"])))[0] == 204
    item_path = f"/api/v1/conversation-items/{told['content']['messageId']}"
    message = (await answered(gladly, "GET", item_path))[1]
    assert "agent" in message["content"]["content"]
    content = {"type": message["content"]["type"], "body": "Handing you off!"}
    assert (await answered(gladly, "POST", f"{item_path}/reply", {"content": content}))[0] == 201
    assert (await answered(gladly, "PATCH", path, assign(None)))[0] == 204
    conversation = (await answered(gladly, "GET", path))[1]
    assert (conversation["status"], "agentId" in conversation) == ("OPEN", False)
