"""``/_sandbox/…``: what Gladly's API cannot do, so never under ``/api``. Same credentials, no rate limit.

A customer's inbound message, a merge, settings of the organization, and a look at what happened.
"""

from contextlib import nullcontext
from datetime import timedelta

import msgspec
from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.api.addresses import normalize_email
from afterword_sandbox.api.edge import HEALTH_PATH
from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.clock import present, pretend
from afterword_sandbox.company import (
    automation,
    conversations,
    customers,
    exports,
    history,
    items,
    merging,
    messages,
    notes,
    presence,
)
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import Message
from afterword_sandbox.errors import Problems, convert, refusal
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
    channel = fields.choice("channel", messages.CHANNELS) or "CHAT"
    subject = fields.text("subject", maximum=1000)
    inbox_id, agent_id = fields.text("inboxId"), fields.text("agentId")
    if agent_id and not inbox_id:
        fields.refuse("inboxId", "blank", "inboxId cannot be blank when there is an agentId")
    fields.problems.raise_any()
    with store.transaction():
        customer_id = _known_or_new_customer(store, customer_id, profile)
        written = messages.receive(
            store,
            customer_id,
            Message(text, channel, subject),
            inbox_id=inbox_id or None,
            agent_id=agent_id or None,
        )
    return json_response(
        {"customerId": customer_id, "conversationId": written.conversation_id, "itemId": written.item_id},
        status=201,
    )


async def send_message(request: web.Request) -> web.Response:
    """Let an agent answer in a conversation: the assigned one, else the first of its inbox, unless named."""
    sandbox, conversation_id = request.app[SANDBOX], request.match_info["conversation_id"]
    row = conversations.row_of(sandbox.store, conversation_id)
    fields = Fields(await read_object(request), Problems())
    text = fields.text("text", required=True, maximum=MESSAGE_LENGTH) or ""
    channel = fields.choice("channel", messages.CHANNELS) or "CHAT"
    agent_id = fields.text("agentId") or conversations.agent_for(sandbox.store, row)
    fields.problems.raise_any()
    agent = Actor(agent_id or actor(request).id, "AGENT")
    with sandbox.store.transaction():
        item_id = messages.write_outbound(sandbox.store, conversation_id, Message(text, channel), agent)
    return json_response({"conversationId": conversation_id, "itemId": item_id}, status=201)


class _PastConversations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    conversations: list[history.PastConversation]


async def put_past_conversations(request: web.Request) -> web.Response:
    """Let conversations have happened in the past, all of them or none."""
    sandbox = request.app[SANDBOX]
    told = convert(await read_object(request), _PastConversations).conversations
    with sandbox.store.transaction():
        put = [history.put(sandbox.store, past, actor(request)) for past in told]
    made = [
        {"customerId": one.customer_id, "conversationId": one.conversation_id, "itemIds": one.item_ids}
        for one in put
    ]
    return json_response({"conversations": made}, status=201)


class _ExportJob(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    start_at: history.Moment | None = None
    end_at: history.Moment | None = None
    updated_at: history.Moment | None = None
    status: exports.Status = "COMPLETED"


async def make_export_job(request: web.Request) -> web.Response:
    """Make an export job, which Gladly does by its schedule only: of the last 24 hours unless told otherwise."""
    store = request.app[SANDBOX].store
    told = convert(await read_object(request), _ExportJob)
    end = told.end_at or present()
    start = told.start_at or end - timedelta(hours=24)
    if end <= start:
        raise refusal(400, "invalid", "endAt must be after startAt", attr="startAt")
    with store.transaction():
        job = exports.make(store, start, end, status=told.status, at=told.updated_at)
    return json_response(job, status=201)


class _PresenceChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    agent_id: str
    change: presence.Change
    at: history.Moment | None = None


class _Presence(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    changes: list[_PresenceChange]


async def note_presence(request: web.Request) -> web.Response:
    """Let agents log in and out, go away and return, or become available, now or in the past."""
    store = request.app[SANDBOX].store
    told = convert(await read_object(request), _Presence)
    with store.transaction():
        for one in told.changes:
            with nullcontext() if one.at is None else pretend(one.at):
                presence.note(store, one.agent_id, one.change)
    return web.Response(status=204)


async def receive_automated_message(request: web.Request) -> web.Response:
    """Take a customer's chat message for the program that answers automated chats."""
    store = request.app[SANDBOX].store
    fields = Fields(await read_object(request), Problems())
    customer_id, profile = _read_sender(fields)
    text = fields.text("text", required=True, maximum=MESSAGE_LENGTH) or ""
    fields.problems.raise_any()
    with store.transaction():
        customer_id = _known_or_new_customer(store, customer_id, profile)
        session_id = automation.receive(store, customer_id, text)
    return json_response({"customerId": customer_id, "sessionId": session_id}, status=201)


async def define_attribute(request: web.Request) -> web.Response:
    """Define a freeform topic (custom attribute) of conversations."""
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    key, label = fields.text("key", required=True), fields.text("label")
    fields.problems.raise_any()
    with sandbox.store.transaction():
        attribute_id = notes.define_attribute(sandbox.store, key or "", label or key or "", actor(request))
    return json_response({"id": attribute_id}, status=201)


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
    web.post("/_sandbox/past-conversations", put_past_conversations),
    web.post("/_sandbox/conversations/{conversation_id}/messages", send_message),
    web.post("/_sandbox/export-jobs", make_export_job),
    web.post("/_sandbox/agent-statuses", note_presence),
    web.post("/_sandbox/automation-messages", receive_automated_message),
    web.post("/_sandbox/custom-attributes", define_attribute),
    web.post("/_sandbox/merges", merge),
    web.get("/_sandbox/settings", show_settings, allow_head=False),
    web.patch("/_sandbox/settings", change_settings),
    web.get("/_sandbox/customers/{customer_id}/timeline", timeline, allow_head=False),
    web.get("/_sandbox/webhooks/{webhook_id}/requests", webhook_requests, allow_head=False),
    web.delete("/_sandbox/mails", clear_mails),
)
