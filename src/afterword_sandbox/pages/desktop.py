"""The agent desktop: the customers, and one customer with conversation, Close button and timeline.

Whoever uses it acts as the agent to whom the conversation is assigned, else as the first of its inbox.
"""

import sqlite3
from collections.abc import Callable

from aiohttp import web

from afterword_sandbox.company import conversations, customers
from afterword_sandbox.company.events import Actor
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.live import stream_changes
from afterword_sandbox.pages import desktop_view
from afterword_sandbox.pages.rendering import NAMELESS, STATIC_ROUTE, render
from afterword_sandbox.pages.site import desktop_site
from afterword_sandbox.sandbox import SANDBOX, Sandbox

SEARCH_LENGTH = 200


def _problem_page(sandbox: Sandbox, status: int, title: str, words: str) -> web.Response:
    return render("problem.html", status=status, title=title, words=words, site=desktop_site(sandbox))


async def customer_list(request: web.Request) -> web.Response:
    """Show the customers, or those that match ``?q=``."""
    sandbox, wanted = request.app[SANDBOX], request.query.get("q", "").strip()[:SEARCH_LENGTH]
    lines, limited = desktop_view.customer_list(sandbox.store, wanted)
    return render(
        "customers.html", site=desktop_site(sandbox), customers=lines, limited=limited, wanted=wanted
    )


def _customer_page(sandbox: Sandbox, customer_id: str, problem: str = "") -> web.Response:
    profile = desktop_view.customer_of(sandbox.store, customer_id)
    name = str(profile.get("name") or NAMELESS)
    return render(
        "customer.html",
        status=400 if problem else 200,
        site=desktop_site(sandbox),
        profile=profile,
        name=name,
        conversations=desktop_view.conversations_of(sandbox.store, customer_id),
        cards=desktop_view.timeline_of(sandbox.store, customer_id, name),
        problem=problem,
    )


async def customer(request: web.Request) -> web.Response:
    """Show one customer; a merged one's page is that of the other."""
    sandbox, customer_id = request.app[SANDBOX], request.match_info["customer_id"]
    merged_into = customers.merged_into(sandbox.store, customer_id)
    if merged_into is not None:
        raise web.HTTPSeeOther(f"/customers/{merged_into}")
    try:
        return _customer_page(sandbox, customer_id)
    except GladlyError:
        words = "There is no customer at this address. Perhaps it was deleted."
        return _problem_page(sandbox, 404, "No such customer", words)


async def changes(request: web.Request) -> web.StreamResponse:
    """Tell an open page of a customer when to look again."""
    return await stream_changes(request, request.app[SANDBOX].live, request.match_info["customer_id"])


def _acting_agent(sandbox: Sandbox, row: sqlite3.Row) -> Actor:
    return Actor(conversations.agent_for(sandbox.store, row) or sandbox.api_user.id, "AGENT")


def _change(sandbox: Sandbox, conversation_id: str, act: Callable[[Actor], None]) -> web.Response:
    try:
        row = conversations.row_of(sandbox.store, conversation_id)
    except GladlyError:
        words = "There is no conversation at this address. Perhaps its customer was merged or deleted."
        return _problem_page(sandbox, 404, "No such conversation", words)
    try:
        with sandbox.store.transaction():
            act(_acting_agent(sandbox, row))
    except GladlyError as error:
        words = "; ".join(detail.detail for detail in error.errors)
        return _customer_page(sandbox, row["customer_id"], f"Nothing was changed: {words}.")
    raise web.HTTPSeeOther(f"/customers/{row['customer_id']}")


async def close(request: web.Request) -> web.Response:
    """Close a conversation, as an agent may at any time."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    return _change(
        sandbox,
        conversation_id,
        lambda agent: conversations.close(sandbox.store, conversation_id, agent, force=True),
    )


async def reopen(request: web.Request) -> web.Response:
    """Reopen a conversation."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    return _change(
        sandbox, conversation_id, lambda agent: conversations.reopen(sandbox.store, conversation_id, agent)
    )


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/", customer_list),
    web.get("/customers/{customer_id}", customer),
    web.get("/customers/{customer_id}/changes", changes, allow_head=False),
    web.post("/conversations/{conversation_id}/close", close),
    web.post("/conversations/{conversation_id}/reopen", reopen),
    STATIC_ROUTE,
)
