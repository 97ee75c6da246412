"""What Gladly lists is remembered, and looked up again when something unknown turns up."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from afterword.gladly.client import GladlyClient
from afterword.gladly.finding import FRESH_SECONDS, MISSING_SECONDS, REMEMBER_SECONDS, GladlyNames
from afterword.outcomes import Permanent, Retry

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

MAYA = {"id": "a1", "name": "Maya Okafor", "emailAddress": "maya@acme.example"}
TOM = {"id": "a2", "name": "Tom Ford"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def names(clock: Clock) -> GladlyNames:
    return GladlyNames(monotonic=clock)


@pytest.fixture
async def gladly(stand_in: "StandIn", open_budget: "OpenBudget") -> AsyncIterator[GladlyClient]:
    client = GladlyClient(stand_in.url, "u", "t", budget=open_budget, budget_name="org")
    yield client
    await client.close()


def lists(stand_in: "StandIn", *listings: list[dict[str, str]]) -> None:
    for listing in listings:
        stand_in.answer(200, json.dumps(listing))


async def test_a_list_is_asked_for_once_and_again_when_it_is_old(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn", clock: Clock
) -> None:
    lists(stand_in, [MAYA], [MAYA | {"name": "Maya Smith"}])
    for wanted in ("a1", " maya okafor ", "MAYA@acme.example"):
        assert (await names.agent("GA_1", gladly, wanted)).id == "a1"
    assert len(stand_in.requests) == 1
    clock.now += REMEMBER_SECONDS + 1
    agent = await names.agent_of_id("GA_1", gladly, "a1")
    assert agent is not None
    assert agent.name == "Maya Smith"


async def test_accounts_do_not_know_each_others_lists(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    lists(stand_in, [MAYA], [TOM])
    assert await names.agent_of_id("GA_1", gladly, "a1") is not None
    assert await names.agent_of_id("GA_2", gladly, "a1") is None


async def test_those_who_come_together_share_one_call(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    lists(stand_in, [MAYA, TOM])
    found = await asyncio.gather(*(names.agent_of_id("GA_1", gladly, "a1") for _ in range(20)))
    assert {agent and agent.name for agent in found} == {"Maya Okafor"}
    assert len(stand_in.requests) == 1


async def test_an_unknown_id_is_looked_up_again_but_not_again_and_again(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn", clock: Clock
) -> None:
    lists(stand_in, [MAYA], [MAYA], [MAYA, TOM])
    await names.agent_of_id("GA_1", gladly, "a1")
    clock.now += FRESH_SECONDS + 1
    for _ in range(5):
        assert await names.agent_of_id("GA_1", gladly, "a2") is None
        clock.now += MISSING_SECONDS / 10
    assert len(stand_in.requests) == 2
    clock.now += MISSING_SECONDS
    assert await names.agent_of_id("GA_1", gladly, "a2") is not None


async def test_many_unknown_ids_at_once_are_one_call(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn", clock: Clock
) -> None:
    lists(stand_in, [MAYA])
    await names.agent_of_id("GA_1", gladly, "i0")
    clock.now += FRESH_SECONDS + 1
    await asyncio.gather(*(names.agent_of_id("GA_1", gladly, f"i{number}") for number in range(1, 50)))
    assert len(stand_in.requests) == 2


async def test_a_name_that_somebody_wrote_is_looked_for_whenever_it_is_tried(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn", clock: Clock
) -> None:
    """So that who makes the topic in Gladly and replays the run is not told the same again."""
    lists(stand_in, [], [{"id": "t1", "name": "Refund"}])
    with pytest.raises(Permanent, match="gladly-name-unknown"):
        await names.topics("GA_1", gladly, ["refund"])
    clock.now += FRESH_SECONDS + 1
    assert [topic.id for topic in await names.topics("GA_1", gladly, ["refund", "t1", "REFUND"])] == ["t1"]


async def test_a_list_that_could_not_be_read_is_not_remembered(
    names: GladlyNames, gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(500, "")
    lists(stand_in, [{"id": "i1", "name": "Orders"}])
    with pytest.raises(Retry):
        await names.inbox("GA_1", gladly, "Orders")
    assert (await names.inbox("GA_1", gladly, "Orders")).id == "i1"
