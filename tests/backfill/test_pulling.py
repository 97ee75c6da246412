"""Gladly's list of events, read in place of a webhook."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.backfill.conftest import Scene
from tests.conftest import Eventually, StandIn
from tests.fixtures.sandbox import Sandbox

from afterword.backfill.pulling import PullKeeper
from afterword.events.gaps import list_gaps
from afterword.gladly.models import ConversationChanges, ConversationStatus
from afterword.store.database import Database

HOUR = timedelta(hours=1)


@pytest.fixture
async def pulled(scene: Scene) -> Scene:
    """The account is read in place of a webhook."""
    await scene.workflow()
    await scene.database.pool.execute("UPDATE connected_account SET delivery = 'pull'")
    await scene.database.pool.execute("INSERT INTO gladly_reading (account_id) VALUES ($1)", scene.account_id)
    return scene


def keeper(scene: Scene, every: float = 0.0) -> PullKeeper:
    return PullKeeper(scene.database, scene.accounts.gladly, every_seconds=every)


async def close(scene: Scene, sandbox: Sandbox, email: str) -> str:
    _, conversation = sandbox.new_customer("Ada", email)
    gladly = await scene.accounts.gladly(scene.account_id)
    await gladly.update_conversation(
        conversation, ConversationChanges(status=ConversationStatus("CLOSED", force=True))
    )
    return conversation


async def due_again(scene: Scene) -> None:
    await scene.database.pool.execute("UPDATE gladly_reading SET pull_due_at = now()")


async def test_a_closing_is_read_and_asked_about_once_however_often_the_list_is_read(
    pulled: Scene, sandbox: Sandbox
) -> None:
    conversation = await close(pulled, sandbox, "one@pull.example")
    for _ in range(5):
        assert await keeper(pulled).tick() == 1
    assert (await pulled.asked_about()).count(conversation) == 1
    events = await pulled.database.pool.fetch(
        "SELECT status, found_in, backfill_id FROM event WHERE conversation_id = $1", conversation
    )
    assert [tuple(row) for row in events] == [("matched", "events", None)]  # and no redelivery beside it


async def test_workers_that_read_at_once_read_each_account_once(pulled: Scene, sandbox: Sandbox) -> None:
    read = await asyncio.gather(*(keeper(pulled, every=60).tick() for _ in range(4)))
    assert sum(read) == 1
    assert await keeper(pulled, every=60).tick() == 0


async def test_it_goes_on_from_where_it_was(pulled: Scene, sandbox: Sandbox) -> None:
    await keeper(pulled).tick()
    await pulled.database.pool.execute("UPDATE gladly_reading SET pulled_until = now() - interval '2 hours'")
    conversation = await close(pulled, sandbox, "two@pull.example")
    await keeper(pulled).tick()
    assert conversation in await pulled.asked_about()


async def test_a_pause_of_more_than_a_day_becomes_a_gap(pulled: Scene) -> None:
    await pulled.database.pool.execute(
        "UPDATE gladly_reading SET pulled_at = now() - interval '30 hours', pulled_until = now() - interval '31 hours'"
    )
    await keeper(pulled).tick()
    async with pulled.database.pool.acquire() as connection:
        (gap,) = await list_gaps(connection)
    assert (gap.origin, gap.reason_code, gap.state) == (pulled.origin, "pull-paused", "open")
    begin, end = datetime.now(UTC) - 30 * HOUR, datetime.now(UTC) - 24 * HOUR
    assert abs(gap.since - begin) < timedelta(minutes=3)
    assert abs(gap.until - end) < timedelta(minutes=6)


async def test_a_weekend_without_events_is_no_gap(pulled: Scene) -> None:
    await pulled.database.pool.execute(
        "UPDATE gladly_reading SET pulled_at = now(), pulled_until = now() - interval '60 hours'"
    )
    await keeper(pulled).tick()
    async with pulled.database.pool.acquire() as connection:
        assert await list_gaps(connection) == []


EVENTS = {"method": "GET", "path": "/api/v1/events", "times": 1}


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "answer", "status": 500},
        {"effect": "answer", "status": 429, "retryAfter": 0.5},
        {"effect": "answer", "status": 403},
        {"effect": "drop", "when": "before"},
        {"effect": "drop", "when": "midway"},
        {"effect": "garble", "form": "truncated"},
    ],
    ids=lambda fault: " ".join(str(value) for value in fault.values()),
)
async def test_whatever_goes_wrong_nothing_is_lost_and_nothing_comes_twice(
    pulled: Scene, sandbox: Sandbox, fault: dict[str, Any], eventually: Eventually
) -> None:
    await keeper(pulled).tick()
    made = [await close(pulled, sandbox, f"{n}.{id(fault)}@pull.example") for n in range(3)]
    details = {name: value for name, value in fault.items() if name != "effect"}
    with sandbox.fault(fault["effect"], **details, **EVENTS) as struck:
        assert await keeper(pulled).tick() == 1
        assert struck()
    await pulled.database.pool.execute("DELETE FROM account_availability")  # as if somebody had mended it

    async def asked_about() -> list[str]:
        await due_again(pulled)
        await keeper(pulled).tick()
        return [one for one in await pulled.asked_about() if one in made]

    assert sorted(await eventually(asked_about)) == sorted(made)


async def test_each_failure_in_a_row_makes_the_pause_longer(pulled: Scene, sandbox: Sandbox) -> None:
    pauses = []
    with sandbox.fault("answer", status=500, method="GET", path="/api/v1/events"):
        for _ in range(4):
            await due_again(pulled)
            await keeper(pulled, every=15).tick()
            row = await pulled.database.pool.fetchrow(
                "SELECT pull_due_at - now() AS pause FROM gladly_reading"
            )
            assert row is not None
            pauses.append(round(row["pause"].total_seconds()))
    assert pauses == [30, 60, 120, 240]
    await due_again(pulled)
    await keeper(pulled, every=15).tick()
    assert await pulled.database.pool.fetchval("SELECT pull_failures FROM gladly_reading") == 0


async def test_an_event_that_cannot_be_read_keeps_no_other_back(
    pulled: Scene, stand_in: StandIn, database: Database
) -> None:
    def line(conversation: str, more: bytes = b"") -> bytes:
        at = datetime.now(UTC).isoformat().encode()
        return (
            b'{"id": "%s", "type": "CONVERSATION/CLOSED", "timestamp": "%s"%s, "content": {"customerId": "cust", '
            b'"conversationId": "%s"}}\n' % (conversation.encode(), at, more, conversation.encode())
        )

    lines = [
        line("conv1"),
        b"<html>\n",
        b'{"type": "CONVERSATION/CLOSED"}\n',
        line("conv2", b', "x": "\xff\xfe"'),
        line("conv\\u0000three"),
        line("conv4"),
    ]
    stand_in.answer(200, b"".join(lines), Content_Type="application/x-jsonlines")
    await database.pool.execute("UPDATE connected_account SET base_url = $1", stand_in.url)
    await keeper(pulled).tick()
    assert await pulled.asked_about() == ["conv1", "conv4"]
    assert await database.pool.fetchval("SELECT pull_failures FROM gladly_reading") == 0
