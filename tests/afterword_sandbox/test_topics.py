"""Topics that programs make and rename."""

import itertools
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import Set, Write

TOPICS = "/api/v1/topics"
NUMBERS = itertools.count(1)


def unused(kind: str) -> str:
    return f"{kind}-{next(NUMBERS)}"


async def make(gladly: aiohttp.ClientSession, **body: Any) -> tuple[int, Any]:
    """The topic's id when it was made, else the error."""
    async with gladly.post(TOPICS, json=body) as answer:
        if answer.status == 201:
            return 201, answer.headers["Location"].removeprefix(f"{TOPICS}/")
        return answer.status, (await answer.json())["errors"][0]


async def test_a_topic_is_made_renamed_and_disabled(gladly: aiohttp.ClientSession, write: Write) -> None:
    name, own_id = unused("Topic"), unused("topic-id")
    assert await make(gladly, name=name, id=own_id) == (201, own_id)
    _, child = await make(gladly, name=unused("Child"), parentId=own_id)
    async with gladly.patch(f"{TOPICS}/{own_id}", json={"name": f"{name} (old)", "disabled": True}) as answer:
        assert answer.status == 204
    async with gladly.get(f"{TOPICS}/{own_id}") as answer:
        assert await answer.json() == {"id": own_id, "name": f"{name} (old)", "disabled": True}
    async with gladly.get(TOPICS) as answer:
        assert own_id in {topic.get("parentId") for topic in await answer.json() if topic["id"] == child}
    opened = await write()
    path = f"/api/v1/conversations/{opened.conversation_id}/topics"
    async with gladly.post(path, json={"topicIds": [own_id]}) as answer:
        assert answer.status == 400, "a disabled topic cannot be given to a conversation"
    async with gladly.post(path, json={"topicIds": [child]}) as answer:
        assert answer.status == 204


async def test_what_is_taken_is_told_with_whose_it_is(
    gladly: aiohttp.ClientSession, set_sandbox: Set
) -> None:
    name = unused("Taken")
    _, topic_id = await make(gladly, name=name)
    status, error = await make(gladly, name=name)
    assert (status, error["attr"], error["code"], error["meta"]) == (409, "name", "taken", {"id": topic_id})
    assert error["detail"] == "another topic already has this name"
    status, error = await make(gladly, name=unused("Other"), id=topic_id)
    assert (status, error["attr"], error["code"]) == (409, "id", "taken")
    other_name = unused("Other")
    _, other = await make(gladly, name=other_name)
    async with gladly.patch(f"{TOPICS}/{other}", json={"name": name}) as answer:
        assert answer.status == 409
    async with gladly.patch(f"{TOPICS}/{other}", json={"name": other_name}) as answer:
        assert answer.status == 204, "its own name is no other's"
    await set_sandbox(topicNames="unique-per-parent")
    assert (await make(gladly, name=name, parentId=topic_id))[0] == 201
    assert (await make(gladly, name=name))[0] == 409


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"name": ""}, "name", "blank"),
        ({}, "name", "blank"),
        ({"name": "x", "id": "no/good"}, "id", "invalid"),
        ({"name": "x", "parentId": "nobody"}, "parentId", "not_exist"),
        ({"name": "x", "disabled": "yes"}, "disabled", "invalid"),
    ],
)
async def test_what_gladly_refuses(
    gladly: aiohttp.ClientSession, body: dict[str, Any], attr: str, code: str
) -> None:
    status, error = await make(gladly, **body)
    assert (status, error["attr"], error["code"]) == (400, attr, code)


async def test_a_topic_cannot_stand_below_itself(gladly: aiohttp.ClientSession) -> None:
    _, above = await make(gladly, name=(name := unused("Above")))
    _, below = await make(gladly, name=unused("Below"), parentId=above)
    async with gladly.patch(f"{TOPICS}/{above}", json={"name": name, "parentId": below}) as answer:
        assert answer.status == 400
    async with gladly.patch(f"{TOPICS}/nobody", json={"name": "x"}) as answer:
        assert (answer.status, (await answer.json())["errors"][0]["code"]) == (404, "not_exist")
