"""``/api/v1/conversations``: look at one, assign and close it, its items and topics."""

from aiohttp import web

from afterword_sandbox.api.fields import Fields, JsonObject, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import conversations, items
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store

_STATUSES = ("CLOSED", "OPEN")


class ConversationChange:
    """What a PATCH asks for: an assignee, a status, or both; raises 400 with all that is wrong with its
    shape.
    """

    def __init__(self, body: JsonObject) -> None:
        problems = Problems()
        fields = Fields(body, problems)
        self.assignee: tuple[str, str | None] | None = None
        self.status: str | None = None
        self.force = False
        if "assignee" in fields:
            self._read_assignee(fields)
        if "status" in fields:
            self._read_status(fields)
        problems.raise_any()

    def _read_assignee(self, fields: Fields) -> None:
        assignee = fields.object("assignee")
        inbox_id = assignee.text("inboxId") if assignee else None
        if assignee and inbox_id:
            self.assignee = (inbox_id, assignee.text("agentId") or None)
        else:
            detail = "'inboxId' cannot be blank when updating assignee"
            fields.problems.add("assignee.inboxId", "blank", detail)

    def _read_status(self, fields: Fields) -> None:
        status = fields.object("status")
        value = status.text("value") if status else None
        if status is None or not value:
            fields.problems.add("status.value", "blank", "'value' cannot be blank when updating status")
        elif value not in _STATUSES:
            status.refuse("value", "invalid", "'value' must be CLOSED or OPEN")
        else:
            self.status = value
            self.force = status.flag("force") or False

    def apply(self, store: Store, conversation_id: str, initiator: Actor) -> None:
        """Reopen, assign and close, in this order."""
        if self.status == "OPEN":
            conversations.reopen(store, conversation_id, initiator)
        if self.assignee is not None:
            conversations.assign(store, conversation_id, *self.assignee, initiator)
        if self.status == "CLOSED":
            conversations.close(store, conversation_id, initiator, force=self.force)


async def get(request: web.Request) -> web.Response:
    """Show a conversation."""
    row = conversations.row_of(request.app[SANDBOX].store, request.match_info["conversation_id"])
    return json_response(conversations.wire(row))


async def change(request: web.Request) -> web.Response:
    """Assign, close or reopen a conversation."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    conversations.row_of(sandbox.store, conversation_id)
    wanted = ConversationChange(await read_object(request))
    with sandbox.store.transaction():
        wanted.apply(sandbox.store, conversation_id, actor(request))
    return web.Response(status=204)


async def list_items(request: web.Request) -> web.Response:
    """List a conversation's items, or those of ``?sessionId=``, oldest first."""
    store, conversation_id = request.app[SANDBOX].store, request.match_info["conversation_id"]
    conversations.row_of(store, conversation_id)
    found, limited = items.of_conversation(store, conversation_id, request.query.get("sessionId") or None)
    return json_response(found, limited=limited)


async def add_topics(request: web.Request) -> web.Response:
    """Add topics to a conversation."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    conversations.row_of(sandbox.store, conversation_id)
    fields = Fields(await read_object(request), Problems())
    topic_ids = fields.texts("topicIds", required=True)
    fields.problems.raise_any()
    with sandbox.store.transaction():
        conversations.add_topics(sandbox.store, conversation_id, topic_ids, actor(request))
    return web.Response(status=204)


async def remove_topic(request: web.Request) -> web.Response:
    """Take a topic from a conversation."""
    sandbox, place = request.app[SANDBOX], request.match_info
    with sandbox.store.transaction():
        conversations.remove_topic(sandbox.store, place["conversation_id"], place["topic_id"], actor(request))
    return web.Response(status=204)


_CONVERSATION = "/api/v1/conversations/{conversation_id}"
ROUTES = (
    web.get(_CONVERSATION, get, allow_head=False),
    web.patch(_CONVERSATION, change),
    web.get(f"{_CONVERSATION}/items", list_items, allow_head=False),
    web.post(f"{_CONVERSATION}/topics", add_topics),
    web.delete(f"{_CONVERSATION}/topics/{{topic_id}}", remove_topic),
)
