"""What an agent does at the desktop: assign, close, reopen, topics, messages, tasks; and customers who write in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from afterword_sandbox.api.addresses import normalize_email
from afterword_sandbox.company import conversations, customers, messages, tasks
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import Message
from afterword_sandbox.company.tasks import Assignee, NewTask
from afterword_sandbox.errors import GladlyError, refusal
from afterword_sandbox.pages.acting import acting_agent
from afterword_sandbox.pages.desktop import customer_page, list_page, problem_page
from afterword_sandbox.sandbox import SANDBOX

MESSAGE_LENGTH = 10_000
DUE_HOURS = ("1", "24", "72")


async def _texts(request: web.Request) -> dict[str, str]:
    sent = await request.post()
    return {name: value.strip() for name, value in sent.items() if isinstance(value, str)}


def _words(error: GladlyError) -> str:
    return f"Nothing was changed: {'; '.join(detail.detail for detail in error.errors)}."


def _do(
    request: web.Request, customer_id: str, act: Callable[[], None], draft: str = ""
) -> web.StreamResponse:
    """Do something with a customer and show the page; what is refused is said there, and nothing was done."""
    try:
        with request.app[SANDBOX].store.transaction():
            act()
    except GladlyError as error:
        try:
            return customer_page(request, customer_id, _words(error), draft)
        except GladlyError:
            words = "There is no customer at this address. Perhaps it was deleted."
            return problem_page(request.app[SANDBOX], 404, "No such customer", words)
    raise web.HTTPSeeOther(f"/customers/{customer_id}")


def _in_conversation(request: web.Request, act: Callable[[str, Actor], None]) -> web.StreamResponse:
    """Do something in a conversation, as who sits at the desktop."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    try:
        row = conversations.row_of(sandbox.store, conversation_id)
    except GladlyError:
        words = "There is no conversation at this address. Perhaps its customer was merged or deleted."
        return problem_page(sandbox, 404, "No such conversation", words)
    agent = acting_agent(request, row)
    return _do(request, row["customer_id"], lambda: act(conversation_id, agent))


async def close(request: web.Request) -> web.StreamResponse:
    """Close a conversation, as an agent may at any time."""
    store = request.app[SANDBOX].store
    return _in_conversation(request, lambda id_, agent: conversations.close(store, id_, agent, force=True))


async def reopen(request: web.Request) -> web.StreamResponse:
    """Reopen a conversation."""
    store = request.app[SANDBOX].store
    return _in_conversation(request, lambda id_, agent: conversations.reopen(store, id_, agent))


def _assignee(text: str) -> tuple[str, str | None]:
    """Read what a list of assignees gives: an inbox, and perhaps an agent."""
    inbox_id, _, agent_id = text.partition(" ")
    return inbox_id, agent_id or None


async def assign(request: web.Request) -> web.StreamResponse:
    """Give a conversation to an inbox, and perhaps to an agent."""
    store, form = request.app[SANDBOX].store, await _texts(request)
    to = _assignee(form.get("assignee", ""))
    return _in_conversation(request, lambda id_, agent: conversations.assign(store, id_, *to, agent))


async def add_topic(request: web.Request) -> web.StreamResponse:
    """Add a topic."""
    store, form = request.app[SANDBOX].store, await _texts(request)
    topic_ids = [form.get("topic", "")]
    return _in_conversation(
        request, lambda id_, agent: conversations.add_topics(store, id_, topic_ids, agent)
    )


async def remove_topic(request: web.Request) -> web.StreamResponse:
    """Take a topic away."""
    store, topic_id = request.app[SANDBOX].store, request.match_info["topic_id"]
    return _in_conversation(
        request, lambda id_, agent: conversations.remove_topic(store, id_, topic_id, agent)
    )


def _check_text(text: str, what: str) -> None:
    if not text or len(text) > MESSAGE_LENGTH:
        raise refusal(400, "blank", f"{what} must have 1 to {MESSAGE_LENGTH} characters", attr="text")


async def write(request: web.Request) -> web.StreamResponse:
    """Write as the agent, into the open conversation, or as the customer."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    form = await _texts(request)
    text = form.get("text", "")

    def act() -> None:
        _check_text(text, "a message")
        if form.get("as") == "customer":
            messages.receive(store, customer_id, Message(text))
            return
        row = conversations.latest_of_customer(store, customer_id)
        if row is None or row["status"] == "CLOSED":
            raise refusal(400, "invalid_state", "there is no open conversation; reopen one first")
        messages.write_outbound(store, row["id"], Message(text), acting_agent(request, row))

    return _do(request, customer_id, act, text)


async def new_customer(request: web.Request) -> web.StreamResponse:
    """Let somebody write who may never have done so before."""
    store, form = request.app[SANDBOX].store, await _texts(request)
    try:
        _check_text(form.get("text", ""), "the message")
        email = normalize_email(form.get("email", ""))
        if email is None:
            raise refusal(400, "invalid", "this is no email address", attr="email")
        with store.transaction():
            profile = Profile(name=form.get("name", "")[:200], emails=(email,))
            customer_id = customers.find_by_address(store, email.normalized) or customers.create(
                store, profile
            )
            messages.receive(store, customer_id, Message(form["text"]))
    except GladlyError as error:
        return list_page(request, _words(error), form)
    raise web.HTTPSeeOther(f"/customers/{customer_id}")


async def add_task(request: web.Request) -> web.StreamResponse:
    """Make a task for somebody."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    form = await _texts(request)
    hours = form.get("due", "")
    due_at = datetime.now(UTC) + timedelta(hours=int(hours) if hours in DUE_HOURS else 24)

    def act() -> None:
        _check_text(form.get("text", ""), "a task")
        assignee = Assignee(*_assignee(form.get("assignee", "")))
        latest = conversations.latest_of_customer(store, customer_id)
        task = NewTask(assignee, form["text"], due_at)
        tasks.create(store, customer_id, task, acting_agent(request, latest))

    return _do(request, customer_id, act)


async def change_task(request: web.Request) -> web.StreamResponse:
    """Close a task, or open it again."""
    sandbox, task_id = request.app[SANDBOX], request.match_info["task_id"]
    try:
        customer_id = tasks.row_of(sandbox.store, task_id)["customer_id"]
    except GladlyError:
        return problem_page(sandbox, 404, "No such task", "There is no task at this address.")
    status = "CLOSED" if request.path.endswith("/close") else "OPEN"
    agent = acting_agent(request, conversations.latest_of_customer(sandbox.store, customer_id))
    return _do(request, customer_id, lambda: tasks.change(sandbox.store, task_id, {"status": status}, agent))


_CONVERSATION = "/conversations/{conversation_id}"
ROUTES: tuple[web.RouteDef, ...] = (
    web.post("/customers", new_customer),
    web.post("/customers/{customer_id}/messages", write),
    web.post("/customers/{customer_id}/tasks", add_task),
    web.post("/tasks/{task_id}/close", change_task),
    web.post("/tasks/{task_id}/reopen", change_task),
    web.post(f"{_CONVERSATION}/close", close),
    web.post(f"{_CONVERSATION}/reopen", reopen),
    web.post(f"{_CONVERSATION}/assign", assign),
    web.post(f"{_CONVERSATION}/topics", add_topic),
    web.post(f"{_CONVERSATION}/topics/{{topic_id}}/remove", remove_topic),
)
