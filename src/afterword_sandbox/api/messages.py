"""What can be done with a message: answer it, redact it, hear it and read what was said."""

from aiohttp import web

from afterword_sandbox.api.fields import Fields, created, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import conversations, items, messages, recordings
from afterword_sandbox.company.messages import Message
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store

REPLY_LENGTH = 2048
OPTION_LIMIT = 10
LABEL_LENGTH = 50
_CHANNELS = {
    item_type: channel
    for channel, item_type in messages.ITEM_TYPES.items()
    if channel not in {"PHONE_CALL", "VOICEMAIL"}
}
"""The channel of each type of item that can be answered with a text."""


def _read_quick_reply(content: Fields) -> dict[str, object]:
    """Read the options of a quick reply; empty for a plain text."""
    if content.choice("messageType", {"TEXT", "QUICK_REPLY_REQUEST"}) != "QUICK_REPLY_REQUEST":
        return {}
    data = content.object("messageData", required=True)
    if data is None:
        return {}
    options = [
        {
            "id": option.own_id() or "",
            "label": option.text("label", required=True, maximum=LABEL_LENGTH) or "",
        }
        for option in data.objects("options")
    ]
    if not 1 <= len(options) <= OPTION_LIMIT:
        data.refuse("options", "invalid", f"there must be 1 to {OPTION_LIMIT} options")
    return {"messageType": "QUICK_REPLY_REQUEST", "messageData": {"options": options}}


def _read_reply(fields: Fields) -> Message | None:
    """Read an answer; ``None`` when something is wrong, which was noted. A blank type has no detail at Gladly."""
    content = fields.object("content", required=True)
    if content is None:
        return None
    item_type = content.text("type")
    if not item_type:
        content.problems.add(content.attr("type"), "blank", "")
        return None
    if item_type not in _CHANNELS:
        content.problems.add(None, "invalid", f"type [{item_type}] is not supported")
        return None
    body = content.text("body", required=True, maximum=REPLY_LENGTH)
    plain, more = content.text("bodyPlain"), _read_quick_reply(content)
    return Message(plain or body or "", _CHANNELS[item_type], more=more)


def _answerable(store: Store, item_id: str) -> str:
    """Return the conversation of a customer's message that can be answered; raises 404 and 400."""
    item = items.get(store, item_id)
    conversation_id, content = item.get("conversationId"), item["content"]
    initiator = item["initiator"]
    by_customer = isinstance(initiator, dict) and initiator["type"] == "CUSTOMER"
    is_message = isinstance(content, dict) and content["type"] in messages.MESSAGE_TYPES
    if not by_customer or not is_message or conversation_id is None:
        raise refusal(400, "invalid", "you can only reply to customer messages")
    if conversations.row_of(store, str(conversation_id))["status"] == "CLOSED":
        raise refusal(400, "invalid", "you cannot reply to items in closed conversations")
    return str(conversation_id)


async def reply(request: web.Request) -> web.Response:
    """Answer a customer's message; a conversation that is nobody's becomes the API user's."""
    sandbox, item_id = request.app[SANDBOX], request.match_info["item_id"]
    conversation_id = _answerable(sandbox.store, item_id)
    fields = Fields(await read_object(request), Problems())
    message = _read_reply(fields)
    fields.problems.raise_any()
    assert message is not None  # noqa: S101 -- else a problem was noted
    with sandbox.store.transaction():
        answer_id = messages.write_outbound(sandbox.store, conversation_id, message, actor(request))
    return created(f"/api/v1/conversation-items/{answer_id}")


async def redact(request: web.Request) -> web.Response:
    """Remove what was said in a message; the request has no body."""
    store, item_id = request.app[SANDBOX].store, request.match_info["item_id"]
    with store.transaction():
        items.redact(store, item_id)
    return created(f"/api/v1/conversation-items/{item_id}")


async def recording(request: web.Request) -> web.Response:
    """Give the recording of a call or voicemail."""
    sound = recordings.recording(request.app[SANDBOX].store, request.match_info["item_id"])
    return web.Response(body=sound, content_type="audio/mpeg")


async def transcript(request: web.Request) -> web.Response:
    """Give what was said in a call or voicemail."""
    return json_response(recordings.transcript(request.app[SANDBOX].store, request.match_info["item_id"]))


_ITEM = "/api/v1/conversation-items/{item_id}"
ROUTES = (
    web.post(f"{_ITEM}/reply", reply),
    web.post(f"{_ITEM}/redact", redact),
    web.get(f"{_ITEM}/media/recording", recording, allow_head=False),
    web.get(f"{_ITEM}/voice-transcript", transcript, allow_head=False),
)
