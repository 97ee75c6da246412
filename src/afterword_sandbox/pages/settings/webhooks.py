"""Webhooks: listed, made, changed, enabled with a PING, disabled, deleted; with their last deliveries.

A form becomes the body that the API would be sent, so that both refuse the same things in the same words.
"""

import sqlite3
from typing import NamedTuple

import msgspec
from aiohttp import web

from afterword_sandbox.api.webhooks import read_change
from afterword_sandbox.company.events import SELECTABLE_TYPES
from afterword_sandbox.errors import GladlyError, refusal
from afterword_sandbox.live import stream_changes
from afterword_sandbox.pages.settings.frame import Form, Problem, found_or_404, page, problems_of, read_form
from afterword_sandbox.sandbox import SANDBOX, Sandbox
from afterword_sandbox.webhooks import management

TAB = "Webhooks"
FIRST_ENTITIES = ("CONVERSATION", "CONVERSATION_STATUS", "CONVERSATION_ASSIGNEE", "CUSTOMER", "TASK")


class WebhookView(NamedTuple):
    """A webhook as the settings show it; ``why`` says why Gladly deactivated it."""

    id: str
    name: str
    url: str
    events: list[str]
    is_enabled: bool
    is_deactivated: bool
    why: str
    username: str
    header_names: list[str]
    requests: list[dict[str, object]]


def _view(sandbox: Sandbox, row: sqlite3.Row) -> WebhookView:
    requests = management.requests_of(sandbox.store, row["id"])
    deactivated_at = row["disabled_at_due_to_retry_limit"]
    failed = next((request["outcome"] for request in requests if request["status"] == "Error"), "")
    credentials: dict[str, str] = msgspec.json.decode(row["credentials"]) if row["credentials"] else {}
    return WebhookView(
        row["id"],
        row["name"] or "Unnamed webhook",
        row["url"],
        msgspec.json.decode(row["events"], type=list[str]),
        bool(row["enabled"]),
        deactivated_at is not None,
        f"An event could not be delivered and was sent again as often as it may be. At last: {failed}."
        if deactivated_at
        else "",
        credentials.get("username", ""),
        list(msgspec.json.decode(row["headers"], type=dict[str, str])),
        requests,
    )


async def list_all(request: web.Request) -> web.Response:
    """Show every webhook."""
    sandbox = request.app[SANDBOX]
    rows = sandbox.store.all("SELECT * FROM webhooks ORDER BY created_at, rowid")
    return page(
        request,
        "webhooks.html",
        TAB,
        webhooks=[_view(sandbox, row) for row in rows],
        limit=management.WEBHOOK_LIMIT,
    )


def _body(form: Form) -> dict[str, object]:
    """Return what a form says as the API's body; what is secret and left empty stays as it is."""
    body: dict[str, object] = {
        "name": form.text("name"),
        "url": form.text("url"),
        "events": form.ticked.get("events", []),
    }
    if form.text("forget-credentials"):
        body["credentials"] = None
    elif form.text("username") or form.text("password"):
        body["credentials"] = {"username": form.text("username"), "password": form.texts.get("password", "")}
    if form.text("forget-headers"):
        body["headers"] = {}
    elif form.text("headers"):
        lines = [line.partition(":") for line in form.text("headers").splitlines() if line.strip()]
        if any(not colon for _, colon, _ in lines):
            raise refusal(400, "invalid", "each line must be a name, a colon and a value", attr="headers")
        body["headers"] = {name.strip(): value.strip() for name, _, value in lines}
    return body


def _event_groups() -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {entity: [] for entity in FIRST_ENTITIES}
    for event_type in sorted(SELECTABLE_TYPES):
        groups.setdefault(event_type.partition("/")[0], []).append(event_type)
    return list(groups.items())


def _form_page(
    request: web.Request,
    webhook: WebhookView | None,
    form: Form | None = None,
    problems: list[Problem] | None = None,
) -> web.Response:
    """Show a webhook with its form, with what was typed if something was wrong with it; never a secret."""
    values = {
        "name": form.text("name") if form else webhook.name if webhook else "",
        "url": form.text("url") if form else webhook.url if webhook else "",
        "events": form.ticked.get("events", [])
        if form
        else webhook.events
        if webhook
        else ["CONVERSATION/CLOSED"],
        "username": form.text("username") if form else "",
    }
    return page(
        request,
        "webhook.html",
        TAB,
        problems=problems,
        webhook=webhook,
        values=values,
        groups=_event_groups(),
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the form for a new webhook."""
    return _form_page(request, None)


async def add(request: web.Request) -> web.Response:
    """Make a webhook, which is disabled at first, or enabled at once by the other button."""
    sandbox, form = request.app[SANDBOX], await read_form(request)
    try:
        change = read_change({**_body(form), "enabled": bool(form.text("enable"))}, creating=True)
        webhook_id = await management.create(sandbox.store, sandbox.postman, sandbox.api_user, change)
    except GladlyError as error:
        return _form_page(request, None, form, problems_of(error))
    raise web.HTTPSeeOther(f"/settings/webhooks/{webhook_id}")


def _webhook(request: web.Request) -> WebhookView:
    sandbox = request.app[SANDBOX]
    return _view(sandbox, management.row_of(sandbox.store, request.match_info["webhook_id"]))


async def show(request: web.Request) -> web.Response:
    """Show a webhook with its form and its last deliveries."""
    return _form_page(request, _webhook(request))


async def _change(
    request: web.Request, webhook: WebhookView, body: dict[str, object], form: Form | None
) -> web.Response:
    sandbox = request.app[SANDBOX]
    try:
        wanted = read_change(body, creating=False)
        await management.change_webhook(sandbox.store, sandbox.postman, sandbox.api_user, webhook.id, wanted)
    except GladlyError as error:
        return _form_page(request, _webhook(request), form, problems_of(error))
    raise web.HTTPSeeOther(f"/settings/webhooks/{webhook.id}")


async def change(request: web.Request) -> web.Response:
    """Change a webhook; a PING is sent when its address changes."""
    form, webhook = await read_form(request), _webhook(request)
    try:
        body = _body(form)
    except GladlyError as error:
        return _form_page(request, webhook, form, problems_of(error))
    return await _change(request, webhook, body, form)


async def enable(request: web.Request) -> web.Response:
    """Enable a webhook, once it has answered a PING with 200."""
    return await _change(request, _webhook(request), {"enabled": True}, None)


async def disable(request: web.Request) -> web.Response:
    """Disable a webhook."""
    return await _change(request, _webhook(request), {"enabled": False}, None)


async def delete(request: web.Request) -> web.Response:
    """Delete a disabled webhook."""
    management.delete(request.app[SANDBOX].store, request.match_info["webhook_id"])
    raise web.HTTPSeeOther("/settings/webhooks")


async def changes(request: web.Request) -> web.StreamResponse:
    """Tell an open page of a webhook when something was delivered."""
    return await stream_changes(request, request.app[SANDBOX].live, request.match_info["webhook_id"])


_WEBHOOK = "/settings/webhooks/{webhook_id}"
ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/settings/webhooks", list_all),
    web.get("/settings/webhooks/new", show_new),
    web.post("/settings/webhooks", add),
    web.get(_WEBHOOK, found_or_404(show)),
    web.post(_WEBHOOK, found_or_404(change)),
    web.post(f"{_WEBHOOK}/enable", found_or_404(enable)),
    web.post(f"{_WEBHOOK}/disable", found_or_404(disable)),
    web.post(f"{_WEBHOOK}/delete", found_or_404(delete)),
    web.get(f"{_WEBHOOK}/changes", changes, allow_head=False),
)
