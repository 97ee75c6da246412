"""Faults on demand: what happens to a call or a delivery, whether the work was done, and how it is counted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from afterword_sandbox.errors import GladlyError
from afterword_sandbox.faults.control import read_fault
from afterword_sandbox.faults.rules import Answer, Faults, Standing

FAULTS = "/_sandbox/faults"
CLOSE = {"status": {"value": "CLOSED", "force": True}}
ITEM = {"content": {"type": "CUSTOMER_ACTIVITY", "activityType": "SURVEY", "title": "CSAT Score: 5"}}
NO_ANSWER = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientOSError)


class Setting:
    """Sets faults and looks at them."""

    def __init__(self, gladly: aiohttp.ClientSession) -> None:
        self._gladly = gladly

    async def __call__(self, effect: str, **details: Any) -> str:
        async with self._gladly.post(FAULTS, json={"effect": effect, **details}) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])

    async def counts(self, fault_id: str) -> tuple[int, int]:
        async with self._gladly.get(f"{FAULTS}/{fault_id}") as answer:
            fault = await answer.json()
        return fault["matched"], fault["struck"]


@pytest_asyncio.fixture
async def fault(gladly: aiohttp.ClientSession) -> AsyncIterator[Setting]:
    yield Setting(gladly)
    await gladly.delete(FAULTS)


async def card(gladly: aiohttp.ClientSession, customer_id: str, **more: Any) -> aiohttp.ClientResponse:
    path = f"/api/v1/customers/{customer_id}/conversation-items"
    async with gladly.post(path, json={**ITEM, **more}) as answer:
        await answer.read()
    return answer


async def delete(gladly: aiohttp.ClientSession, path: str) -> None:
    async with gladly.delete(path) as answer:
        await answer.read()


async def cards(gladly: aiohttp.ClientSession, customer_id: str) -> int:
    async with gladly.get(f"/_sandbox/customers/{customer_id}/timeline") as answer:
        items = await answer.json()
    return sum(item["content"]["type"] == "CUSTOMER_ACTIVITY" for item in items)


def items_of(customer_id: str) -> dict[str, str]:
    return {"method": "POST", "path": f"/api/v1/customers/{customer_id}/*"}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_status_is_answered_before_or_after_the_work(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, status: int, when: str
) -> None:
    customer_id = (await write()).customer_id
    where = items_of(customer_id)
    set_ = await fault("answer", status=status, when=when, retryAfter=7, times=1, **where)
    refused, well = await card(gladly, customer_id), await card(gladly, customer_id)
    assert (refused.status, refused.headers["Retry-After"]) == (status, "7")
    assert "Ratelimit-Limit-Second" in refused.headers
    assert len((await refused.json())["errors"]) == 1
    assert well.status == 200
    assert await cards(gladly, customer_id) == (2 if when == "after" else 1)
    assert await fault.counts(set_) == (1, 1)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("envelope", '{"errors":[{"code":"temporary_failure","detail":"a fault was asked for"}]}'),
        ("object", '{"errors":{"code":"temporary_failure","detail":"a fault was asked for"}}'),
        ("bare", '[{"code":"temporary_failure","detail":"a fault was asked for"}]'),
        ("gateway", '{"message":"a fault was asked for"}'),
        ("html", "<html><body><h1>429 a fault was asked for</h1></body></html>"),
        ("none", ""),
    ],
)
async def test_an_error_comes_in_the_form_that_was_asked_for(
    gladly: aiohttp.ClientSession, fault: Setting, form: str, text: str
) -> None:
    await fault("answer", status=429, body=form, path="/api/v1/topics")
    async with gladly.get("/api/v1/topics") as answer:
        assert (answer.status, await answer.text()) == (429, text)
        assert "Retry-After" not in answer.headers


async def test_a_stream_is_broken_off_and_cut_in_half_too(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any
) -> None:
    await write()
    start = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    asked = {"startAt": start, "entities": "CONVERSATION"}
    await fault("garble", path="/api/v1/events", form="truncated", times=1)
    async with gladly.get("/api/v1/events", params=asked) as answer:
        half = await answer.read()
    async with gladly.get("/api/v1/events", params=asked) as answer:
        whole = await answer.read()
    assert 0 < len(half) < len(whole)
    assert whole.startswith(half)
    await fault("drop", path="/api/v1/events", when="midway", times=1)
    with pytest.raises(NO_ANSWER):
        async with gladly.get("/api/v1/events", params=asked) as answer:
            await answer.read()


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1), ("midway", 1)])
async def test_a_connection_is_dropped_with_the_work_done_or_not(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, when: str, done: int
) -> None:
    customer_id = (await write()).customer_id
    await fault("drop", when=when, times=1, **items_of(customer_id))
    with pytest.raises(NO_ANSWER):
        await card(gladly, customer_id)
    assert await cards(gladly, customer_id) == done


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
async def test_who_gives_up_on_a_call_that_hangs_has_it_done_or_not(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, *, eventually: Any, when: str, done: int
) -> None:
    customer_id = (await write()).customer_id
    set_ = await fault("hang", when=when, seconds=0.2, times=1, **items_of(customer_id))
    hanging = asyncio.create_task(card(gladly, customer_id))

    async def struck() -> bool:
        return await fault.counts(set_) == (1, 1) and await cards(gladly, customer_id) == done

    await eventually(struck)
    hanging.cancel()
    assert (await card(gladly, customer_id)).status == 200, "the next is answered"
    slow = await fault("hang", seconds=0.4, times=1, **items_of(customer_id))
    assert (await card(gladly, customer_id)).status == 200, (
        "who waits is answered, when the first hang is over"
    )
    assert await fault.counts(slow) == (1, 1)
    assert await cards(gladly, customer_id) == done + 2


async def test_who_gives_up_on_a_deletion_that_hangs_has_nothing_deleted(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, eventually: Any
) -> None:
    customer_id = (await write()).customer_id
    await card(gladly, customer_id, id=f"kept-{customer_id}")
    place = f"/api/v1/conversation-items/kept-{customer_id}"
    first = await fault("hang", seconds=0.2, times=1, method="DELETE", path=place)
    hanging = asyncio.create_task(delete(gladly, place))

    async def struck() -> bool:
        return await fault.counts(first) == (1, 1)

    await eventually(struck)
    hanging.cancel()
    await fault("hang", seconds=0.4, times=1, method="GET", path=place)
    async with gladly.get(place) as answer:
        assert answer.status == 200, "it is there, when the hang is over"


@pytest.mark.parametrize(
    ("form", "content"),
    [("html", b"<!doctype html>"), ("bytes", b"\x80\x81"), ("truncated", b'{"id":'), ("empty", b"")],
)
async def test_an_answer_is_garbled_with_its_status_left(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, form: str, content: bytes
) -> None:
    customer_id = (await write()).customer_id
    await fault("garble", form=form, times=1, **items_of(customer_id))
    path = f"/api/v1/customers/{customer_id}/conversation-items"
    async with gladly.post(path, json=ITEM) as garbled:
        body = await garbled.read()
    assert garbled.status == 200
    assert body.startswith(content)
    assert not body.endswith(b"}")
    assert await cards(gladly, customer_id) == 1


async def test_half_of_a_stream_is_given_when_it_is_truncated(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any
) -> None:
    await write()
    path = "/api/v1/events"
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+", "%2B")
    query = f"?startAt={since}&entities=CONVERSATION&entities=CONTACT"
    sizes = []
    for when in (None, {"effect": "garble", "form": "truncated"}, {"effect": "drop", "when": "midway"}):
        if when:
            await fault(**when, path=path, times=1)
        async with gladly.get(URL(path + query, encoded=True)) as answer:
            assert answer.status == 200
            if when and when["effect"] == "drop":
                with pytest.raises(NO_ANSWER):
                    await answer.read()
            else:
                sizes.append(len(await answer.read()))
    whole, half = sizes
    assert 0 < half < whole


async def test_a_fault_by_chance_strikes_the_same_calls_with_the_same_seed(
    gladly: aiohttp.ClientSession, fault: Setting
) -> None:
    async def statuses() -> list[int]:
        set_ = await fault("answer", status=503, probability=0.4, seed=7, path="/api/v1/inboxes")
        seen = []
        for _ in range(20):
            async with gladly.get("/api/v1/inboxes") as answer:
                seen.append(answer.status)
        assert await fault.counts(set_) == (20, seen.count(503))
        await gladly.delete(f"{FAULTS}/{set_}")
        return seen

    first = await statuses()
    assert set(first) == {200, 503}
    assert await statuses() == first


async def test_a_fault_stands_until_it_is_cleared_and_names_what_it_means(
    gladly: aiohttp.ClientSession, fault: Setting
) -> None:
    await fault("answer", method="GET", path="/api/v1/agents/*")
    for path, status in (("/api/v1/agents", 200), ("/api/v1/agents/x", 500), ("/api/v1/agents/x/y", 404)):
        async with gladly.get(path) as answer:
            assert answer.status == status
    async with gladly.get(FAULTS) as answer:
        (listed,) = await answer.json()
    assert (listed["effect"], listed["path"], listed["struck"]) == ("answer", "/api/v1/agents/*", 1)
    async with gladly.delete(FAULTS) as answer:
        assert answer.status == 204
    async with gladly.get("/api/v1/agents/x") as answer:
        assert answer.status == 404
    async with gladly.delete(f"{FAULTS}/{listed['id']}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "effect"),
        ({"effect": "explode"}, "explode"),
        ({"effect": "answer", "status": 200}, "$.status"),
        ({"effect": "answer", "probability": 0}, "$.probability"),
        ({"effect": "answer", "path": "/_sandbox/faults"}, "$.path"),
        ({"effect": "answer", "eventType": "PING"}, "eventType"),
        ({"effect": "hang", "seconds": -1}, "$.seconds"),
        ({"effect": "garble", "form": "truncated", "when": "before"}, "truncated"),
    ],
)
async def test_what_is_no_fault_is_refused_by_field(
    gladly: aiohttp.ClientSession, body: dict[str, Any], told: str
) -> None:
    async with gladly.post(FAULTS, json=body) as answer:
        assert answer.status == 400
        (error,) = (await answer.json())["errors"]
    assert told in error["detail"]


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.none())
NAMES = ["effect", "times", "probability", "method", "path", "status", "when", "form", "seconds", "eventType"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(["answer", "late", "before", "html"])))
def test_whatever_is_said_of_a_fault_it_is_read_or_refused(said: dict[str, Any]) -> None:
    try:
        standing = Standing(read_fault(said))
    except GladlyError as error:
        status = error.status
    else:
        assert standing.wire()["effect"] == said["effect"]
        return
    assert status == 400


@given(st.integers(1, 5), st.lists(st.sampled_from(["/api/v1/a", "/api/v1/b"]), max_size=12))
def test_a_fault_strikes_the_next_n_and_no_more(times: int, paths: list[str]) -> None:
    faults = Faults()
    standing = faults.add(Answer(path="/api/v1/a", times=times))
    struck = [faults.of_call("GET", path) is not None for path in paths]
    meant = [path == "/api/v1/a" for path in paths]
    assert struck == [is_meant and sum(meant[:index]) < times for index, is_meant in enumerate(meant)]
    assert standing.struck == min(times, sum(meant))


async def closed(gladly: aiohttp.ClientSession, write: Any) -> str:
    opened = await write()
    async with gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=CLOSE) as answer:
        assert answer.status == 204
    return str(opened.conversation_id)


def order(receiver: Any) -> list[str]:
    return [event["content"]["conversationId"] for event in receiver.events()]


@pytest.mark.parametrize(("other_id", "ids"), [(False, 1), (True, 2)])
async def test_an_event_is_delivered_twice(
    gladly: aiohttp.ClientSession,
    fault: Setting,
    write: Any,
    *,
    hear: Any,
    eventually: Any,
    other_id: bool,
    ids: int,
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    set_ = await fault("duplicate", eventType="CONVERSATION/*", otherId=other_id, times=1)
    first, second = await closed(gladly, write), await closed(gladly, write)
    await eventually(lambda: len(receiver.events()) == 3)
    assert order(receiver).count(first) == 2
    assert len({event["id"] for event in receiver.events(None, first)}) == ids
    assert len({event["timestamp"] for event in receiver.events(None, first)}) == 1
    assert order(receiver).count(second) == 1
    assert await fault.counts(set_) == (1, 1)


async def test_an_event_comes_late(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    await fault("late", seconds=0.4, times=1)
    first = await closed(gladly, write)
    second = await closed(gladly, write)
    await eventually(lambda: len(receiver.events()) == 2)
    assert order(receiver) == [second, first]


async def test_an_event_comes_after_the_next(
    gladly: aiohttp.ClientSession, fault: Setting, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    await fault("out-of-order", seconds=60, times=1)
    first = await closed(gladly, write)
    second = await closed(gladly, write)
    await eventually(lambda: len(receiver.events()) == 2)
    assert order(receiver) == [second, first]
    assert len({event["id"] for event in receiver.events()}) == 2


async def test_an_event_is_lost(
    gladly: aiohttp.ClientSession,
    fault: Setting,
    write: Any,
    *,
    receiver: Any,
    add_webhook: Any,
    eventually: Any,
) -> None:
    webhook_id = await add_webhook(receiver.url, ["CONVERSATION/CLOSED"])
    set_ = await fault("lose", webhookId=webhook_id, times=1)
    await closed(gladly, write)

    async def struck() -> bool:
        return await fault.counts(set_) == (1, 1)

    await eventually(struck)
    second = await closed(gladly, write)
    await eventually(receiver.events)
    assert order(receiver) == [second]


@pytest.mark.parametrize(("when", "heard"), [("before", 0), ("after", 3)])
async def test_a_webhook_whose_deliveries_fail_is_deactivated_though_the_receiver_is_well(
    gladly: aiohttp.ClientSession,
    fault: Setting,
    write: Any,
    *,
    receiver: Any,
    add_webhook: Any,
    eventually: Any,
    when: str,
    heard: int,
) -> None:
    webhook_id = await add_webhook(receiver.url, ["CONVERSATION/CLOSED"])
    await fault("fail", when=when, webhookId=webhook_id)
    await closed(gladly, write)

    async def deactivated() -> bool:
        async with gladly.get(f"/api/v1/webhooks/{webhook_id}") as answer:
            return "disabledAtDueToRetryLimit" in await answer.json()

    await eventually(deactivated)
    assert len(receiver.events()) == heard
    assert len({event["id"] for event in receiver.events()}) <= 1
