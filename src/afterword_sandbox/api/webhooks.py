"""``/api/v1/webhooks``: who gets which events."""

import re
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from afterword_sandbox.api.fields import Fields, JsonObject, created, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company.events import SELECTABLE_TYPES
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.webhooks import management
from afterword_sandbox.webhooks.management import WebhookChange

NAME_LENGTH = 200
URL_LENGTH = 2048
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_FIXED_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


def _is_acceptable_url(url: str) -> bool:
    """Say whether a webhook may go there: https or, laxer than Gladly, http to this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not url.isprintable() or " " in url or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _read_url(fields: Fields, *, creating: bool) -> str | None:
    url = fields.text("url", required=creating or "url" in fields, maximum=URL_LENGTH)
    if url and not _is_acceptable_url(url):
        fields.refuse("url", "invalid", "url must be an https address")
    return url


def _read_events(fields: Fields, *, creating: bool) -> tuple[str, ...]:
    events = fields.texts("events", required=creating or "events" in fields)
    for event in events:
        if event not in SELECTABLE_TYPES:
            fields.refuse("events", "invalid", f"unknown event {event!r}")
    return tuple(dict.fromkeys(events))


def _read_credentials(fields: Fields) -> dict[str, str] | None:
    credentials = fields.object("credentials")
    if credentials is None:
        return None
    read: dict[str, str] = {}
    for key, required in (("username", True), ("password", True), ("realm", False)):
        value = credentials.text(key, required=required, maximum=1000)
        if value is not None:
            read[key] = value
    if ":" in read.get("username", ""):
        credentials.refuse("username", "invalid", "username cannot contain a colon")
    return read


def _read_headers(fields: Fields) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in (fields.raw_object("headers") or {}).items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FIXED_HEADERS:
            fields.refuse("headers", "invalid", f"{name!r} cannot be a header of a webhook")
        elif not isinstance(value, str) or not value.isprintable() or not value.isascii():
            fields.refuse("headers", "invalid", f"the value of {name!r} must be printable text")
        else:
            headers[name] = value
    return headers


def read_change(body: JsonObject, *, creating: bool) -> WebhookChange:
    """Read what a body says of a webhook; raises 400 with all that is wrong."""
    fields = Fields(body, Problems())
    known: dict[str, Any] = {}
    if creating or "url" in fields:
        known["url"] = _read_url(fields, creating=creating)
    if creating or "events" in fields:
        known["events"] = _read_events(fields, creating=creating)
    if "name" in fields:
        known["name"] = fields.text("name", maximum=NAME_LENGTH)
    if "credentials" in fields:
        known["credentials"] = _read_credentials(fields)
    if "headers" in fields:
        known["headers"] = _read_headers(fields)
    if "enabled" in fields:
        known["enabled"] = fields.flag("enabled") or False
    fields.problems.raise_any()
    return WebhookChange(**known)


async def create(request: web.Request) -> web.Response:
    """Make a webhook."""
    sandbox = request.app[SANDBOX]
    change = read_change(await read_object(request), creating=True)
    webhook_id = await management.create(sandbox.store, sandbox.postman, actor(request), change)
    return created(f"/api/v1/webhooks/{webhook_id}")


async def list_all(request: web.Request) -> web.Response:
    """List every webhook."""
    return json_response(management.all_webhooks(request.app[SANDBOX].store))


async def get(request: web.Request) -> web.Response:
    """Show a webhook."""
    row = management.row_of(request.app[SANDBOX].store, request.match_info["webhook_id"])
    return json_response(management.wire(row))


async def change(request: web.Request) -> web.Response:
    """Change a webhook."""
    sandbox, webhook_id = request.app[SANDBOX], request.match_info["webhook_id"]
    management.row_of(sandbox.store, webhook_id)
    wanted = read_change(await read_object(request), creating=False)
    await management.change_webhook(sandbox.store, sandbox.postman, actor(request), webhook_id, wanted)
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """Delete a disabled webhook."""
    management.delete(request.app[SANDBOX].store, request.match_info["webhook_id"])
    return web.Response(status=204)


ROUTES = (
    web.post("/api/v1/webhooks", create),
    web.get("/api/v1/webhooks", list_all, allow_head=False),
    web.get("/api/v1/webhooks/{webhook_id}", get, allow_head=False),
    web.patch("/api/v1/webhooks/{webhook_id}", change),
    web.delete("/api/v1/webhooks/{webhook_id}", delete),
)
