"""The settings pages, used as a browser without JavaScript does: the guide's prerequisites can be practised."""

import html
import itertools
import re
from typing import Any

import aiohttp
import pytest

NUMBERS = itertools.count(1)
ORGANIZATION = "/api/v1/organization"
SECRET = re.compile(r'<p class="secret"[^>]*>([^<]+)</p>')


async def page(gladly: aiohttp.ClientSession, path: str) -> str:
    async with gladly.get(path) as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())


async def send(gladly: aiohttp.ClientSession, path: str, *fields: tuple[str, str]) -> tuple[int, str, str]:
    """Send a form; gives status, where it leads, and what is shown."""
    async with gladly.post(path, data=fields, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), html.unescape(await answer.text())


async def new_user(gladly: aiohttp.ClientSession, *roles: str) -> tuple[str, str]:
    """A user with these roles: id and address."""
    email = f"user{next(NUMBERS)}@juniperandpine.example"
    fields = [("name", "Quinn Apiary"), ("email", email), *(("roles", role) for role in roles)]
    inbox = (await (await gladly.get("/api/v1/inboxes")).json())[0]["id"]
    status, _, shown = await send(gladly, "/settings/users", *fields, ("inboxes", inbox))
    assert status == 303, shown
    async with gladly.get("/api/v1/agents") as answer:
        (agent,) = [agent for agent in await answer.json() if agent["emailAddress"] == email]
    return agent["id"], email


async def new_token(gladly: aiohttp.ClientSession, user_id: str) -> str:
    status, _, shown = await send(gladly, "/settings/api-tokens", ("user", user_id), ("name", ""))
    assert status == 200, shown
    found = SECRET.search(shown)
    assert found
    return found[1]


async def status_with(
    sandbox: Any, email: str, token: str, method: str = "GET", path: str = ORGANIZATION
) -> int:
    headers = {"Authorization": aiohttp.encode_basic_auth(email, token)}
    async with (
        aiohttp.ClientSession(sandbox.url, headers=headers) as theirs,
        theirs.request(method, path) as answer,
    ):
        return answer.status


async def test_a_user_for_an_integration_is_added_and_gets_a_token_that_is_shown_once(
    gladly: aiohttp.ClientSession, sandbox: Any
) -> None:
    user_id, email = await new_user(gladly, "AGENT", "API_USER")
    token = await new_token(gladly, user_id)
    assert await status_with(sandbox, email, token) == 200
    assert await status_with(sandbox, email.upper(), token) == 200
    assert await status_with(sandbox, "api.user@juniperandpine.example", token) == 401
    assert await status_with(sandbox, email, token[:-1]) == 401
    listed = await page(gladly, "/settings/api-tokens")
    assert email in listed
    assert token not in listed


async def test_without_its_role_or_when_deactivated_a_token_is_refused(
    gladly: aiohttp.ClientSession, sandbox: Any
) -> None:
    user_id, email = await new_user(gladly, "API_USER")
    token = await new_token(gladly, user_id)
    fields = (("name", "Quinn"), ("email", email))
    assert (await send(gladly, f"/settings/users/{user_id}", *fields, ("roles", "AGENT")))[0] == 303
    assert await status_with(sandbox, email, token) == 403
    await send(gladly, f"/settings/users/{user_id}", *fields, ("roles", "API_USER"))
    assert await status_with(sandbox, email, token) == 200
    await send(gladly, f"/settings/users/{user_id}/deactivate")
    assert await status_with(sandbox, email, token) == 401
    assert "is no active API User" in await page(gladly, "/settings/api-tokens")
    await send(gladly, f"/settings/users/{user_id}/reactivate")
    assert await status_with(sandbox, email, token) == 200


async def test_a_deleted_token_is_refused(gladly: aiohttp.ClientSession, sandbox: Any) -> None:
    user_id, email = await new_user(gladly, "API_USER")
    token = await new_token(gladly, user_id)
    newest = re.findall(r"/settings/api-tokens/([^/]+)/delete", await page(gladly, "/settings/api-tokens"))[0]
    assert (await send(gladly, f"/settings/api-tokens/{newest}/delete"))[0] == 303
    assert await status_with(sandbox, email, token) == 401
    assert (await send(gladly, f"/settings/api-tokens/{newest}/delete"))[0] == 404


async def test_only_a_compliance_admin_deletes_customers(
    gladly: aiohttp.ClientSession, sandbox: Any, write: Any
) -> None:
    user_id, email = await new_user(gladly, "API_USER")
    token = await new_token(gladly, user_id)
    opened = await write()
    close = {"status": {"value": "CLOSED", "force": True}}
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=close)
    path = f"/api/v1/customer-profiles/{opened.customer_id}"
    assert await status_with(sandbox, email, token, "DELETE", path) == 403
    fields = (("name", "Quinn"), ("email", email), ("roles", "API_USER"), ("roles", "COMPLIANCE_ADMIN"))
    await send(gladly, f"/settings/users/{user_id}", *fields)
    assert await status_with(sandbox, email, token, "DELETE", path) == 204


async def test_a_token_needs_an_api_user(gladly: aiohttp.ClientSession) -> None:
    user_id, _ = await new_user(gladly, "AGENT")
    status, _, shown = await send(gladly, "/settings/api-tokens", ("user", user_id))
    assert status == 400
    assert "role API User" in shown


async def test_what_an_api_user_does_names_that_user(
    gladly: aiohttp.ClientSession, sandbox: Any, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED")
    user_id, email = await new_user(gladly, "API_USER")
    token = await new_token(gladly, user_id)
    headers = {"Authorization": aiohttp.encode_basic_auth(email, token)}
    opened = await write()
    async with aiohttp.ClientSession(sandbox.url, headers=headers) as theirs:
        close = {"status": {"value": "CLOSED", "force": True}}
        await theirs.patch(f"/api/v1/conversations/{opened.conversation_id}", json=close)
    await eventually(receiver.events)
    assert receiver.events()[0]["initiator"] == {"id": user_id, "type": "API"}


async def test_who_is_deactivated_has_no_conversation_any_more(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION_ASSIGNEE/UPDATED")
    user_id, _ = await new_user(gladly, "AGENT")
    inbox = (await (await gladly.get("/api/v1/inboxes")).json())[0]["id"]
    opened = await write(inboxId=inbox, agentId=user_id)
    await send(gladly, f"/settings/users/{user_id}/deactivate")
    async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}") as answer:
        assert "agentId" not in await answer.json()
    await eventually(
        lambda: "USER_DEACTIVATION" in [event["content"]["reason"] for event in receiver.events()]
    )
    assignee = {"assignee": {"inboxId": inbox, "agentId": user_id}}
    async with gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=assignee) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([("name", " "), ("email", "a@b.example"), ("roles", "AGENT")], "name"),
        ([("name", "A"), ("email", "nobody"), ("roles", "AGENT")], "email"),
        (
            [("name", "A"), ("email", "maya@juniperandpine.example"), ("roles", "AGENT")],
            "Maya Okafor has this",
        ),
        ([("name", "<i>A</i>"), ("email", "a@b.example")], "needs a role"),
    ],
)
async def test_a_user_that_cannot_be_is_refused_and_what_was_typed_is_kept(
    gladly: aiohttp.ClientSession, fields: list[tuple[str, str]], told: str
) -> None:
    async with gladly.post("/settings/users", data=fields) as answer:
        assert answer.status == 400
        shown = await answer.text()
    assert told in shown
    assert f'value="{html.escape(fields[1][1])}"' in shown
    assert "<i>A</i>" not in shown


async def test_a_webhook_is_made_enabled_watched_changed_and_deleted(
    gladly: aiohttp.ClientSession, receiver: Any, write: Any, eventually: Any
) -> None:
    fields = (("name", "By hand"), ("url", receiver.url), ("events", "CONVERSATION/CLOSED"))
    secret = (("username", "gladly"), ("password", "hush-hush"), ("headers", "X-Token: hush-too"))
    receiver.ping_status = 500
    status, _, shown = await send(gladly, "/settings/webhooks", *fields, *secret, ("enable", "1"))
    assert status == 400
    assert "must answer PING with status 200: answered 500" in shown
    assert "hush" not in shown
    receiver.ping_status = 200
    status, place, _ = await send(gladly, "/settings/webhooks", *fields, *secret)
    assert status == 303
    assert "Disabled" in await page(gladly, place)
    assert (await send(gladly, f"{place}/enable"))[0] == 303
    opened = await write()
    close = {"status": {"value": "CLOSED", "force": True}}
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=close)

    async def delivered() -> str:
        shown = await page(gladly, place)
        return shown if opened.conversation_id in shown else ""

    shown = await eventually(delivered)
    assert "Enabled" in shown
    assert "answered 200" in shown
    assert "hush" not in shown
    assert receiver.received[-1].headers["X-Token"] == "hush-too"
    assert (await send(gladly, place, *fields[:2], ("events", "TASK/CREATED")))[0] == 303
    assert receiver.received[-1].headers["Authorization"] == aiohttp.encode_basic_auth("gladly", "hush-hush")
    async with gladly.get(place.replace("/settings/", "/api/v1/")) as answer:
        webhook = await answer.json()
    assert (webhook["events"], webhook["hasCredentials"]) == (["TASK/CREATED"], True)
    assert (await send(gladly, f"{place}/delete"))[0] == 400
    await send(gladly, f"{place}/disable")
    assert (await send(gladly, f"{place}/delete"))[0] == 303
    assert (await gladly.get(place)).status == 404


async def test_a_deactivated_webhook_says_why_and_every_api_user_is_told_by_mail(
    gladly: aiohttp.ClientSession,
    sandbox: Any,
    receiver: Any,
    add_webhook: Any,
    *,
    write: Any,
    eventually: Any,
) -> None:
    _, email = await new_user(gladly, "API_USER")
    _, agents_email = await new_user(gladly, "AGENT")
    webhook_id = await add_webhook(receiver.url, ["CONVERSATION/CLOSED"])
    receiver.default_status = 503
    opened = await write()
    close = {"status": {"value": "CLOSED", "force": True}}
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=close)

    async def told() -> bool:
        shown = await page(gladly, f"/settings/webhooks/{webhook_id}")
        return "Deactivated" in shown and "At last: answered 503" in shown

    await eventually(told)
    assert "Deactivated" in await page(gladly, "/settings/webhooks")

    async def mails(address: str) -> Any:
        async with gladly.get(f"{sandbox.mail_url}/messages", params={"to": address}) as answer:
            return await answer.json()

    (mail,) = await eventually(lambda: mails(email))
    assert f"/settings/webhooks/{webhook_id}" in mail["text"]
    assert "At last: answered 503" in mail["text"]
    assert await mails(agents_email) == []


async def test_behaviour_is_switched_and_set_back(gladly: aiohttp.ClientSession) -> None:
    async def switches() -> dict[str, Any]:
        async with gladly.get("/_sandbox/settings") as answer:
            found: dict[str, Any] = await answer.json()
        return found

    before = await switches()
    fields = (
        ("topicsRequired", "true"),
        ("takenItemStatus", "400"),
        ("resendDelays", "1, 2.5"),
        ("requestsPerSecond", "700"),
        ("errorBodies.404", "none"),
    )
    assert (await send(gladly, "/settings/behaviour", *fields))[0] == 303
    changed = await switches()
    assert (changed["topicsRequired"], changed["takenItemStatus"]) == (True, 400)
    assert (changed["resendDelays"], changed["requestsPerSecond"]) == ([1, 2.5], 700)
    assert changed["errorBodies"] == {"404": "none"}
    status, _, shown = await send(gladly, "/settings/behaviour", ("requestsPerSecond", "many"))
    assert status == 400
    assert 'value="many"' in shown
    assert (await send(gladly, "/settings/behaviour", ("reset", "1")))[0] == 303
    assert await switches() == before


async def test_the_behaviour_form_as_it_is_changes_nothing(gladly: aiohttp.ClientSession) -> None:
    async with gladly.get("/_sandbox/settings") as answer:
        before = await answer.json()
    shown = await page(gladly, "/settings/behaviour")
    fields = {
        **dict(re.findall(r'<input id="[^"]+" name="([^"]+)" type="text" value="([^"]*)"', shown)),
        **{
            name: re.findall(r'<option value="([^"]+)" selected', choices)[0]
            for name, choices in re.findall(
                r'<select id="[^"]+" name="([^"]+)">(.*?)</select>', shown, re.DOTALL
            )
        },
    }
    assert {name.partition(".")[0] for name in fields} == set(before), "every switch is in the form"
    assert (await send(gladly, "/settings/behaviour", *fields.items()))[0] == 303
    async with gladly.get("/_sandbox/settings") as answer:
        assert await answer.json() == before


async def test_a_fault_is_begun_seen_and_cleared(gladly: aiohttp.ClientSession) -> None:
    assert "All is well" in await page(gladly, "/settings/faults")
    assert (await send(gladly, "/settings/faults", ("practice", "down")))[0] == 303
    assert (await gladly.get(ORGANIZATION)).status == 503
    assert "struck 1" in await page(gladly, "/settings/faults")
    assert (await send(gladly, "/settings/faults/clear"))[0] == 303
    fields = (
        ("effect", "answer"),
        ("method", "GET"),
        ("path", ORGANIZATION),
        ("status", "429"),
        ("seconds", "9"),
    )
    assert (await send(gladly, "/settings/faults", *fields, ("times", "1"), ("probability", "")))[0] == 303
    assert [(await gladly.get(ORGANIZATION)).status for _ in range(2)] == [429, 200]
    shown = await page(gladly, "/settings/faults")
    assert "struck 1, over" in shown
    (place,) = re.findall(r'action="(/settings/faults/[^"]+/clear)"', shown)
    assert (await send(gladly, place))[0] == 303
    assert "All is well" in await page(gladly, "/settings/faults")
    status, _, shown = await send(gladly, "/settings/faults", ("effect", "answer"), ("status", "<b>"))
    assert status == 400
    assert 'value="<b>"' in shown


@pytest.mark.parametrize(
    "path",
    ["/settings/users/nobody", "/settings/webhooks/none", "/settings/none", "/settings/users/x/deactivate"],
)
async def test_what_is_not_there_is_said_for_people(gladly: aiohttp.ClientSession, path: str) -> None:
    async with gladly.request("POST" if path.endswith("deactivate") else "GET", path) as answer:
        assert answer.status == 404
        assert "Traceback" not in await answer.text()


@pytest.mark.parametrize(
    "path", ["/settings/users", "/settings/api-tokens", "/settings/webhooks", "/settings/faults"]
)
async def test_another_site_can_send_no_form(gladly: aiohttp.ClientSession, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with gladly.post(path, data={"practice": "down"}, headers=headers) as answer:
        assert answer.status == 403
    assert (await gladly.get(ORGANIZATION)).status == 200
