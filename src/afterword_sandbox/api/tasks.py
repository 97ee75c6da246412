"""``/api/v1/tasks`` and a customer's tasks."""

from datetime import datetime

from aiohttp import web

from afterword_sandbox.api.customers import refuse_moved
from afterword_sandbox.api.fields import Fields, created, json_response, read_object
from afterword_sandbox.api.items import find_or_create, read_customer
from afterword_sandbox.authentication import actor
from afterword_sandbox.clock import format_time, parse_time
from afterword_sandbox.company import customers, tasks
from afterword_sandbox.company.conversations import check_assignee
from afterword_sandbox.company.tasks import Assignee, Comment, NewTask
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Value

BODY_LENGTH = 10_000


def _read_assignee(fields: Fields, *, required: bool) -> Assignee | None:
    assignee = fields.object("assignee", required=required)
    if assignee is None:
        return None
    inbox_id = assignee.text("inboxId", required=True)
    return Assignee(inbox_id or "", assignee.text("agentId") or None)


def _read_due_at(fields: Fields, *, required: bool) -> datetime | None:
    text = fields.text("dueAt", required=required)
    if text is None:
        return None
    moment = parse_time(text)
    if moment is None:
        fields.refuse("dueAt", "invalid", "dueAt must be an RFC 3339 time")
    return moment


def _read_task(fields: Fields) -> NewTask | None:
    """Read a new task; ``None`` when something is wrong, which was noted."""
    own_id, assignee = fields.own_id(), _read_assignee(fields, required=True)
    body = fields.text("body", required=True, maximum=BODY_LENGTH)
    due_at = _read_due_at(fields, required=True)
    return NewTask(assignee, body, due_at, own_id) if assignee and body and due_at else None


async def create(request: web.Request) -> web.Response:
    """Make a task for the customer with this address, who is made if unknown."""
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    who, task = read_customer(fields), _read_task(fields)
    fields.problems.raise_any()
    assert who is not None  # noqa: S101 -- else a problem was noted
    assert task is not None  # noqa: S101 -- else a problem was noted
    with sandbox.store.transaction():
        customer_id = find_or_create(sandbox.store, who)
        task_id = tasks.create(sandbox.store, customer_id, task, actor(request))
    return created(f"/api/v1/tasks/{task_id}")


async def create_for_customer(request: web.Request) -> web.Response:
    """Make a task for a customer; a merged customer's tasks have moved (301)."""
    sandbox, customer_id = request.app[SANDBOX], request.match_info["customer_id"]
    refuse_moved(sandbox.store, customer_id, "/api/v1/customers/{}/tasks")
    customers.row_of(sandbox.store, customer_id)
    fields = Fields(await read_object(request), Problems())
    task = _read_task(fields)
    fields.problems.raise_any()
    assert task is not None  # noqa: S101 -- else a problem was noted
    with sandbox.store.transaction():
        task_id = tasks.create(sandbox.store, customer_id, task, actor(request))
    return created(f"/api/v1/tasks/{task_id}")


async def list_of_customer(request: web.Request) -> web.Response:
    """List a customer's tasks, newest first, of one ``?status=`` or of both."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    status = request.query.get("status")
    if status not in {None, *tasks.STATUSES}:
        raise refusal(400, "invalid", "status must be one of CLOSED, OPEN", attr="status")
    refuse_moved(store, customer_id, "/api/v1/customers/{}/tasks")
    found, limited = tasks.of_customer(store, customer_id, status)
    return json_response(found, limited=limited)


async def get(request: web.Request) -> web.Response:
    """Show a task."""
    return json_response(tasks.wire(tasks.row_of(request.app[SANDBOX].store, request.match_info["task_id"])))


async def change(request: web.Request) -> web.Response:
    """Change a task: its status, text, due time or assignee."""
    sandbox, task_id = request.app[SANDBOX], request.match_info["task_id"]
    tasks.row_of(sandbox.store, task_id)
    fields = Fields(await read_object(request), Problems())
    columns: dict[str, Value] = {}
    if "status" in fields:
        columns["status"] = fields.choice("status", tasks.STATUSES, required=True)
    if "body" in fields:
        columns["body"] = fields.text("body", required=True, maximum=BODY_LENGTH)
    due_at = _read_due_at(fields, required="dueAt" in fields)
    assignee = _read_assignee(fields, required="assignee" in fields)
    fields.problems.raise_any()
    with sandbox.store.transaction():
        if due_at is not None:
            tasks.check_due(due_at)
            columns["due_at"] = format_time(due_at)
        if assignee is not None:
            check_assignee(sandbox.store, assignee.inbox_id, assignee.agent_id)
            columns |= {"inbox_id": assignee.inbox_id, "agent_id": assignee.agent_id}
        tasks.change(sandbox.store, task_id, columns, actor(request))
    return web.Response(status=204)


async def add_comment(request: web.Request) -> web.Response:
    """Add a comment to a task; Gladly's schema also calls its text ``message``."""
    store, task_id = request.app[SANDBOX].store, request.match_info["task_id"]
    tasks.row_of(store, task_id)
    fields = Fields(await read_object(request), Problems())
    own_id, agent_id = fields.own_id(), fields.text("agentId", required=True)
    key = "message" if "message" in fields and "comment" not in fields else "comment"
    text = fields.text(key, required=True, maximum=BODY_LENGTH)
    fields.problems.raise_any()
    with store.transaction():
        comment_id = tasks.add_comment(store, task_id, Comment(agent_id or "", text or "", own_id))
    return created(f"/api/v1/tasks/{task_id}/comments/{comment_id}")


async def list_comments(request: web.Request) -> web.Response:
    """List a task's comments, oldest first."""
    found, limited = tasks.comments(request.app[SANDBOX].store, request.match_info["task_id"])
    return json_response(found, limited=limited)


async def get_comment(request: web.Request) -> web.Response:
    """Show a comment."""
    place = request.match_info
    return json_response(tasks.comment(request.app[SANDBOX].store, place["task_id"], place["comment_id"]))


_OF_CUSTOMER = "/api/v1/customers/{customer_id}/tasks"
_COMMENTS = "/api/v1/tasks/{task_id}/comments"
ROUTES = (
    web.post("/api/v1/tasks", create),
    web.get("/api/v1/tasks/{task_id}", get, allow_head=False),
    web.patch("/api/v1/tasks/{task_id}", change),
    web.post(_COMMENTS, add_comment),
    web.get(_COMMENTS, list_comments, allow_head=False),
    web.get(f"{_COMMENTS}/{{comment_id}}", get_comment, allow_head=False),
    web.post(_OF_CUSTOMER, create_for_customer),
    web.get(_OF_CUSTOMER, list_of_customer, allow_head=False),
)
