"""Killed with SIGKILL at any moment: nothing that was acknowledged is lost, nothing is done twice."""

import asyncio
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

CUSTOMERS = 24
JSON_EVENTS = 16
ROUNDS = (("web", "worker", "database", "worker", "web"), ("database", "web", "worker", "database"))
"""Nine deaths in all: ten within a minute would end the demo."""

LINK = re.compile(r"http://\S+/jfe/form/\S+?score=5")

pytestmark = [pytest.mark.loop, pytest.mark.timeout(240)]


@pytest.mark.parametrize("seed", range(len(ROUNDS)))
async def test_whatever_is_killed_every_acknowledged_event_has_exactly_one_outcome(
    demo: Any, eventually: Any, seed: int
) -> None:
    chance = random.Random(seed)
    domain = f"round{seed}.example"
    customers = await asyncio.gather(*(write_in(demo, f"{number}@{domain}") for number in range(CUSTOMERS)))
    assassin = asyncio.create_task(kill_one_after_the_other(demo, ROUNDS[seed], chance, eventually))

    await asyncio.gather(
        *(at_some_moment(chance, demo.close_conversation(conversation)) for _, _, conversation in customers),
        *(
            at_some_moment(chance, send_json_event(demo, f"direct{number}@{domain}"))
            for number in range(JSON_EVENTS)
        ),
    )
    addresses = {address for address, _, _ in customers} | {f"direct{n}@{domain}" for n in range(JSON_EVENTS)}

    async def everybody_was_asked() -> bool:
        return {mail["to"][0] for mail in await mails_of(demo, domain)} == addresses

    await eventually(everybody_was_asked, within=90)
    await asyncio.gather(*(answer(demo, mail) for mail in await mails_of(demo, domain)))
    await assassin

    async def everything_is_at_its_end() -> bool:
        (row,) = await demo.fetch(
            "SELECT (SELECT count(*) FROM event WHERE status = 'received') AS inbox, "
            "(SELECT count(*) FROM run WHERE status IN ('running', 'waiting')) AS open, "
            "(SELECT count(*) FROM run JOIN event ON event.id = run.event_id JOIN response "
            "ON event.body LIKE '%' || response.id || '%' JOIN invitation ON invitation.id = response.invitation_id "
            "WHERE event.type = 'Survey Response' AND invitation.email LIKE $1) AS told",
            f"%@{domain}",
        )
        return bool(row["inbox"] == 0 and row["open"] == 0 and row["told"] == len(addresses))

    await eventually(everything_is_at_its_end, within=90)
    await assert_one_of_each(demo, customers, addresses)
    assert set(await cards(demo, customers)) == {1}


async def write_in(demo: Any, address: str) -> tuple[str, str, str]:
    customer, conversation = await demo.write_in("Kim Customer", address)
    return address, customer, conversation


async def at_some_moment(chance: random.Random, work: Any) -> None:
    await asyncio.sleep(chance.uniform(0, 4))
    await work


async def mails_of(demo: Any, domain: str) -> list[dict[str, Any]]:
    return [mail for mail in await demo.mails() if mail["to"][0].endswith(f"@{domain}")]


async def send_json_event(demo: Any, address: str) -> None:
    """A sender that does not give up; the same event each time."""
    access = demo.described.qualtrics
    fields = {"customerFirstName": "Dee", "customerEmailAddress": address}
    names = ("customerId", "conversationId", "customerLastNames", "agentId", "inboxId")
    answer = await demo.until_acknowledged(
        "POST",
        access.json_event_url,
        json=fields | dict.fromkeys(names, ""),
        headers={"X-API-TOKEN": access.api_token, "Idempotency-Key": address},
    )
    assert answer.status == 200


async def answer(demo: Any, mail: dict[str, Any]) -> None:
    link = LINK.findall(mail["text"])[0]
    told = await demo.until_acknowledged("POST", link, data={"QID1": "5", "QID2": "fine"})
    assert told.status < 400


async def kill_one_after_the_other(
    demo: Any, roles: Sequence[str], chance: random.Random, eventually: Any
) -> None:
    """SIGKILL each part at a random moment, each time when all are up again."""
    for role in roles:
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        gone = demo.kill(role)

        def is_up_again(role: str = role, gone: int = gone) -> bool:
            pids = getattr(demo.described.processes, role)
            return bool(pids) and gone not in pids

        await eventually(is_up_again, within=60)


async def assert_one_of_each(demo: Any, customers: list[tuple[str, str, str]], addresses: set[str]) -> None:
    """One run of its workflow for each closing, each JSON event and each response; one invitation, one mail."""
    people, conversations = sorted(addresses), [conversation for _, _, conversation in customers]
    closings = await demo.fetch(
        "SELECT count(run.id) FROM event LEFT JOIN run ON run.event_id = event.id "
        "WHERE event.type = 'CONVERSATION/CLOSED' AND event.status = 'matched' "
        "AND event.conversation_id = ANY($1::text[]) GROUP BY event.conversation_id",
        conversations,
    )
    assert [row[0] for row in closings] == [1] * len(conversations)
    asked = await demo.fetch(
        "SELECT invitation.email, count(DISTINCT invitation.id), count(DISTINCT response.id), count(run.id) "
        "FROM invitation JOIN response ON response.invitation_id = invitation.id "
        "JOIN event ON event.body LIKE '%' || response.id || '%' JOIN run ON run.event_id = event.id "
        "WHERE invitation.email = ANY($1::text[]) GROUP BY 1 ORDER BY 1",
        people,
    )
    assert [tuple(row) for row in asked] == [(address, 1, 1, 1) for address in people]
    mails = {
        (mail["to"][0], mail["headers"]["Message-ID"][0])
        for mail in await demo.mails()
        if mail["to"][0] in addresses
    }
    assert sorted(address for address, _ in mails) == people


async def cards(demo: Any, customers: list[tuple[str, str, str]]) -> list[int]:
    """How many cards with the score each customer has."""
    timelines = await asyncio.gather(*(demo.timeline(customer) for _, customer, _ in customers))
    return [
        sum(item["content"].get("title") == "CSAT Score: 5" for item in timeline) for timeline in timelines
    ]
