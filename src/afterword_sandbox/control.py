"""``/_sandbox/…``: what Gladly's API cannot do, so never under ``/api``. Same credentials, no rate limit.

A customer's inbound message, a merge, settings of the organization, and a look at what happened.
"""

from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.api.addresses import normalize_email
from afterword_sandbox.api.edge import HEALTH_PATH
from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import conversations, customers, items, merging
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store
from afterword_sandbox.webhooks import management

MESSAGE_LENGTH = 10_000


async def health(_: web.Request) -> web.Response:
    """Answer 200: whoever can connect finds everything ready. Needs no credentials."""
    return json_response({"status": "ready"})


def _known_or_new_customer(store: Store, customer_id: str | None, profile: Profile) -> str:
    if customer_id is not None:
        return customer_id
    email = profile.emails[0].normalized if isinstance(profile.emails, tuple) and profile.emails else None
    known = customers.find_by_address(store, email) if email is not None else None
    return known or customers.create(store, profile)


def _read_sender(fields: Fields) -> tuple[str | None, Profile]:
    """Read ``customer``: an id, or an address with perhaps a name."""
    sender = fields.object("customer", required=True)
    if sender is None:
        return None, Profile()
    if "id" in sender:
        return sender.text("id", required=True), Profile()
    name = sender.text("name", maximum=1000)
    address = sender.text("email", required=True)
    email = normalize_email(address) if address else None
    if address and email is None:
        sender.refuse("email", "invalid", "invalid email address")
    return None, Profile(name=name, emails=() if email is None else (email,))


async def receive_message(request: web.Request) -> web.Response:
    """Take a customer's message: it makes the customer if unknown, and continues, reopens or opens a
    conversation.
    """
    store = request.app[SANDBOX].store
    fields = Fields(await read_object(request), Problems())
    customer_id, profile = _read_sender(fields)
    text = fields.text("text", required=True, maximum=MESSAGE_LENGTH) or ""
    inbox_id, agent_id = fields.text("inboxId"), fields.text("agentId")
    if agent_id and not inbox_id:
        fields.refuse("inboxId", "blank", "inboxId cannot be blank when there is an agentId")
    fields.problems.raise_any()
    with store.transaction():
        customer_id = _known_or_new_customer(store, customer_id, profile)
        conversation_id, item_id = conversations.receive_message(
            store, customer_id, text, inbox_id=inbox_id or None, agent_id=agent_id or None
        )
    body = {"customerId": customer_id, "conversationId": conversation_id, "itemId": item_id}
    response = json_response(body)
    response.set_status(201)
    return response


async def merge(request: web.Request) -> web.Response:
    """Merge one customer into another."""
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    source_id = fields.text("sourceCustomerId", required=True) or ""
    destination_id = fields.text("destinationCustomerId", required=True) or ""
    fields.problems.raise_any()
    with sandbox.store.transaction():
        merging.merge(sandbox.store, source_id, destination_id, actor(request))
    return web.Response(status=204)


async def show_settings(request: web.Request) -> web.Response:
    """Show every setting and its present value."""
    return json_response(settings.as_json(request.app[SANDBOX].store))


async def change_settings(request: web.Request) -> web.Response:
    """Change the settings that are named."""
    sandbox, wanted = request.app[SANDBOX], await read_object(request)
    with sandbox.store.transaction():
        settings.change(sandbox.store, wanted)
    sandbox.apply_settings()
    return web.Response(status=204)


async def timeline(request: web.Request) -> web.Response:
    """List everything on a customer's timeline, oldest first."""
    return json_response(items.timeline(request.app[SANDBOX].store, request.match_info["customer_id"]))


async def webhook_requests(request: web.Request) -> web.Response:
    """List the last requests to a webhook, newest first."""
    return json_response(management.requests_of(request.app[SANDBOX].store, request.match_info["webhook_id"]))


async def clear_mails(request: web.Request) -> web.Response:
    """Throw every caught mail away."""
    await request.app[SANDBOX].mails.clear()
    return web.Response(status=204)


ROUTES: tuple[web.RouteDef, ...] = (
    web.get(HEALTH_PATH, health),
    web.post("/_sandbox/inbound-messages", receive_message),
    web.post("/_sandbox/merges", merge),
    web.get("/_sandbox/settings", show_settings, allow_head=False),
    web.patch("/_sandbox/settings", change_settings),
    web.get("/_sandbox/customers/{customer_id}/timeline", timeline, allow_head=False),
    web.get("/_sandbox/webhooks/{webhook_id}/requests", webhook_requests, allow_head=False),
    web.delete("/_sandbox/mails", clear_mails),
)
