"""Faults that really happened to products of this kind, tried on the real processes."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import uuid
from typing import Any

import pytest

pytestmark = [pytest.mark.loop, pytest.mark.timeout(180)]

LINKS = re.compile(r"https?://[^\s\"<>]+")
SCORE_LINK = re.compile(r"http://\S+/jfe/form/\S+?score=5")


async def close_one(demo: Any, address: str) -> tuple[str, str]:
    customer, conversation = await demo.write_in("Kim Customer", address)
    await demo.close_conversation(conversation)
    return customer, conversation


async def until_mailed(demo: Any, eventually: Any, address: str) -> dict[str, Any]:
    mails = await eventually(lambda: demo.mails(address))
    return dict(mails[0])


async def runs_of(demo: Any, conversation: str) -> list[Any]:
    rows = await demo.fetch(
        "SELECT run.status, run.reason_code, event.type FROM run JOIN event ON event.id = run.event_id "
        "WHERE run.conversation_id = $1 ORDER BY run.id",
        conversation,
    )
    return [tuple(row) for row in rows]


async def test_a_client_that_gets_every_link_twice_within_a_second_of_delivery_changes_nothing(
    demo: Any, eventually: Any
) -> None:
    await close_one(demo, "scanned@one.example")
    mail = await until_mailed(demo, eventually, "scanned@one.example")
    links = {
        link
        for link in LINKS.findall(mail["text"] + " " + mail["html"])
        if demo.described.afterword.url in link
    }
    links = {link.replace("&amp;", "&") for link in links}
    assert len(links) >= 6
    for _ in range(2):
        for link in links:
            async with demo.http.get(link) as page:
                assert page.status == 200
            async with demo.http.head(link) as page:
                assert page.status in {200, 405}
    (counts,) = await demo.fetch(
        "SELECT (SELECT count(*) FROM response WHERE invitation_id = invitation.id), contact.opted_out_at "
        "FROM invitation JOIN contact ON contact.id = invitation.contact_id "
        "WHERE invitation.email = 'scanned@one.example'"
    )
    assert tuple(counts) == (0, None)


async def test_who_opted_out_is_skipped_with_that_reason_from_then_on(demo: Any, eventually: Any) -> None:
    await close_one(demo, "leaves@one.example")
    mail = await until_mailed(demo, eventually, "leaves@one.example")
    address = mail["headers"]["List-Unsubscribe"][0].strip("<>")
    async with demo.http.post(address, data={"List-Unsubscribe": "One-Click"}) as answer:
        assert answer.status < 400
    access = demo.described.qualtrics
    answer = await demo.until_acknowledged(
        "POST",
        access.json_event_url,
        json={"customerEmailAddress": "leaves@one.example", "conversationId": "leaves-again"},
        headers={"X-API-TOKEN": access.api_token},
    )
    assert answer.status == 200

    async def ended() -> bool:
        return ("skipped", "contact-opted-out", "JSON Event") in await runs_of(demo, "leaves-again")

    await eventually(ended)
    assert len(await demo.mails("leaves@one.example")) == 1


async def test_nobody_is_asked_again_after_ok_thank_you_reopened_and_closed(
    demo: Any, eventually: Any
) -> None:
    customer, conversation = await close_one(demo, "thanks@one.example")
    await until_mailed(demo, eventually, "thanks@one.example")
    told = {"customer": {"id": customer}, "text": "ok, thank you"}
    again = await demo.gladly("POST", "/_sandbox/inbound-messages", told)
    assert again["conversationId"] == conversation
    await demo.close_conversation(conversation)

    async def ended() -> bool:
        return ("skipped", "same-case", "CONVERSATION/CLOSED") in await runs_of(demo, conversation)

    await eventually(ended)
    (row,) = await demo.fetch("SELECT count(*) FROM invitation WHERE email = 'thanks@one.example'")
    assert row[0] == 1
    assert len(await demo.mails("thanks@one.example")) == 1


async def test_a_customer_without_an_address_is_skipped_and_nothing_is_sent(
    demo: Any, eventually: Any
) -> None:
    customer, conversation = await demo.write_in("No Mail", "gone@one.example")
    await demo.gladly("PATCH", f"/api/v1/customer-profiles/{customer}", {"emails": []})
    await demo.close_conversation(conversation)

    async def ended() -> bool:
        return bool(await runs_of(demo, conversation))

    await eventually(ended)
    assert await runs_of(demo, conversation) == [("skipped", "customer-has-no-email", "CONVERSATION/CLOSED")]
    assert (
        await demo.fetch("SELECT FROM event WHERE type = 'JSON Event' AND body LIKE $1", f"%{conversation}%")
        == []
    )


async def test_the_agent_of_the_closing_is_credited_though_unassigned_in_the_same_second(
    demo: Any, eventually: Any
) -> None:
    agents = await demo.gladly("GET", "/api/v1/agents")
    customer, conversation = await demo.write_in("Kim Customer", "credited@one.example")
    inbox = (await demo.gladly("GET", f"/api/v1/conversations/{conversation}"))["inboxId"]
    for agent in agents:
        assigned = {"assignee": {"inboxId": inbox, "agentId": agent["id"]}}
        try:
            await demo.gladly("PATCH", f"/api/v1/conversations/{conversation}", assigned)
        except Exception:  # noqa: BLE001, S112 - not every agent is of this inbox
            continue
        break
    await demo.close_conversation(conversation)
    await demo.gladly(
        "POST", "/_sandbox/inbound-messages", {"customer": {"id": customer}, "text": "One more thing"}
    )
    unassigned = {"assignee": {"inboxId": inbox, "agentId": None}}
    await demo.gladly("PATCH", f"/api/v1/conversations/{conversation}", unassigned)
    await until_mailed(demo, eventually, "credited@one.example")
    (row,) = await demo.fetch("SELECT embedded_data FROM invitation WHERE email = 'credited@one.example'")
    assert f'"AgentId": "{agent["id"]}"' in row["embedded_data"]
    assert f'"ConversationId": "{conversation}"' in row["embedded_data"]


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({"effect": "duplicate"}, ["matched", "redelivered"]),
        ({"effect": "duplicate", "otherId": True}, ["matched", "redelivered"]),
        ({"effect": "fail", "when": "after"}, ["matched", "redelivered"]),
        ({"effect": "late", "seconds": 0.3}, ["matched"]),
    ],
    ids=["twice", "twice-with-another-id", "its-answer-lost", "late"],
)
async def test_a_closing_that_gladly_tells_in_an_odd_way_asks_once(
    demo: Any, eventually: Any, fault: dict[str, Any], statuses: list[str]
) -> None:
    address = f"{uuid.uuid4().hex}@odd.example"
    await demo.gladly("POST", "/_sandbox/faults", {"eventType": "CONVERSATION/CLOSED", "times": 1, **fault})
    _, conversation = await close_one(demo, address)
    await until_mailed(demo, eventually, address)

    async def told() -> bool:
        rows = await demo.fetch("SELECT status FROM event WHERE conversation_id = $1", conversation)
        return sorted(row["status"] for row in rows) == statuses

    await eventually(told)
    runs = await runs_of(demo, conversation)
    assert [run[2] for run in runs] == ["CONVERSATION/CLOSED", "JSON Event"]
    assert len(await demo.mails(address)) == 1


async def test_a_closing_told_after_the_reopening_that_followed_it_asks_once(
    demo: Any, eventually: Any
) -> None:
    address = f"{uuid.uuid4().hex}@odd.example"
    fault = {"effect": "out-of-order", "eventType": "CONVERSATION/CLOSED", "times": 1}
    await demo.gladly("POST", "/_sandbox/faults", fault)
    _, conversation = await close_one(demo, address)
    reopen = {"status": {"value": "OPEN"}}
    await demo.gladly("PATCH", f"/api/v1/conversations/{conversation}", reopen)
    await until_mailed(demo, eventually, address)
    types = await demo.fetch("SELECT type FROM event WHERE conversation_id = $1 ORDER BY id", conversation)
    assert [row["type"] for row in types] == ["CONVERSATION/REOPENED", "CONVERSATION/CLOSED"]
    assert len(await demo.mails(address)) == 1


async def test_the_event_is_there_when_web_is_killed_right_after_its_acknowledgement(
    demo: Any, eventually: Any
) -> None:
    access = demo.described.qualtrics
    answer = await demo.until_acknowledged(
        "POST",
        access.json_event_url,
        json={"customerId": "acknowledged"},
        headers={"X-API-TOKEN": access.api_token},
    )
    demo.kill("web")
    assert answer.status == 200
    rows = await demo.fetch("SELECT FROM event WHERE type = 'JSON Event' AND body LIKE '%acknowledged%'")
    assert len(rows) == 1


async def test_a_suspended_worker_that_comes_back_changes_nothing(demo: Any, eventually: Any) -> None:
    (pid,) = demo.described.processes.worker
    second = subprocess.Popen(  # noqa: ASYNC220 - it is only started here
        [sys.executable, "-m", "afterword", "worker", "--data-dir", str(demo.data_dir)],
        env={**os.environ, **worker_environment(demo)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:

        async def two_workers() -> bool:
            async with demo.http.get(f"{demo.described.afterword.url}/health") as answer:
                return bool((await answer.json())["workers"] == 2)

        await eventually(two_workers)
        people = [f"{number}@suspended.example" for number in range(12)]
        conversations = [(await demo.write_in("Kim", address))[1] for address in people]
        closing = asyncio.gather(*map(demo.close_conversation, conversations))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGSTOP)
        await closing

        async def all_mailed() -> bool:
            return {to for mail in await demo.mails() for to in mail["to"]} >= set(people)

        await eventually(all_mailed, within=60)
        os.kill(pid, signal.SIGCONT)

        async def all_ended() -> bool:
            (row,) = await demo.fetch("SELECT count(*) FROM run WHERE status IN ('running', 'waiting')")
            return bool(row[0] == 0)

        await eventually(all_ended, within=30)
    finally:
        second.terminate()
        second.wait(20)
    mails = [mail for mail in await demo.mails() if mail["to"][0] in people]
    assert len({mail["headers"]["Message-ID"][0] for mail in mails}) == len(people)
    (invitations,) = await demo.fetch("SELECT count(*) FROM invitation WHERE email = ANY($1::text[])", people)
    assert invitations[0] == len(people)


async def test_without_any_worker_health_says_so_and_everything_runs_when_one_starts(
    demo: Any, eventually: Any
) -> None:
    demo.kill("worker")

    async def status() -> str:
        async with demo.http.get(f"{demo.described.afterword.url}/health") as answer:
            return str((await answer.json())["status"])

    async def nobody_works() -> bool:
        return await status() == "degraded"

    await eventually(nobody_works)
    await close_one(demo, "patient@one.example")
    await until_mailed(demo, eventually, "patient@one.example")
    assert await status() == "ok"


async def test_a_database_restarted_while_runs_are_taken_over_strands_nothing(
    demo: Any, eventually: Any
) -> None:
    people = [f"{number}@stranded.example" for number in range(10)]
    conversations = [(await demo.write_in("Kim", address))[1] for address in people]
    demo.kill("worker")
    await asyncio.gather(*map(demo.close_conversation, conversations))
    gone = demo.kill("database")
    await eventually(lambda: gone not in demo.described.processes.database, within=60)

    async def all_mailed() -> bool:
        return {to for mail in await demo.mails() for to in mail["to"]} >= set(people)

    await eventually(all_mailed, within=60)


def worker_environment(demo: Any) -> dict[str, str]:
    """The settings of the demo's own worker."""
    described = demo.described
    return {
        "AFTERWORD_PUBLIC_URL": described.afterword.url,
        "AFTERWORD_SMTP_PORT": str(described.mail.smtp_port),
        "AFTERWORD_SMTP_SECURITY": "none",
        "AFTERWORD_MAIL_FROM": "survey@afterword.example",
        "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "5000",
        "AFTERWORD_WORKER_HEARTBEAT_TIMEOUT": "2",
    }
