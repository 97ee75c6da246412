"""``/api/v1/message-automation``: a program that chats with customers."""

from aiohttp import web

from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import automation
from afterword_sandbox.company.automation import AutomatedMessage
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX

VALUE_LENGTH = 2048
PROMPT_LENGTH = 50
ITEM_LIMIT = 10
LABEL_LENGTH = 256
DESCRIPTION_LENGTH = 240


async def get_session(request: web.Request) -> web.Response:
    """Show a session."""
    return json_response(automation.session(request.app[SANDBOX].store, request.match_info["session_id"]))


async def list_messages(request: web.Request) -> web.Response:
    """List a session's messages, oldest first."""
    return json_response(automation.messages_of(request.app[SANDBOX].store, request.match_info["session_id"]))


async def get_message(request: web.Request) -> web.Response:
    """Show a message."""
    place = request.match_info
    shown = automation.message(request.app[SANDBOX].store, place["session_id"], place["message_id"])
    return json_response(shown)


def _read_menu(content: Fields) -> dict[str, object]:
    prompt = content.text("prompt", required=True, maximum=PROMPT_LENGTH)
    entries = [
        {
            "id": entry.text("id", required=True, maximum=PROMPT_LENGTH) or "",
            "label": entry.text("label", required=True, maximum=LABEL_LENGTH) or "",
        }
        for entry in content.objects("menuItems")
    ]
    if not 1 <= len(entries) <= ITEM_LIMIT:
        content.refuse("menuItems", "invalid", f"there must be 1 to {ITEM_LIMIT} menu items")
    return {"prompt": prompt or "", "menuItems": entries}


def _read_message(fields: Fields) -> AutomatedMessage:
    """Read a message; raises 400."""
    kind = fields.text("type")
    if kind not in {"TEXT", "MENU", "HTML"}:
        fields.refuse("type", "invalid", "invalid message type")
    content = fields.object("content", required=True)
    shown: dict[str, object] = {}
    if content is not None:
        value = None if kind == "MENU" else content.text("value", required=True, maximum=VALUE_LENGTH)
        shown = _read_menu(content) if kind == "MENU" else {"value": value or ""}
    fields.problems.raise_any()
    return AutomatedMessage(kind or "", shown)


async def send(request: web.Request) -> web.Response:
    """Answer in a session; answers 200 with the message."""
    sandbox, session_id = request.app[SANDBOX], request.match_info["session_id"]
    automation.row_of(sandbox.store, session_id)
    said = _read_message(Fields(await read_object(request), Problems()))
    with sandbox.store.transaction():
        return json_response(automation.send(sandbox.store, session_id, said, actor(request)))


async def type_on(request: web.Request) -> web.Response:
    """Take a typing indicator, which nobody sees."""
    automation.row_of(request.app[SANDBOX].store, request.match_info["session_id"])
    fields = Fields(await read_object(request), Problems())
    fields.choice("state", {"STARTED", "STOPPED"}, required=True)
    fields.problems.raise_any()
    return web.Response(status=204)


async def _end(request: web.Request, *, to_agent: bool) -> web.Response:
    sandbox, session_id = request.app[SANDBOX], request.match_info["session_id"]
    fields = Fields(await read_object(request), Problems())
    description = fields.text("description", required=True, maximum=DESCRIPTION_LENGTH) or ""
    fields.problems.raise_any()
    with sandbox.store.transaction():
        automation.end(
            sandbox.store, session_id, to_agent=to_agent, description=description, initiator=actor(request)
        )
    return web.Response(status=204)


async def hand_off(request: web.Request) -> web.Response:
    """Hand a session over to an agent."""
    return await _end(request, to_agent=True)


async def close(request: web.Request) -> web.Response:
    """Close a session."""
    return await _end(request, to_agent=False)


_SESSION = "/api/v1/message-automation/sessions/{session_id}"
ROUTES = (
    web.get(_SESSION, get_session, allow_head=False),
    web.get(f"{_SESSION}/messages", list_messages, allow_head=False),
    web.post(f"{_SESSION}/messages", send),
    web.get(f"{_SESSION}/messages/{{message_id}}", get_message, allow_head=False),
    web.post(f"{_SESSION}/typing-indicators", type_on),
    web.post(f"{_SESSION}/handoff", hand_off),
    web.post(f"{_SESSION}/close", close),
)
