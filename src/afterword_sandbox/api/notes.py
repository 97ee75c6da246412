"""Notes of a conversation and its freeform topics (custom attributes)."""

from aiohttp import web

from afterword_sandbox.api.fields import Fields, created, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import conversations, notes
from afterword_sandbox.company.notes import Attribute
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX

BODY_LENGTH = 25_000
VALUE_LENGTH = 500


async def add(request: web.Request) -> web.Response:
    """Add a note; its text is taken as ``content.body`` or, as Gladly's schema has it, as ``body``."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    conversations.row_of(sandbox.store, conversation_id)
    fields = Fields(await read_object(request), Problems())
    content = fields if "body" in fields else fields.object("content", required=True)
    body = content.text("body", required=True, maximum=BODY_LENGTH) if content else None
    fields.problems.raise_any()
    with sandbox.store.transaction():
        note_id = notes.add(sandbox.store, conversation_id, body or "", actor(request))
    return created(f"/api/v1/conversations/{conversation_id}/notes/{note_id}")


async def get(request: web.Request) -> web.Response:
    """Show a note."""
    place = request.match_info
    return json_response(notes.note(request.app[SANDBOX].store, place["conversation_id"], place["note_id"]))


def _attributes(fields: Fields, key: str) -> list[Attribute]:
    return [
        Attribute(
            entry.text("key", required=True) or "",
            entry.text("value", required=True, maximum=VALUE_LENGTH) or "",
        )
        for entry in fields.objects(key)
    ]


async def change_attributes(request: web.Request) -> web.Response:
    """Add and remove freeform topics."""
    sandbox, place = request.app[SANDBOX], request.match_info
    fields = Fields(await read_object(request), Problems())
    adding, removing = _attributes(fields, "add"), _attributes(fields, "remove")
    if not adding and not removing:
        fields.problems.add(None, "blank", "one of add, remove must be present")
    fields.problems.raise_any()
    with sandbox.store.transaction():
        where = (place["customer_id"], place["conversation_id"])
        notes.change_attributes(sandbox.store, where, adding, removing, actor(request))
    return web.Response(status=204)


async def get_attribute(request: web.Request) -> web.Response:
    """Show what a freeform topic is."""
    return json_response(notes.attribute(request.app[SANDBOX].store, request.match_info["attribute_id"]))


_NOTES = "/api/v1/conversations/{conversation_id}/notes"
ROUTES = (
    web.post(_NOTES, add),
    web.get(f"{_NOTES}/{{note_id}}", get, allow_head=False),
    web.post(
        "/api/v1/customer-history/{customer_id}/conversations/{conversation_id}/custom-attributes",
        change_attributes,
    ),
    web.get("/api/v1/custom-attributes/{attribute_id}", get_attribute, allow_head=False),
)
