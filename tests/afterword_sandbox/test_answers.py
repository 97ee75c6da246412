"""Answers, which programs manage and everybody may read; business hours; automated chats."""

from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import SandboxProcess
from tests.afterword_sandbox.test_messages import answered

ANSWERS = "/api/v1/answers"


async def test_an_answer_is_made_once_and_the_refusal_names_it(gladly: aiohttp.ClientSession) -> None:
    audience_id = (await answered(gladly, "GET", "/api/v1/audiences"))[1][0]["id"]
    body = {"name": "Reset a password", "description": "How", "audienceIds": [audience_id]}
    status, made, _ = await answered(gladly, "POST", ANSWERS, body)
    assert (status, made["audienceIds"]) == (200, [audience_id])
    status, error, _ = await answered(gladly, "POST", ANSWERS, body)
    assert (status, error["code"], error["detail"]) == (409, "taken", "duplicate answer name")
    assert error["meta"]["existingAnswerId"] == error["meta"]["id"] == made["id"]
    assert (await answered(gladly, "POST", ANSWERS, {"name": "Other", "id": made["id"]}))[0] == 409
    path = f"{ANSWERS}/{made['id']}"
    assert (await answered(gladly, "PATCH", path, {"description": "How to"}))[0] == 204
    assert (await answered(gladly, "GET", path))[1]["description"] == "How to"
    assert (await answered(gladly, "DELETE", path))[0] == 204
    assert (await answered(gladly, "GET", path))[0] == 404


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({}, "name", "blank"),
        ({"name": "x" * 501}, "name", "too_long"),
        ({"name": "x", "description": "x" * 10_001}, "description", "too_long"),
        ({"name": "x", "id": "no/good"}, "id", "invalid"),
        ({"name": "x", "audienceIds": ["none"]}, "audienceIds", "not_exist"),
    ],
)
async def test_an_answer_that_gladly_refuses(
    gladly: aiohttp.ClientSession, body: dict[str, Any], attr: str, code: str
) -> None:
    status, error, _ = await answered(gladly, "POST", ANSWERS, body)
    assert (status, error["attr"], error["code"]) == (400, attr, code)


async def test_everybody_may_read_what_is_public_and_nothing_else(
    gladly: aiohttp.ClientSession, sandbox: SandboxProcess
) -> None:
    made = (await answered(gladly, "POST", ANSWERS, {"name": "Say hello"}))[1]
    content = f"{ANSWERS}/{made['id']}/languages/fr-ca/type/public"
    said = {"bodyHtml": "<p>Bonjour</p>", "title": "En français"}
    status, shown, _ = await answered(gladly, "PUT", content, said)
    assert (status, shown) == (200, {"answerId": made["id"], "language": "fr-ca", "type": "public", **said})
    organization_id = (await answered(gladly, "GET", "/api/v1/organization"))[1]["id"]
    public = f"/api/v1/orgs/{organization_id}"
    async with aiohttp.ClientSession(sandbox.url) as anybody:
        (listed,) = (await answered(anybody, "GET", f"{public}/answers?lng=fr-ca"))[1]
        assert (listed["id"], listed["bodyHtml"]) == (made["id"], "<p>Bonjour</p>")
        assert (await answered(anybody, "GET", f"{public}/answers"))[1] == []
        found = (await answered(anybody, "GET", f"{public}/answers-search?q=BONJOUR&lng=fr-ca"))[1]
        assert found == [{"id": made["id"], "name": "Say hello"}]
        assert (await answered(anybody, "GET", f"{public}/answers/{made['id']}?lng=fr-ca"))[1] == listed
        assert (await answered(anybody, "GET", "/api/v1/orgs/other/answers"))[0] == 404
        assert (await answered(anybody, "GET", f"{ANSWERS}/{made['id']}"))[0] == 401
    for place, attr, detail in (
        ("xx-yy-zz/type/public", "language", "invalid language"),
        ("ja-jp/type/public", "language", "language not configured for org"),
        ("fr-ca/type/email", "type", "not implemented"),
        ("fr-ca/type/song", "type", "invalid type"),
    ):
        path = f"{ANSWERS}/{made['id']}/languages/{place}"
        status, error, _ = await answered(gladly, "PUT", path, said)
        assert (status, error["attr"], error["detail"]) == (400, attr, detail)
    assert (await answered(gladly, "DELETE", content))[0] == 204
    status, error, _ = await answered(gladly, "GET", content)
    assert (status, error["detail"]) == (404, "answer content does not exist")


async def test_business_hours_are_replaced_by_their_present_version_only(
    gladly: aiohttp.ClientSession,
) -> None:
    hours = "/api/v1/business-hours"
    (primary,) = (await answered(gladly, "GET", hours))[1]
    assert primary["primary"] is True
    status, error, _ = await answered(gladly, "DELETE", f"{hours}/{primary['id']}")
    assert (status, error["detail"]) == (400, "cannot delete primary business hours")
    weekend = {"timezone": "America/Los_Angeles", "saturday": [{"start": "10:00", "stop": "16:00"}]}
    body = {"name": "Weekend", "officeHours": weekend}
    status, made, _ = await answered(gladly, "POST", hours, body)
    assert (status, made["version"], made["officeHours"]) == (201, 1, weekend)
    path = f"{hours}/{made['id']}"
    status, changed, _ = await answered(gladly, "PUT", path, {**body, "name": "Weekends", "version": 1})
    assert (status, changed["version"], changed["name"]) == (200, 2, "Weekends")
    status, error, _ = await answered(gladly, "PUT", path, {**body, "version": 1})
    assert (status, error["code"]) == (409, "version_outdated")
    assert (await answered(gladly, "DELETE", path))[0] == 204
    for wrong, attr in (
        ({"name": ""}, "name"),
        ({"officeHours": {}}, "officeHours"),
        ({"officeHours": {"timezone": "Mars"}}, "officeHours.timezone"),
        (
            {"officeHours": {**weekend, "sunday": [{"start": "25:00", "stop": "1:00"}]}},
            "officeHours.sunday[0].start",
        ),
    ):
        status, error, _ = await answered(gladly, "POST", hours, {**body, **wrong})
        assert (status, error["attr"]) == (400, attr)


async def test_a_program_chats_until_it_hands_over(
    gladly: aiohttp.ClientSession, hear: Any, eventually: Any
) -> None:
    receiver = await hear("AUTOMATION/MESSAGE_RECEIVED")
    write = {"customer": {"name": "Bo", "email": "bo.chats@mail.example"}, "text": "Where is it?"}
    _, begun, _ = await answered(gladly, "POST", "/_sandbox/automation-messages", write)
    (told,) = await eventually(lambda: receiver.events("AUTOMATION/MESSAGE_RECEIVED"))
    assert told["content"]["message"]["content"]["body"] == "Where is it?"
    assert told["content"]["sessionId"] == begun["sessionId"]
    session = f"/api/v1/message-automation/sessions/{begun['sessionId']}"
    said = {"type": "TEXT", "content": {"value": "With the courier"}}
    status, sent, _ = await answered(gladly, "POST", f"{session}/messages", said)
    assert (status, sent["content"], sent["from"]["type"]) == (200, said["content"], "API")
    assert (await answered(gladly, "GET", f"{session}/messages/{sent['id']}"))[1] == sent
    menu = {"prompt": "Else?", "menuItems": [{"id": "no", "label": "No"}]}
    assert (await answered(gladly, "POST", f"{session}/messages", {"type": "MENU", "content": menu}))[
        0
    ] == 200
    status, error, _ = await answered(
        gladly, "POST", f"{session}/messages", {"type": "SONG", "content": said}
    )
    assert (status, error["detail"]) == (400, "invalid message type")
    assert (await answered(gladly, "POST", f"{session}/typing-indicators", {"state": "STARTED"}))[0] == 204
    assert len((await answered(gladly, "GET", f"{session}/messages"))[1]) == 3
    assert (await answered(gladly, "GET", session))[1]["target"] == {"targetType": "AUTOMATION"}
    assert (await answered(gladly, "POST", f"{session}/handoff", {"description": "Too hard"}))[0] == 204
    assert (await answered(gladly, "GET", session))[1]["target"] == {"targetType": "AGENT"}
    for call, body in (("messages", said), ("close", {"description": "x"})):
        assert (await answered(gladly, "POST", f"{session}/{call}", body))[0] == 400
    assert (await answered(gladly, "GET", "/api/v1/message-automation/sessions/none"))[0] == 404
