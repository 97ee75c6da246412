"""The database goes away while events arrive: what was acknowledged is there, once; the rest is told to come again."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from afterword.accounts.secrets import SecretBox
from afterword.events import recording
from afterword.store import tables
from afterword.workflows.starting.endpoints import add_endpoint


@pytest.fixture(autouse=True)
def give_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "RECONNECT_FOR_SECONDS", 0.3)
    monkeypatch.setattr(recording, "RECONNECT_EVERY_SECONDS", 0.01)


async def test_both_doors_ask_to_come_again_and_take_it_then(start_afterword: Any, line: Any) -> None:
    """Whether the door knew its credentials already, or has to ask the database for them."""
    afterword = await start_afterword(url_of_database=line.url)
    assert (await afterword.post_event({"n": 0})).status == 200
    line.cut()
    for post in (afterword.post_webhook, afterword.post_event):
        answer = await post(afterword.closing())
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert '"503 - Temporary Internal Server Error"' in await answer.text()
    await line.mend()
    for post in (afterword.post_webhook, afterword.post_event):
        assert (await post(afterword.closing())).status == 200
    assert [status for _, status in await afterword.told()] == ["received"] * 3


async def test_a_hiccup_is_waited_out_without_anybody_being_told(
    start_afterword: Any, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "RECONNECT_FOR_SECONDS", 20)
    afterword = await start_afterword(url_of_database=line.url)
    assert (await afterword.post_event({"n": 0})).status == 200
    line.cut()
    sending = asyncio.create_task(afterword.post_event({"n": 1}))
    await line.mend()
    assert (await sending).status == 200
    assert [status for _, status in await afterword.told()] == ["received", "received"]


async def test_under_load_each_event_is_there_once_when_its_sender_was_told_so(
    start_afterword: Any, line: Any, eventually: Any
) -> None:
    afterword = await start_afterword(url_of_database=line.url)
    refused = 0

    async def deliver(number: int) -> None:
        """Send until it is acknowledged, as vendors do."""
        nonlocal refused
        while True:
            if number % 2:
                answer = await afterword.post_webhook(afterword.closing(f"e{number}"))
            else:
                answer = await afterword.post_event(
                    {"n": number}, headers={"Idempotency-Key": f"run {number}"}
                )
            if answer.status == 200:
                return
            assert answer.status == 503
            refused += 1

    for start in range(0, 120, 40):
        senders = asyncio.gather(*(deliver(number) for number in range(start, start + 40)))
        await asyncio.sleep(0)
        line.cut()
        known = refused
        await eventually(lambda known=known: refused > known)
        await line.mend()
        await senders
    received = [event for event in await afterword.events() if event["status"] == "received"]
    assert len({(event["origin"], event["deduplication_key"]) for event in received}) == 120
    assert len(received) == 120


async def test_an_event_that_was_committed_unheard_is_not_there_twice(
    start_afterword: Any, line: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the same body is never a redelivery: the answer to the commit is lost, so it is repeated."""
    monkeypatch.setattr(recording, "RECONNECT_FOR_SECONDS", 20)
    afterword = await start_afterword(url_of_database=line.url)
    async with afterword.database.transaction() as connection:
        owner = await connection.scalar(select(tables.person.c.id).where(tables.person.c.role == "owner"))
        await add_endpoint(
            connection,
            SecretBox(["one key of the tests that is long enough"]),
            endpoint_id="OC_off",
            person_id=str(owner),
            url_token="off",
            repeat_window=0,
        )
    path = "/inbound-event/v1/events/json/triggers?urlTokenId=off"
    assert (await afterword.post_event({"n": 0}, path=path)).status == 200
    line.lose_answer_to(b"unheard")
    sending = asyncio.create_task(afterword.post_event({"n": "unheard"}, path=path))
    await eventually(lambda: has_events(afterword, 2))
    line.cut()
    await line.mend()
    assert (await sending).status == 200
    received = [event["body"] for event in await afterword.events() if event["status"] == "received"]
    assert received == ['{"n":0}', '{"n":"unheard"}']


async def has_events(afterword: Any, number: int) -> bool:
    return len(await afterword.events()) >= number
