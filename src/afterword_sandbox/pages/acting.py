"""Who sits at the desktop: the agent that was chosen there, else whoever has the conversation, else its inbox's first.

The choice is a cookie; it says who acts, and lets nobody do anything that others may not.
"""

import sqlite3

from aiohttp import web

from afterword_sandbox.company import conversations
from afterword_sandbox.company.events import Actor
from afterword_sandbox.identifiers import is_url_safe
from afterword_sandbox.sandbox import SANDBOX

COOKIE = "sandbox_agent"


def acting_agent_id(request: web.Request) -> str:
    """Return the id of the active agent that was chosen, or "" when none was."""
    chosen = request.cookies.get(COOKIE, "")
    store = request.app[SANDBOX].store
    known = store.one("SELECT 1 FROM agents WHERE id = ? AND NOT deactivated", (chosen,))
    return chosen if known is not None else ""


def acting_agent(request: web.Request, conversation: sqlite3.Row | None) -> Actor:
    """Return who acts, in a conversation if it is about one."""
    sandbox = request.app[SANDBOX]
    agent_id = acting_agent_id(request)
    if not agent_id and conversation is not None:
        agent_id = conversations.agent_for(sandbox.store, conversation) or ""
    return Actor(agent_id or sandbox.api_user.id, "AGENT")


async def choose(request: web.Request) -> web.Response:
    """Sit down as an agent, or as whoever has the conversation, and go back to the page."""
    form = await request.post()
    customer_id, agent_id = str(form.get("customer", "")), str(form.get("agent", ""))
    answer = web.HTTPSeeOther(f"/customers/{customer_id}" if is_url_safe(customer_id) else "/")
    if is_url_safe(agent_id):
        answer.set_cookie(COOKIE, agent_id, httponly=True, samesite="Strict")
    else:
        answer.del_cookie(COOKIE)
    raise answer


ROUTES: tuple[web.RouteDef, ...] = (web.post("/acting-agent", choose),)
