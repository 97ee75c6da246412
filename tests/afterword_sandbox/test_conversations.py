"""Conversations: assigning, closing, reopening, topics, and what each of them tells the webhooks."""

from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from afterword_sandbox.api.conversations import ConversationChange
from afterword_sandbox.errors import GladlyError


class People:
    """Two inboxes, an agent in the first only, and a topic."""

    def __init__(self, inboxes: dict[str, str], agents: dict[str, str], topics: dict[str, str]) -> None:
        self.inbox, self.other_inbox = inboxes["Orders & Delivery"], inboxes["Loyalty Program"]
        self.agent = agents["Maya Okafor"]
        self.topics = [topics["Refund"], topics["Sizing"]]


@pytest_asyncio.fixture
async def people(gladly: aiohttp.ClientSession) -> People:
    async def ids(path: str) -> dict[str, str]:
        async with gladly.get(path) as answer:
            return {entry["name"]: entry["id"] for entry in await answer.json()}

    return People(await ids("/api/v1/inboxes"), await ids("/api/v1/agents"), await ids("/api/v1/topics"))


async def get(gladly: aiohttp.ClientSession, conversation_id: str) -> dict[str, Any]:
    async with gladly.get(f"/api/v1/conversations/{conversation_id}") as answer:
        assert answer.status == 200
        conversation: dict[str, Any] = await answer.json()
    return conversation


async def patch(gladly: aiohttp.ClientSession, conversation_id: str, body: Any) -> tuple[int, list[Any]]:
    async with gladly.patch(f"/api/v1/conversations/{conversation_id}", json=body) as answer:
        return answer.status, (await answer.json())["errors"] if answer.status != 204 else []


CLOSE = {"status": {"value": "CLOSED", "force": True}}
REOPEN = {"status": {"value": "OPEN"}}


INBOX_BLANK = ("assignee.inboxId", "blank", "'inboxId' cannot be blank when updating assignee")
STATUS_BLANK = ("status.value", "blank", "'value' cannot be blank when updating status")
STATUS_INVALID = ("status.value", "invalid", "'value' must be CLOSED or OPEN")
NO_SUCH_INBOX = ("assignee.inboxId", "not_exist", "inbox does not exist")
WAITING = (
    None,
    "invalid_state",
    "cannot close conversation, customer waiting for response, set 'status.force' to true to override",
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"assignee": {"agentId": "x"}}, INBOX_BLANK),
        ({"assignee": None}, INBOX_BLANK),
        ({"status": {"force": True}}, STATUS_BLANK),
        ({"status": None}, STATUS_BLANK),
        ({"status": {"value": "WAITING"}}, STATUS_INVALID),
        ({"assignee": {"inboxId": "none"}}, NO_SUCH_INBOX),
        ({"status": {"value": "CLOSED"}}, WAITING),
        ({"status": {"value": "CLOSED", "force": False}}, WAITING),
    ],
)
async def test_a_change_that_gladly_refuses_is_refused_in_its_words(
    gladly: aiohttp.ClientSession, write: Any, body: Any, expected: tuple[str | None, str, str]
) -> None:
    opened = await write()
    before = await get(gladly, opened.conversation_id)
    status, (error,) = await patch(gladly, opened.conversation_id, body)
    assert (status, (error.get("attr"), error["code"], error["detail"])) == (400, expected)
    assert await get(gladly, opened.conversation_id) == before


async def test_an_agent_must_be_in_the_inbox(
    gladly: aiohttp.ClientSession, write: Any, people: People
) -> None:
    opened = await write()
    wrong = {"assignee": {"inboxId": people.other_inbox, "agentId": people.agent}}
    status, (error,) = await patch(gladly, opened.conversation_id, wrong)
    assert (status, error["attr"], error["code"]) == (400, "assignee.agentId", "invalid_state")
    assert error["detail"] == "agent does not belong to inbox"
    right = {"assignee": {"inboxId": people.inbox, "agentId": people.agent}}
    assert (await patch(gladly, opened.conversation_id, right))[0] == 204
    assert (await get(gladly, opened.conversation_id))["agentId"] == people.agent
    nobody = {"assignee": {"inboxId": people.inbox, "agentId": None}, "status": {"value": "OPEN"}}
    assert (await patch(gladly, opened.conversation_id, nobody))[0] == 204
    assert "agentId" not in await get(gladly, opened.conversation_id)


async def test_a_closed_conversation_cannot_be_reassigned(
    gladly: aiohttp.ClientSession, write: Any, people: People
) -> None:
    opened = await write()
    assert (await patch(gladly, opened.conversation_id, CLOSE))[0] == 204
    assignee = {"assignee": {"inboxId": people.other_inbox}}
    status, (error,) = await patch(gladly, opened.conversation_id, assignee)
    assert (status, error["code"], "attr" in error) == (400, "invalid_state", False)
    assert error["detail"] == "closed conversation cannot be reassigned"
    assert (await patch(gladly, opened.conversation_id, {**REOPEN, **assignee}))[0] == 204
    assert (await get(gladly, opened.conversation_id))["inboxId"] == people.other_inbox


async def test_topics_may_be_required_for_closing(start_sandbox: Any, write: Any) -> None:
    sandbox = start_sandbox("--requests-per-second", "1000")
    async with sandbox.client() as gladly:
        async with gladly.patch("/_sandbox/settings", json={"topicsRequired": True}) as answer:
            assert answer.status == 204
        opened = await write(client=gladly)
        status, (error,) = await patch(gladly, opened.conversation_id, CLOSE)
        assert (status, error["detail"]) == (400, "topics are required before closing of conversation")
        async with gladly.get("/api/v1/topics") as answer:
            topic_id = (await answer.json())[0]["id"]
        path = f"/api/v1/conversations/{opened.conversation_id}/topics"
        async with gladly.post(path, json={"topicIds": [topic_id]}) as answer:
            assert answer.status == 204
        assert (await patch(gladly, opened.conversation_id, CLOSE))[0] == 204


async def test_a_closed_conversation_shows_when_it_was_closed_and_closing_again_does_nothing(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED", "CONVERSATION/REOPENED")
    opened = await write()
    for _ in range(2):
        assert (await patch(gladly, opened.conversation_id, CLOSE))[0] == 204
    closed = await get(gladly, opened.conversation_id)
    assert closed["status"] == "CLOSED"
    assert closed["closedAt"] >= closed["createdAt"]
    for _ in range(2):
        assert (await patch(gladly, opened.conversation_id, REOPEN))[0] == 204
    reopened = await get(gladly, opened.conversation_id)
    assert reopened["status"] == "OPEN"
    assert "closedAt" not in reopened
    await eventually(lambda: receiver.events("CONVERSATION/REOPENED", opened.conversation_id))
    types = sorted(event["type"] for event in receiver.events(None, opened.conversation_id))
    assert types == ["CONVERSATION/CLOSED", "CONVERSATION/REOPENED"]
    async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}/items") as answer:
        contents = [item["content"] for item in await answer.json()]
    assert [content.get("status") for content in contents] == [None, "CLOSED", "OPEN"]


async def test_the_closing_says_who_had_the_conversation_and_who_closed_it(
    gladly: aiohttp.ClientSession,
    write: Any,
    people: People,
    hear: Any,
    eventually: Any,
) -> None:
    receiver = await hear("CONVERSATION/CLOSED", "CONVERSATION_STATUS/UPDATED")
    opened = await write(inboxId=people.inbox, agentId=people.agent)
    await patch(gladly, opened.conversation_id, CLOSE)
    await eventually(lambda: len(receiver.events(None, opened.conversation_id)) == 2)
    (closing,) = receiver.events("CONVERSATION/CLOSED", opened.conversation_id)
    assert set(closing) == {"id", "type", "timestamp", "initiator", "content"}
    assert closing["initiator"]["type"] == "API"
    assert closing["content"] == {
        "customerId": opened.customer_id,
        "conversationId": opened.conversation_id,
        "context": {"assignee": {"inboxId": people.inbox, "agentId": people.agent}},
    }
    (status,) = receiver.events("CONVERSATION_STATUS/UPDATED", opened.conversation_id)
    assert "initiator" not in status


async def test_an_assignment_tells_the_state_before_and_after(
    gladly: aiohttp.ClientSession,
    write: Any,
    people: People,
    hear: Any,
    eventually: Any,
) -> None:
    opened = await write(inboxId=people.other_inbox)
    receiver = await hear("CONVERSATION_ASSIGNEE/UPDATED")
    assignee = {"inboxId": people.inbox, "agentId": people.agent}
    for _ in range(2):
        await patch(gladly, opened.conversation_id, {"assignee": assignee})
    await patch(gladly, opened.conversation_id, {"assignee": {"inboxId": people.inbox}})
    await eventually(lambda: len(receiver.events()) == 2)
    first, second = sorted(receiver.events(), key=lambda event: str(event["timestamp"]))
    assert first["content"]["context"]["assignee"] == {"inboxId": people.other_inbox}
    assert first["content"]["assignee"] == assignee == second["content"]["context"]["assignee"]
    assert first["content"]["reason"] == "MANUAL"


async def test_topics_come_and_go_while_the_conversation_is_open(
    gladly: aiohttp.ClientSession,
    write: Any,
    people: People,
    hear: Any,
    eventually: Any,
) -> None:
    receiver = await hear("CONVERSATION/TOPIC_ADDED", "CONVERSATION/TOPIC_REMOVED")
    opened = await write()
    path = f"/api/v1/conversations/{opened.conversation_id}/topics"
    for _ in range(2):
        async with gladly.post(path, json={"topicIds": people.topics}) as answer:
            assert answer.status == 204
    assert (await get(gladly, opened.conversation_id))["topicIds"] == people.topics
    async with gladly.delete(f"{path}/{people.topics[0]}") as answer:
        assert answer.status == 204
    async with gladly.delete(f"{path}/{people.topics[0]}") as answer:
        assert answer.status == 404
    assert (await get(gladly, opened.conversation_id))["topicIds"] == people.topics[1:]
    refused: list[dict[str, Any]] = [{"topicIds": ["none"]}, {"topicIds": []}, {}, {"topicIds": [1]}]
    for bad in refused:
        async with gladly.post(path, json=bad) as answer:
            assert answer.status == 400
    await patch(gladly, opened.conversation_id, CLOSE)
    async with gladly.post(path, json={"topicIds": people.topics}) as answer:
        assert answer.status == 400
        assert (await answer.json())["errors"][0]["code"] == "invalid_state"
    await eventually(lambda: len(receiver.events()) == 3)
    added = [event["content"]["topicId"] for event in receiver.events("CONVERSATION/TOPIC_ADDED")]
    assert sorted(added) == sorted(people.topics)


async def test_a_message_opens_continues_and_reopens_a_conversation(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    selected = ["CONVERSATION/CREATED", "CONVERSATION/REOPENED", "CUSTOMER_PROFILE/CREATED"]
    receiver = await hear(*selected)
    first = await write("Hello?")
    second = await write("Anybody there?", email=first.email.upper())
    assert second[:2] == first[:2]
    await patch(gladly, first.conversation_id, CLOSE)
    third = await write("One more thing", email=first.email)
    assert third[:2] == first[:2]
    assert (await get(gladly, first.conversation_id))["status"] == "OPEN"
    async with gladly.get(f"/api/v1/customers/{first.customer_id}/conversations") as answer:
        assert [entry["id"] for entry in await answer.json()] == [first.conversation_id]
    await eventually(lambda: len(receiver.events()) == 3)
    reopened = receiver.events("CONVERSATION/REOPENED")[0]
    assert reopened["initiator"] == {"id": first.customer_id, "type": "CUSTOMER"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "hi"}, 400),
        ({"customer": {"email": "a@b.example"}}, 400),
        ({"customer": {"email": "nonsense"}, "text": "hi"}, 400),
        ({"customer": {}, "text": "hi"}, 400),
        ({"customer": {"id": "nobody"}, "text": "hi"}, 404),
        ({"customer": {"email": "refused@b.example"}, "text": "hi", "inboxId": "none"}, 400),
        ({"customer": {"email": "refused@b.example"}, "text": "hi", "agentId": "none"}, 400),
        ({"customer": {"email": "refused@b.example"}, "text": "x" * 10_001}, 400),
    ],
)
async def test_a_bad_message_is_refused_and_leaves_nothing(
    gladly: aiohttp.ClientSession, body: Any, status: int
) -> None:
    async with gladly.post("/_sandbox/inbound-messages", json=body) as answer:
        assert answer.status == status
        assert (await answer.json())["errors"]
    async with gladly.get("/api/v1/customer-profiles?email=refused@b.example") as answer:
        assert await answer.json() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["OPEN", "CLOSED"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["inboxId", "agentId", "value", "force"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["assignee", "status", "other"]), JSON, max_size=3))
def test_a_change_of_any_shape_is_understood_or_refused(body: dict[str, Any]) -> None:
    try:
        change = ConversationChange(body)
    except GladlyError as error:
        refused = error
    else:
        assert ("status" in body) == (change.status in {"OPEN", "CLOSED"})
        assert ("assignee" in body) == (change.assignee is not None)
        return
    assert refused.status == 400
    assert refused.errors
