"""The organization, agents, inboxes, teams and audiences: read only, whole lists."""

from collections.abc import Callable

from aiohttp import web

from afterword_sandbox.api.edge import Handler
from afterword_sandbox.api.fields import json_response
from afterword_sandbox.company import people
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store


async def organization(request: web.Request) -> web.Response:
    """Show the organization; clients use it to try their credentials."""
    sandbox = request.app[SANDBOX]
    return json_response(people.organization(sandbox.store, sandbox.addresses.sandbox_url))


def _listing(read: Callable[[Store], list[dict[str, object]]]) -> Handler:
    async def list_all(request: web.Request) -> web.Response:
        return json_response(read(request.app[SANDBOX].store))

    return list_all


def _single(read: Callable[[Store, str], dict[str, object]]) -> Handler:
    async def get(request: web.Request) -> web.Response:
        return json_response(read(request.app[SANDBOX].store, request.match_info["id"]))

    return get


ROUTES = (
    web.get("/api/v1/organization", organization, allow_head=False),
    web.get("/api/v1/agents", _listing(people.agents), allow_head=False),
    web.get("/api/v1/agents/{id}", _single(people.agent), allow_head=False),
    web.get("/api/v1/inboxes", _listing(people.inboxes), allow_head=False),
    web.get("/api/v1/inboxes/{id}", _single(people.inbox), allow_head=False),
    web.get("/api/v1/teams", _listing(people.teams), allow_head=False),
    web.get("/api/v1/teams/{id}", _single(people.team), allow_head=False),
    web.get("/api/v1/audiences", _listing(people.audiences), allow_head=False),
)
