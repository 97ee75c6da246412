"""The switches: how Gladly behaves where that is not published, in both positions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

SETTINGS = "/_sandbox/settings"
CLOSE = {"status": {"value": "CLOSED", "force": True}}
CLOSED = ["CONVERSATION/CLOSED"]
ITEM = {"content": {"type": "CUSTOMER_ACTIVITY", "activityType": "SURVEY", "title": "CSAT Score: 5"}}
Switch = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture
async def switch(gladly: aiohttp.ClientSession) -> AsyncIterator[Switch]:
    """Set switches until the test ends."""
    switched: set[str] = set()

    async def change(**switches: Any) -> None:
        switched.update(switches)
        async with gladly.patch(SETTINGS, json=switches) as answer:
            assert answer.status == 204, await answer.text()

    yield change
    await gladly.patch(SETTINGS, json=dict.fromkeys(switched))


async def ask(
    gladly: aiohttp.ClientSession, method: str, path: str, body: Any = None
) -> aiohttp.ClientResponse:
    async with gladly.request(method, path, json=body, allow_redirects=False) as answer:
        await answer.read()
    return answer


async def test_switches_are_shown_changed_and_set_back(gladly: aiohttp.ClientSession, switch: Switch) -> None:
    async def shown() -> dict[str, Any]:
        settings: dict[str, Any] = await (await ask(gladly, "GET", SETTINGS)).json()
        return settings

    before = await shown()
    assert before["takenItemStatus"] == 409
    await switch(takenItemStatus=400, errorBodies={"401": "none"})
    await switch(errorBodies={"404": "bare"})
    assert await shown() == before | {"takenItemStatus": 400, "errorBodies": {"401": "none", "404": "bare"}}
    await switch(takenItemStatus=None, errorBodies={"401": None})
    assert await shown() == before | {"errorBodies": {"404": "bare"}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"nothing": 1}, "nothing"),
        ({"takenItemStatus": 500}, "takenItemStatus"),
        ({"errorBodies": {"500": "none"}}, "errorBodies"),
        ({"topicsRequired": "yes"}, "topicsRequired"),
        ({"resendDelays": [-1]}, "resendDelays"),
    ],
)
async def test_a_switch_that_is_none_is_refused_by_name(
    gladly: aiohttp.ClientSession, body: dict[str, Any], told: str
) -> None:
    answer = await ask(gladly, "PATCH", SETTINGS, body)
    assert answer.status == 400
    assert told in str((await answer.json())["errors"][0])


@pytest.mark.parametrize("status", [409, 400])
async def test_a_taken_id(gladly: aiohttp.ClientSession, switch: Switch, write: Any, status: int) -> None:
    await switch(takenItemStatus=status)
    customer_id = (await write()).customer_id
    path = f"/api/v1/customers/{customer_id}/conversation-items"
    body = {**ITEM, "id": f"taken-{customer_id}"}
    first, second = await ask(gladly, "POST", path, body), await ask(gladly, "POST", path, body)
    assert (first.status, second.status) == (200, status)
    assert (await second.json())["errors"][0]["code"] == "taken"


@pytest.mark.parametrize(("position", "status"), [("free", 200), ("taken", 409)])
async def test_the_id_of_a_deleted_activity(
    gladly: aiohttp.ClientSession, switch: Switch, write: Any, position: str, status: int
) -> None:
    await switch(deletedItemId=position)
    customer_id = (await write()).customer_id
    path, item_id = f"/api/v1/customers/{customer_id}/conversation-items", f"deleted-{customer_id}"
    await ask(gladly, "POST", path, {**ITEM, "id": item_id})
    assert (await ask(gladly, "DELETE", f"/api/v1/conversation-items/{item_id}")).status == 204
    assert (await ask(gladly, "POST", path, {**ITEM, "id": item_id})).status == status


@pytest.mark.parametrize("has_location", [True, False])
async def test_the_way_to_a_merged_customer(
    gladly: aiohttp.ClientSession, switch: Switch, write: Any, has_location: bool
) -> None:
    await switch(movedLocation=has_location)
    source, destination = (await write()).customer_id, (await write()).customer_id
    await ask(
        gladly,
        "POST",
        "/_sandbox/merges",
        {"sourceCustomerId": source, "destinationCustomerId": destination},
    )
    moved = await ask(gladly, "GET", f"/api/v1/customer-profiles/{source}")
    assert moved.status == 301
    assert ("Location" in moved.headers) is has_location
    assert (await moved.json())["errors"][0]["meta"]["new"] == destination


async def test_an_errors_form_and_whether_a_list_says_that_it_is_whole(
    gladly: aiohttp.ClientSession, switch: Switch, write: Any
) -> None:
    path = f"/api/v1/customers/{(await write()).customer_id}/conversations"
    assert (await ask(gladly, "GET", path)).headers["Gladly-Limited-Data"] == "false"
    await switch(errorBodies={"404": "gateway"}, limitedDataWhenComplete=False)
    missing = await ask(gladly, "GET", "/api/v1/conversations/none")
    assert await missing.json() == {"message": "conversation does not exist"}
    assert "Gladly-Limited-Data" not in (await ask(gladly, "GET", path)).headers


@pytest.mark.parametrize(("says", "headers"), [(True, {"Retry-After"}), (False, set())])
async def test_the_limit_is_changed_while_it_runs_and_may_not_say_when_to_come_back(
    gladly: aiohttp.ClientSession, switch: Switch, says: bool, headers: set[str]
) -> None:
    await switch(requestsPerSecond=1, retryAfter=says)
    answers = [await ask(gladly, "GET", "/api/v1/organization") for _ in range(4)]
    await switch(requestsPerSecond=None)
    limited = [answer for answer in answers if answer.status == 429]
    assert limited, "four at once do not fit into two seconds"
    assert {"Retry-After"} & set(limited[0].headers) == headers
    assert {answer.headers["Ratelimit-Limit-Second"] for answer in answers} == {"1"}


@pytest.mark.parametrize(("position", "status"), [("refused", 400), ("taken", 204)])
async def test_topics_of_a_closed_conversation(
    gladly: aiohttp.ClientSession, switch: Switch, write: Any, position: str, status: int
) -> None:
    await switch(topicsOnClosed=position)
    path = f"/api/v1/conversations/{(await write()).conversation_id}"
    topic_id = (await (await ask(gladly, "GET", "/api/v1/topics")).json())[0]["id"]
    await ask(gladly, "PATCH", path, CLOSE)
    assert (await ask(gladly, "POST", f"{path}/topics", {"topicIds": [topic_id]})).status == status


@pytest.mark.parametrize(
    ("body", "fields"),
    [("whole", {"id", "type", "timestamp", "initiator", "content"}), ("minimal", {"type"})],
)
async def test_a_ping(switch: Switch, receiver: Any, add_webhook: Any, body: str, fields: set[str]) -> None:
    await switch(pingBody=body)
    await add_webhook(receiver.url, CLOSED)
    assert set(receiver.received[0].event) == fields


@pytest.mark.parametrize(("position", "ids"), [("same", 1), ("other", 3)])
async def test_the_id_of_an_event_that_is_sent_again(
    gladly: aiohttp.ClientSession,
    switch: Switch,
    write: Any,
    *,
    hear: Any,
    eventually: Any,
    position: str,
    ids: int,
) -> None:
    await switch(resentEventId=position, resendDelays=[0, 0])
    receiver = await hear(*CLOSED)
    receiver.statuses = [500, 500]
    await ask(gladly, "PATCH", f"/api/v1/conversations/{(await write()).conversation_id}", CLOSE)
    await eventually(lambda: len(receiver.events()) == 3)
    assert len({event["id"] for event in receiver.events()}) == ids


@pytest.mark.parametrize(("position", "heard"), [("dropped", 1), ("kept", 2)])
async def test_what_happens_while_a_webhook_is_disabled(
    gladly: aiohttp.ClientSession,
    switch: Switch,
    write: Any,
    *,
    receiver: Any,
    add_webhook: Any,
    eventually: Any,
    position: str,
    heard: int,
) -> None:
    await switch(eventsWhileDisabled=position)
    webhook = f"/api/v1/webhooks/{await add_webhook(receiver.url, CLOSED, enabled=False)}"
    for enabled in (False, True):
        await ask(gladly, "PATCH", webhook, {"enabled": enabled})
        await ask(gladly, "PATCH", f"/api/v1/conversations/{(await write()).conversation_id}", CLOSE)
    await eventually(lambda: len(receiver.events()) == heard)
    assert receiver.received[0].event["type"] == "PING", "nothing came before it was enabled"


@pytest.mark.parametrize("kind", ["API", "APPLICATION"])
async def test_the_initiator_of_what_the_api_does(
    gladly: aiohttp.ClientSession, switch: Switch, write: Any, *, hear: Any, eventually: Any, kind: str
) -> None:
    await switch(apiInitiator=kind)
    receiver = await hear(*CLOSED)
    path = f"/api/v1/conversations/{(await write()).conversation_id}"
    await ask(gladly, "PATCH", path, CLOSE)
    await eventually(receiver.events)
    assert receiver.events()[0]["initiator"]["type"] == kind
    items = await (await ask(gladly, "GET", f"{path}/items")).json()
    assert items[-1]["initiator"]["type"] == "API"
