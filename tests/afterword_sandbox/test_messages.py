"""Messages on every channel: written, answered, redacted, heard; notes and freeform topics beside them."""

import struct
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import Opened, Write

PHONE = "+14155559900"


async def answered(
    gladly: aiohttp.ClientSession, method: str, path: str, body: Any = None
) -> tuple[int, Any, str]:
    """The status, the body or the first error, and where what was made is found."""
    async with gladly.request(method, path, json=body) as answer:
        text = await answer.read()
        told: Any = await answer.json() if text and answer.content_type == "application/json" else text
        if answer.status >= 400:
            told = told["errors"][0]
        return answer.status, told, answer.headers.get("Location", "")


async def items_of(gladly: aiohttp.ClientSession, opened: Opened, query: str = "") -> list[dict[str, Any]]:
    _, items, _ = await answered(
        gladly, "GET", f"/api/v1/conversations/{opened.conversation_id}/items{query}"
    )
    return list(items)


async def reply(gladly: aiohttp.ClientSession, item_id: str, **content: Any) -> tuple[int, Any, str]:
    path = f"/api/v1/conversation-items/{item_id}/reply"
    return await answered(gladly, "POST", path, {"content": content})


async def test_a_reply_goes_to_the_customer_and_the_conversation_to_the_api_user(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write()
    status, _, location = await reply(gladly, opened.item_id, type="CHAT_MESSAGE", body="Tomorrow.")
    assert (status, location.startswith("/api/v1/conversation-items/")) == (201, True)
    item = (await answered(gladly, "GET", location))[1]
    assert (item["content"]["content"], item["initiator"]["type"]) == ("Tomorrow.", "API")
    assert item["responder"] == {"id": opened.customer_id, "type": "CUSTOMER"}
    conversation = (await answered(gladly, "GET", f"/api/v1/conversations/{opened.conversation_id}"))[1]
    assert (conversation["status"], conversation["agentId"]) == ("WAITING", item["initiator"]["id"])
    options = {"options": [{"id": "yes", "label": "Yes, please"}]}
    quick = {"type": "CHAT_MESSAGE", "messageType": "QUICK_REPLY_REQUEST", "body": "Anything else?"}
    assert (await reply(gladly, opened.item_id, **quick, messageData=options))[0] == 201
    assert (await items_of(gladly, opened))[-1]["content"]["messageData"] == options


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"type": ""}, {"attr": "content.type", "code": "blank"}),
        (
            {"type": "VOICEMAIL", "body": "x"},
            {"code": "invalid", "detail": "type [VOICEMAIL] is not supported"},
        ),
        (
            {"type": "CHAT_MESSAGE", "body": "x" * 2049},
            {
                "attr": "content.body",
                "code": "too_long",
                "detail": "content.body cannot be larger than 2048 characters",
            },
        ),
    ],
)
async def test_a_reply_that_gladly_refuses_is_refused_in_its_words(
    gladly: aiohttp.ClientSession, write: Write, content: dict[str, str], error: dict[str, str]
) -> None:
    opened = await write()
    status, told, _ = await reply(gladly, opened.item_id, **content)
    assert (status, told) == (400, error)


async def test_only_a_customers_message_in_an_open_conversation_can_be_answered(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write()
    content = {"type": "CHAT_MESSAGE", "body": "x"}
    answer_id = (await reply(gladly, opened.item_id, **content))[2].rsplit("/", 1)[1]
    status, error, _ = await reply(gladly, answer_id, **content)
    assert (status, error["detail"]) == (400, "you can only reply to customer messages")
    close = {"status": {"value": "CLOSED", "force": True}}
    await answered(gladly, "PATCH", f"/api/v1/conversations/{opened.conversation_id}", close)
    status, error, _ = await reply(gladly, opened.item_id, **content)
    assert (status, error["detail"]) == (400, "you cannot reply to items in closed conversations")
    assert (await reply(gladly, "nothing", **content))[0] == 404


@pytest.mark.parametrize(
    ("channel", "item_type"),
    [("EMAIL", "EMAIL"), ("SMS", "SMS"), ("WHATSAPP", "WHATSAPP"), ("FB_MESSENGER", "FACEBOOK_MESSAGE")],
)
async def test_each_channel_has_items_of_its_own_and_can_be_redacted(
    gladly: aiohttp.ClientSession, write: Write, channel: str, item_type: str
) -> None:
    opened = await write("My number is 4111", channel=channel)
    (item,) = await items_of(gladly, opened)
    assert (item["content"]["type"], item["content"]["content"]) == (item_type, "My number is 4111")
    path = f"/api/v1/conversation-items/{opened.item_id}"
    if item_type == "FACEBOOK_MESSAGE":
        assert (await answered(gladly, "POST", f"{path}/redact"))[0] == 400, "Gladly lists it not"
        return
    async with gladly.post(f"{path}/redact", headers={"Content-Type": "application/json"}) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, path)
    redacted = (await answered(gladly, "GET", path))[1]
    assert redacted == {**item, "content": redacted["content"]}
    assert "4111" not in str(redacted)
    assert (await answered(gladly, "POST", "/api/v1/conversation-items/nothing/redact"))[0] == 404


async def test_a_call_can_be_heard_and_read_until_it_is_redacted(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write("About the blue lamp", channel="PHONE_CALL")
    (item,) = await items_of(gladly, opened)
    content = item["content"]
    assert content["type"] == "PHONE_CALL"
    assert content["recordingSummary"]["status"] == "READY"
    path = f"/api/v1/conversation-items/{opened.item_id}"
    assert content["recordingUrl"] == f"{path}/media/recording"
    async with gladly.get(content["recordingUrl"]) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/mpeg")
        sound = await answer.read()
    (header,) = struct.unpack(">I", sound[:4])
    assert header >> 21 == 0x7FF, "an MP3 frame begins with eleven ones"
    assert len(sound) == content["recordingDuration"] * 4000, "32 kbit/s"
    transcript = (await answered(gladly, "GET", f"{path}/voice-transcript"))[1]
    assert transcript["paragraphs"][0]["transcript"] == "About the blue lamp"
    assert transcript["customerId"] == opened.customer_id
    assert (await answered(gladly, "POST", f"{path}/redact"))[0] == 201
    for what in ("media/recording", "voice-transcript"):
        assert (await answered(gladly, "GET", f"{path}/{what}"))[0] == 404
    chat = await write()
    assert (await answered(gladly, "GET", f"/api/v1/conversation-items/{chat.item_id}/media/recording"))[
        0
    ] == 404


async def test_an_agent_answers_and_the_items_of_a_session_can_be_listed(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write()
    path = f"/_sandbox/conversations/{opened.conversation_id}/messages"
    assert (await answered(gladly, "POST", path, {"text": "On its way"}))[0] == 201
    customers, agents = await items_of(gladly, opened)
    assert (customers["initiator"]["type"], agents["initiator"]["type"]) == ("CUSTOMER", "AGENT")
    session_id = customers["content"]["sessionId"]
    assert await items_of(gladly, opened, f"?sessionId={session_id}") == [customers, agents]
    assert await items_of(gladly, opened, "?sessionId=none") == []


@pytest.mark.parametrize("body", [{"content": {"body": "Wants <b>blue</b>"}}, {"body": "Wants <b>blue</b>"}])
async def test_a_note_is_added_and_told(
    gladly: aiohttp.ClientSession, write: Write, hear: Any, eventually: Any, body: Any
) -> None:
    receiver = await hear("CONVERSATION/NOTE_CREATED")
    opened = await write()
    notes = f"/api/v1/conversations/{opened.conversation_id}/notes"
    status, _, location = await answered(gladly, "POST", notes, body)
    assert (status, location.startswith(f"{notes}/")) == (201, True)
    note = (await answered(gladly, "GET", location))[1]
    assert note["content"] == {"type": "CONVERSATION_NOTE", "body": "Wants <b>blue</b>"}
    assert (await items_of(gladly, opened))[-1] == note
    (told,) = await eventually(lambda: receiver.events("CONVERSATION/NOTE_CREATED", opened.conversation_id))
    assert told["content"]["noteId"] == note["id"]
    assert (await answered(gladly, "GET", f"{notes}/{opened.item_id}"))[0] == 404
    status, error, _ = await answered(gladly, "POST", notes, {})
    assert (status, error["attr"], error["detail"]) == (400, "content", "content cannot be blank")
    assert (await answered(gladly, "POST", "/api/v1/conversations/none/notes", body))[0] == 404


async def test_freeform_topics_are_added_and_removed(gladly: aiohttp.ClientSession, write: Write) -> None:
    opened = await write()
    path = f"/api/v1/customer-history/{opened.customer_id}/conversations/{opened.conversation_id}/custom-attributes"
    orders = [{"key": "ORDER_ID", "value": "1"}, {"key": "ORDER_ID", "value": "2"}]
    for _ in range(2):
        assert (await answered(gladly, "POST", path, {"add": orders}))[0] == 204
    shown = (await answered(gladly, "GET", f"/api/v1/conversations/{opened.conversation_id}"))[1]
    assert [one["value"] for one in shown["customAttributes"]] == ["1", "2"]
    attribute = f"/api/v1/custom-attributes/{shown['customAttributes'][0]['id']}"
    defined = (await answered(gladly, "GET", attribute))[1]
    assert (defined["key"], defined["label"], defined["deactivated"]) == ("ORDER_ID", "Order ID", False)
    assert (await answered(gladly, "POST", path, {"remove": orders}))[0] == 204
    shown = (await answered(gladly, "GET", f"/api/v1/conversations/{opened.conversation_id}"))[1]
    assert "customAttributes" not in shown
    unknown = {"add": [{"key": "NONE", "value": "1"}]}
    status, error, _ = await answered(gladly, "POST", path, unknown)
    assert (status, error["code"]) == (400, "not_exist")
    other = await write()
    wrong = path.replace(opened.customer_id, other.customer_id)
    assert (await answered(gladly, "POST", wrong, {"add": orders}))[0] == 404
    status, error, _ = await answered(gladly, "GET", "/api/v1/custom-attributes/none")
    assert (status, error["detail"]) == (404, "custom attribute none does not exist")


async def test_an_sms_and_an_email_go_out_outside_of_any_conversation(gladly: aiohttp.ClientSession) -> None:
    sms = {"customer": {"mobileNumber": PHONE}, "from": "+14155550100", "body": "Your parcel is here"}
    status, sent, _ = await answered(gladly, "POST", "/api/v1/communications/sms", sms)
    assert status == 200
    item = (await answered(gladly, "GET", f"/api/v1/conversation-items/{sent['conversationItemId']}"))[1]
    assert "conversationId" not in item
    assert item["content"] == {
        "type": "SMS",
        "from": "+14155550100",
        "to": PHONE,
        "content": "Your parcel is here",
    }
    again = (await answered(gladly, "POST", "/api/v1/communications/sms", sms))[1]
    assert again["customerId"] == sent["customerId"], "the customer is found again"
    email = {
        "to": [{"email": "jane.doe@mail.example", "name": "Jane Doe"}],
        "from": "support@juniperandpine.example",
        "subject": "Hello",
        "body": {"text": "Hi", "html": "<p>Hi</p>"},
    }
    status, sent, _ = await answered(gladly, "POST", "/api/v1/communications/email", email)
    assert status == 200
    item = (await answered(gladly, "GET", f"/api/v1/conversation-items/{sent['conversationItemId']}"))[1]
    assert (item["content"]["subject"], item["content"]["to"]) == ("Hello", ["jane.doe@mail.example"])
    for wrong, attr in (
        ({"from": "x@elsewhere.example"}, "from"),
        ({"to": []}, "to"),
        ({"subject": "x" * 1000}, "subject"),
        ({"body": {}}, "body"),
    ):
        status, error, _ = await answered(gladly, "POST", "/api/v1/communications/email", {**email, **wrong})
        assert (status, error["attr"]) == (400, attr)


async def test_comments_of_a_task(gladly: aiohttp.ClientSession, hear: Any, eventually: Any) -> None:
    receiver = await hear("TASK/COMMENT_ADDED")
    inbox_id = (await answered(gladly, "GET", "/api/v1/inboxes"))[1][0]["id"]
    agent_id = (await answered(gladly, "GET", "/api/v1/agents"))[1][0]["id"]
    task = {
        "customer": {"emailAddress": "commented@mail.example"},
        "assignee": {"inboxId": inbox_id},
        "body": "Call",
        "dueAt": "2199-01-01T00:00:00.000Z",
    }
    _, _, location = await answered(gladly, "POST", "/api/v1/tasks", task)
    comments = f"{location}/comments"
    said = {"agentId": agent_id, "comment": "No answer"}
    status, _, comment = await answered(gladly, "POST", comments, {**said, "id": "comment-1"})
    assert (status, comment) == (201, f"{comments}/comment-1")
    assert (await answered(gladly, "POST", comments, {**said, "id": "comment-1"}))[0] == 409
    shown = (await answered(gladly, "GET", comment))[1]
    assert (shown["comment"], shown["agentId"]) == ("No answer", agent_id)
    async with gladly.get(comments) as answer:
        assert answer.headers["Gladly-Limited-Data"] == "false"
        assert await answer.json() == [shown]
    (told,) = await eventually(lambda: receiver.events("TASK/COMMENT_ADDED"))
    assert told["content"]["commentId"] == "comment-1"
    assert (await answered(gladly, "POST", comments, {"agentId": "none", "comment": "x"}))[0] == 400
    await answered(gladly, "PATCH", location, {"status": "CLOSED"})
    assert (await answered(gladly, "POST", comments, said))[0] == 400
    assert (await answered(gladly, "GET", f"{comments}/none"))[0] == 404
