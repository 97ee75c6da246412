"""Killed with SIGKILL at any moment: nothing that was acknowledged is lost, nothing is done twice."""

import asyncio
import random
import re
from typing import Any

import pytest

CUSTOMERS = 24
JSON_EVENTS = 16
KILLS = ("web", "worker", "database", "worker", "web", "database")
LINK = re.compile(r"http://\S+/jfe/form/\S+?score=5")

pytestmark = [pytest.mark.loop, pytest.mark.timeout(240)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_killed_every_acknowledged_event_has_exactly_one_outcome(
    demo: Any, eventually: Any, seed: int
) -> None:
    chance = random.Random(seed)
    customers = await asyncio.gather(*(write_in(demo, f"{number}@one.example") for number in range(CUSTOMERS)))
    assassin = asyncio.create_task(kill_again_and_again(demo, chance, eventually))

    await asyncio.gather(
        *(at_some_moment(chance, demo.close_conversation(conversation)) for _, _, conversation in customers),
        *(at_some_moment(chance, send_json_event(demo, number)) for number in range(JSON_EVENTS)),
    )
    addresses = {address for address, _, _ in customers} | {f"{n}@direct.example" for n in range(JSON_EVENTS)}

    async def everybody_was_asked() -> bool:
        return {recipient for mail in await demo.mails() for recipient in mail["to"]} == addresses

    await eventually(everybody_was_asked, within=90)
    mails = await demo.mails()
    await asyncio.gather(*(answer(demo, mail) for mail in mails))
    await assassin

    async def everything_is_at_its_end() -> bool:
        (row,) = await demo.fetch(
            "SELECT (SELECT count(*) FROM event WHERE status = 'received') AS inbox, "
            "(SELECT count(*) FROM run WHERE status IN ('running', 'waiting')) AS open, "
            "(SELECT count(*) FROM run WHERE event_id IN "
            "(SELECT id FROM event WHERE type = 'Survey Response')) AS told"
        )
        return bool(row["inbox"] == 0 and row["open"] == 0 and row["told"] == len(addresses))

    await eventually(everything_is_at_its_end, within=90)
    await assert_one_of_each(demo, len(customers), len(addresses))
    assert {count for count in await cards(demo, customers)} == {1}


async def write_in(demo: Any, address: str) -> tuple[str, str, str]:
    customer, conversation = await demo.write_in("Kim Customer", address)
    return address, customer, conversation


async def at_some_moment(chance: random.Random, work: Any) -> None:
    await asyncio.sleep(chance.uniform(0, 4))
    await work


async def send_json_event(demo: Any, number: int) -> None:
    """A sender that does not give up; the same event each time."""
    access = demo.described.qualtrics
    fields = {"customerFirstName": "Dee", "customerEmailAddress": f"{number}@direct.example"}
    names = ("customerId", "conversationId", "customerLastNames", "agentId", "inboxId")
    answer = await demo.until_acknowledged(
        "POST",
        access.json_event_url,
        json=fields | dict.fromkeys(names, ""),
        headers={"X-API-TOKEN": access.api_token, "Idempotency-Key": f"direct-{number}"},
    )
    assert answer.status == 200


async def answer(demo: Any, mail: dict[str, Any]) -> None:
    link = LINK.findall(mail["text"])[0]
    told = await demo.until_acknowledged("POST", link, data={"QID1": "5", "QID2": "fine"})
    assert told.status < 400


async def kill_again_and_again(demo: Any, chance: random.Random, eventually: Any) -> None:
    """SIGKILL each part at a random moment, each time when all are up again."""
    for role in KILLS:
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        gone = demo.kill(role)

        def is_up_again(role: str = role, gone: int = gone) -> bool:
            pids = getattr(demo.described.processes, role)
            return bool(pids) and gone not in pids

        await eventually(is_up_again, within=60)


async def assert_one_of_each(demo: Any, closings: int, surveys: int) -> None:
    runs = await demo.fetch(
        "SELECT event.type, event.status, count(DISTINCT event.id) AS events, count(run.id) AS runs, "
        "count(*) FILTER (WHERE run.status = 'succeeded') AS succeeded "
        "FROM event LEFT JOIN run ON run.event_id = event.id "
        "WHERE event.status = 'matched' GROUP BY 1, 2"
    )
    told = {row["type"]: (row["events"], row["runs"]) for row in runs}
    assert told == {
        "CONVERSATION/CLOSED": (closings, closings),
        "JSON Event": (surveys, surveys),
        "Survey Response": (surveys, surveys),
    }
    (invitations,) = await demo.fetch("SELECT count(*), count(DISTINCT email) AS people FROM invitation")
    assert tuple(invitations) == (surveys, surveys)
    message_ids = {mail["headers"]["Message-ID"][0] for mail in await demo.mails()}
    assert len(message_ids) == surveys
    (responses,) = await demo.fetch("SELECT count(*) FROM response")
    assert responses[0] == surveys


async def cards(demo: Any, customers: list[tuple[str, str, str]]) -> list[int]:
    """How many cards with the score each customer has."""
    timelines = await asyncio.gather(*(demo.timeline(customer) for _, customer, _ in customers))
    return [
        sum(item["content"].get("title") == "CSAT Score: 5" for item in timeline) for timeline in timelines
    ]
