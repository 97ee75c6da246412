"""The agent desktop: the customers, and one customer with conversation, tasks and timeline; what an agent does there
is in ``desktop_actions.py``.
"""

from aiohttp import web

from afterword_sandbox.company import customers
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.live import CUSTOMERS_CHANGED, stream_changes
from afterword_sandbox.pages import desktop_view
from afterword_sandbox.pages.acting import acting_agent_id
from afterword_sandbox.pages.rendering import NAMELESS, STATIC_ROUTE, render
from afterword_sandbox.pages.site import desktop_site
from afterword_sandbox.pages.timeline_view import timeline_of
from afterword_sandbox.sandbox import SANDBOX, Sandbox

SEARCH_LENGTH = 200


def problem_page(sandbox: Sandbox, status: int, title: str, words: str) -> web.Response:
    """Answer with a page that says what is wrong."""
    return render("problem.html", status=status, title=title, words=words, site=desktop_site(sandbox))


def list_page(request: web.Request, problem: str = "", draft: dict[str, str] | None = None) -> web.Response:
    """Answer with the customers that match ``?q=`` and ``?status=``, and the form for a new one."""
    sandbox, wanted = request.app[SANDBOX], request.query.get("q", "").strip()[:SEARCH_LENGTH]
    status = request.query.get("status", "")
    status = status if status in desktop_view.STATUSES else ""
    lines, limited = desktop_view.customer_list(sandbox.store, wanted, status)
    return render(
        "customers.html",
        status=400 if problem else 200,
        site=desktop_site(sandbox),
        customers=lines,
        limited=limited,
        wanted=wanted,
        status_now=status,
        statuses=desktop_view.STATUSES,
        problem=problem,
        draft=draft or {},
    )


async def customer_list(request: web.Request) -> web.Response:
    """Show the customers, or those that match."""
    return list_page(request)


def customer_page(request: web.Request, customer_id: str, problem: str = "", draft: str = "") -> web.Response:
    """Answer with one customer's page; raises 404. With a problem it is a 400 that keeps what was typed."""
    sandbox = request.app[SANDBOX]
    profile = desktop_view.customer_of(sandbox.store, customer_id)
    name = str(profile.get("name") or NAMELESS)
    return render(
        "customer.html",
        status=400 if problem else 200,
        site=desktop_site(sandbox),
        profile=profile,
        name=name,
        conversations=desktop_view.conversations_of(sandbox.store, customer_id),
        tasks=desktop_view.tasks_of(sandbox.store, customer_id),
        cards=timeline_of(sandbox.store, customer_id, name),
        assignees=desktop_view.assignee_choices(sandbox.store),
        topics=desktop_view.topic_choices(sandbox.store),
        agents=desktop_view.agents_by_name(sandbox.store),
        acting=acting_agent_id(request),
        problem=problem,
        draft=draft,
    )


async def customer(request: web.Request) -> web.Response:
    """Show one customer; a merged one's page is that of the other."""
    sandbox, customer_id = request.app[SANDBOX], request.match_info["customer_id"]
    merged_into = customers.merged_into(sandbox.store, customer_id)
    if merged_into is not None:
        raise web.HTTPSeeOther(f"/customers/{merged_into}")
    try:
        return customer_page(request, customer_id)
    except GladlyError:
        words = "There is no customer at this address. Perhaps it was deleted."
        return problem_page(sandbox, 404, "No such customer", words)


async def changes(request: web.Request) -> web.StreamResponse:
    """Tell an open page of a customer when to look again."""
    return await stream_changes(request, request.app[SANDBOX].live, request.match_info["customer_id"])


async def list_changes(request: web.Request) -> web.StreamResponse:
    """Tell an open list when to look again."""
    return await stream_changes(request, request.app[SANDBOX].live, CUSTOMERS_CHANGED)


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/", customer_list),
    web.get("/changes", list_changes, allow_head=False),
    web.get("/customers/{customer_id}", customer),
    web.get("/customers/{customer_id}/changes", changes, allow_head=False),
    STATIC_ROUTE,
)
