"""``/api/v1/topics``: list, make and change; Gladly deletes none."""

from aiohttp import web

from afterword_sandbox.api.fields import Fields, created, json_response, read_object
from afterword_sandbox.company import topics
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Value

NAME_LENGTH = 500


async def list_all(request: web.Request) -> web.Response:
    """List every topic."""
    return json_response(topics.all_topics(request.app[SANDBOX].store))


async def get(request: web.Request) -> web.Response:
    """Show a topic."""
    return json_response(topics.topic(request.app[SANDBOX].store, request.match_info["topic_id"]))


async def create(request: web.Request) -> web.Response:
    """Make a topic."""
    store = request.app[SANDBOX].store
    fields = Fields(await read_object(request), Problems())
    own_id, name = fields.own_id(), fields.text("name", required=True, maximum=NAME_LENGTH)
    parent_id, disabled = fields.text("parentId") or None, fields.flag("disabled") or False
    fields.problems.raise_any()
    with store.transaction():
        topic_id = topics.create(store, name or "", parent_id, disabled=disabled, own_id=own_id)
    return created(f"/api/v1/topics/{topic_id}")


async def change(request: web.Request) -> web.Response:
    """Change a topic; its name has to be there, as Gladly documents."""
    store, topic_id = request.app[SANDBOX].store, request.match_info["topic_id"]
    topics.topic(store, topic_id)
    fields = Fields(await read_object(request), Problems())
    columns: dict[str, Value] = {"name": fields.text("name", required=True, maximum=NAME_LENGTH)}
    if "parentId" in fields:
        columns["parent_id"] = fields.text("parentId") or None
    if "disabled" in fields:
        columns["disabled"] = int(fields.flag("disabled") or False)
    fields.problems.raise_any()
    with store.transaction():
        topics.change(store, topic_id, columns)
    return web.Response(status=204)


ROUTES = (
    web.get("/api/v1/topics", list_all, allow_head=False),
    web.post("/api/v1/topics", create),
    web.get("/api/v1/topics/{topic_id}", get, allow_head=False),
    web.patch("/api/v1/topics/{topic_id}", change),
)
