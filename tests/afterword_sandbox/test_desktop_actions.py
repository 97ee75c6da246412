"""What an agent does at the desktop, by the forms that a browser without JavaScript sends."""

import html
import itertools
import re
from typing import Any

import aiohttp
import pytest

NUMBERS = itertools.count(1)


async def page(gladly: aiohttp.ClientSession, path: str) -> str:
    async with gladly.get(path) as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())


async def send(gladly: aiohttp.ClientSession, path: str, **fields: str) -> tuple[int, str]:
    """Send a form; gives the status, and the page that is shown, or where it leads."""
    async with gladly.post(path, data=fields, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or html.unescape(await answer.text())


async def get(gladly: aiohttp.ClientSession, path: str) -> Any:
    async with gladly.get(f"/api/v1/{path}") as answer:
        assert answer.status == 200
        return await answer.json()


async def inbox_and_agents(gladly: aiohttp.ClientSession) -> tuple[str, str, str]:
    """The ids of the inbox of orders, and of two of its agents."""
    inboxes = {inbox["name"]: inbox["id"] for inbox in await get(gladly, "inboxes")}
    agents = {agent["name"]: agent["id"] for agent in await get(gladly, "agents")}
    return inboxes["Orders & Delivery"], agents["Maya Okafor"], agents["Tom Brennan"]


async def test_a_conversation_is_assigned(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened, (inbox, maya, _) = await write(), await inbox_and_agents(gladly)
    place = f"/conversations/{opened.conversation_id}"
    for choice, agent in ((f"{inbox} {maya}", maya), (inbox, None)):
        assert (await send(gladly, f"{place}/assign", assignee=choice))[0] == 303
        conversation = await get(gladly, f"conversations/{opened.conversation_id}")
        assert (conversation["inboxId"], conversation.get("agentId")) == (inbox, agent)
    status, shown = await send(gladly, f"{place}/assign", assignee="nowhere")
    assert status == 400
    assert "Nothing was changed: inbox does not exist." in shown


async def test_topics_are_added_and_removed_and_closing_may_need_one(start_sandbox: Any, write: Any) -> None:
    async with start_sandbox("--requests-per-second", "1000").client() as gladly:
        await gladly.patch("/_sandbox/settings", json={"topicsRequired": True})
        opened = await write(client=gladly)
        place = f"/conversations/{opened.conversation_id}"
        assert "topics are required" in (await send(gladly, f"{place}/close"))[1]
        refund = next(topic for topic in await get(gladly, "topics") if topic["name"] == "Refund")
        assert f'<option value="{refund["id"]}">Return: Refund</option>' in await page(
            gladly, f"/customers/{opened.customer_id}"
        )
        await send(gladly, f"{place}/topics", topic=refund["id"])
        assert (await get(gladly, f"conversations/{opened.conversation_id}"))["topicIds"] == [refund["id"]]
        assert "Remove the topic Refund" in await page(gladly, f"/customers/{opened.customer_id}")
        await send(gladly, f"{place}/topics/{refund['id']}/remove")
        assert (await get(gladly, f"conversations/{opened.conversation_id}"))["topicIds"] == []
        await send(gladly, f"{place}/topics", topic=refund["id"])
        assert (await send(gladly, f"{place}/close"))[0] == 303
        assert (await get(gladly, f"conversations/{opened.conversation_id}"))["status"] == "CLOSED"


async def test_both_sides_write(gladly: aiohttp.ClientSession, write: Any) -> None:
    inbox, maya, _ = await inbox_and_agents(gladly)
    opened = await write(inboxId=inbox, agentId=maya)
    place = f"/customers/{opened.customer_id}/messages"
    assert await send(gladly, place, text="I look into it <now>", **{"as": "agent"}) == (
        303,
        f"/customers/{opened.customer_id}",
    )
    assert (await get(gladly, f"conversations/{opened.conversation_id}"))["status"] == "WAITING"
    await send(gladly, place, text="Thank you", **{"as": "customer"})
    assert (await get(gladly, f"conversations/{opened.conversation_id}"))["status"] == "OPEN"
    items = await get(gladly, f"conversations/{opened.conversation_id}/items")
    assert [(item["initiator"]["id"], item["content"]["content"]) for item in items[-2:]] == [
        (maya, "I look into it <now>"),
        (opened.customer_id, "Thank you"),
    ]
    async with gladly.get(f"/customers/{opened.customer_id}") as answer:
        assert "I look into it &lt;now&gt;" in await answer.text()
    await send(gladly, f"/conversations/{opened.conversation_id}/close")
    status, shown = await send(gladly, place, text="Anything else?", **{"as": "agent"})
    assert status == 400
    assert ">Anything else?</textarea>" in shown, "what was typed is not lost"
    assert (await send(gladly, place, text=" ", **{"as": "customer"}))[0] == 400


async def test_a_customer_who_writes_in_is_made_and_who_is_known_goes_on(
    gladly: aiohttp.ClientSession,
) -> None:
    email = f"walk.in{next(NUMBERS)}@mail.example"
    status, place = await send(gladly, "/customers", name="Ada Walk-In", email=email, text="Hello?")
    assert status == 303
    assert (await send(gladly, "/customers", name="Ada", email=email.upper(), text="Still there?")) == (
        303,
        place,
    )
    shown = await page(gladly, place)
    for words in ("Ada Walk-In", email, "Hello?", "Still there?"):
        assert words in shown
    status, shown = await send(gladly, "/customers", name="<b>", email="nobody", text="Hello?")
    assert status == 400
    assert "this is no email address" in shown
    assert 'value="<b>"' in shown


async def test_a_task_is_made_closed_and_reopened(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("TASK/CREATED", "TASK/CLOSED", "TASK/REOPENED")
    inbox, maya, _ = await inbox_and_agents(gladly)
    opened = await write(inboxId=inbox, agentId=maya)
    place = f"/customers/{opened.customer_id}/tasks"
    assert (await send(gladly, place, text="Ring back", assignee=f"{inbox} {maya}", due="1"))[0] == 303
    (task,) = await get(gladly, f"customers/{opened.customer_id}/tasks")
    assert (task["body"], task["assignee"]["agentId"], task["createdBy"]["id"]) == ("Ring back", maya, maya)
    for action, status in (("close", "CLOSED"), ("reopen", "OPEN")):
        assert f'action="/tasks/{task["id"]}/{action}"' in await page(
            gladly, f"/customers/{opened.customer_id}"
        )
        await send(gladly, f"/tasks/{task['id']}/{action}")
        assert (await get(gladly, f"tasks/{task['id']}"))["status"] == status
    await eventually(lambda: len(receiver.events()) == 3)
    assert (await send(gladly, place, text="", assignee=inbox))[0] == 400
    assert (await send(gladly, "/tasks/none/close"))[0] == 404


async def test_who_sits_at_the_desktop_is_who_did_it(
    gladly: aiohttp.ClientSession, sandbox: Any, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    inbox, maya, tom = await inbox_and_agents(gladly)
    jar = aiohttp.CookieJar(unsafe=True)  # or it keeps none of an address without a name
    browser = aiohttp.ClientSession(sandbox.url, cookie_jar=jar)
    async with browser:
        for chosen, actor in (("", maya), (tom, tom), ("nobody", maya)):
            opened = await write(inboxId=inbox, agentId=maya)
            back = await send(browser, "/acting-agent", agent=chosen, customer=opened.customer_id)
            assert back == (303, f"/customers/{opened.customer_id}")
            await send(browser, f"/conversations/{opened.conversation_id}/close")
            (event,) = await eventually(lambda: receiver.events(None, opened.conversation_id))  # noqa: B023
            assert event["initiator"] == {"id": actor, "type": "AGENT"}
            assert event["content"]["context"]["assignee"]["agentId"] == maya
        assert await send(browser, "/acting-agent", agent="", customer="//evil.example") == (303, "/")


async def test_the_list_is_narrowed_by_status(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write(email=f"narrow{next(NUMBERS)}@mail.example")
    place = f"/?q={opened.email}"
    for status, is_there in (("OPEN", True), ("CLOSED", False), ("nonsense", True)):
        assert (
            f"/customers/{opened.customer_id}" in await page(gladly, f"{place}&status={status}")
        ) is is_there
    await send(gladly, f"/conversations/{opened.conversation_id}/close")
    assert opened.customer_id in await page(gladly, f"{place}&status=CLOSED")
    assert "Nobody found" in await page(gladly, f"{place}&status=WAITING")


async def test_every_kind_of_item_is_shown(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    for channel in (
        "EMAIL",
        "SMS",
        "PHONE_CALL",
        "VOICEMAIL",
        "WHATSAPP",
        "FB_MESSENGER",
        "INSTAGRAM_DIRECT",
    ):
        body = {"customer": {"id": opened.customer_id}, "text": f"By {channel}", "channel": channel}
        async with gladly.post("/_sandbox/inbound-messages", json=body) as answer:
            assert answer.status == 201
    note = {"body": "Careful <script>x</script><b>please</b>"}
    async with gladly.post(f"/api/v1/conversations/{opened.conversation_id}/notes", json=note) as answer:
        assert answer.status == 201
    shown = await page(gladly, f"/customers/{opened.customer_id}")
    for words in (
        "· Email ·",
        "By SMS",
        "· Phone call ·",
        "By VOICEMAIL",
        "By WHATSAPP",
        "<b>please</b>",
        "Note of",
    ):
        assert words in shown
    assert "<script>x" not in shown


async def test_an_open_list_hears_of_a_customer(gladly: aiohttp.ClientSession, write: Any) -> None:
    async with gladly.get("/changes") as stream:
        assert await stream.content.readline() == b": watching\n"
        await write()
        assert await stream.content.readuntil(b"data: changed\n")


@pytest.mark.parametrize(
    "path", ["/conversations/none/assign", "/conversations/none/topics", "/customers/none/tasks"]
)
async def test_what_is_about_nothing_is_said(gladly: aiohttp.ClientSession, path: str) -> None:
    assert (await send(gladly, path, text="x"))[0] == 404


async def test_the_forms_of_a_page_lead_somewhere(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    shown = await page(gladly, f"/customers/{opened.customer_id}")
    for action in set(re.findall(r'action="([^"]+)"', shown)):
        async with gladly.post(action, data={}, allow_redirects=False) as answer:
            assert answer.status in {303, 400}, action
