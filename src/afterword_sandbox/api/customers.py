"""``/api/v1/customer-profiles`` and a customer's conversations."""

from typing import Any

from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.api.addresses import normalize_email, read_emails, read_phones
from afterword_sandbox.api.fields import Fields, JsonObject, created, json_response, read_object
from afterword_sandbox.authentication import require
from afterword_sandbox.company import conversations, customers
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store

_TEXTS = {
    "name": ("name", 1000),
    "image": ("image", 2048),
    "address": ("address", 2048),
    "externalCustomerId": ("external_customer_id", 255),
}


def read_profile(fields: Fields) -> Profile:
    """Read what a body says of a customer; what is read only (createdAt, normalized…) is ignored, as Gladly
    does.
    """
    known: dict[str, Any] = {}
    for key, (name, maximum) in _TEXTS.items():
        if key in fields:
            known[name] = fields.text(key, maximum=maximum)
    if "customAttributes" in fields:
        known["custom_attributes"] = fields.raw_object("customAttributes") or {}
    if "emails" in fields:
        known["emails"] = read_emails(fields)
    if "phones" in fields:
        known["phones"] = read_phones(fields)
    return Profile(**known)


def _profile_of_body(body: JsonObject) -> tuple[Profile, Fields]:
    fields = Fields(body, Problems())
    return read_profile(fields), fields


def refuse_moved(store: Store, customer_id: str, path: str, attr: str = "customerId") -> None:
    """Raise 301 for a customer who was merged; ``path`` has ``{}`` where the new id belongs."""
    new_id = customers.merged_into(store, customer_id)
    if new_id is not None:
        location = path.format(new_id) if settings.read(store).moved_location else None
        raise customers.moved(customer_id, new_id, attr=attr, location=location)


async def search(request: web.Request) -> web.Response:
    """Find profiles by exactly one of email, phoneNumber and externalCustomerId."""
    given = [(key, value) for key, value in request.query.items() if key in customers.SEARCH_KEYS]
    if len(given) != 1 or not given[0][1]:
        detail = "exactly one of email, phoneNumber, externalCustomerId must be present"
        raise refusal(400, "blank" if not given or len(given) == 1 else "invalid", detail)
    key, value = given[0]
    if key == "email" and normalize_email(value) is None:
        raise refusal(400, "invalid", "invalid email address", attr="email")
    found, limited = customers.search(request.app[SANDBOX].store, key, value.strip())
    return json_response(found, limited=limited)


async def create(request: web.Request) -> web.Response:
    """Make a profile."""
    profile, fields = _profile_of_body(await read_object(request))
    own_id = fields.own_id()
    fields.problems.raise_any()
    store = request.app[SANDBOX].store
    with store.transaction():
        customer_id = customers.create(store, profile, own_id)
    return created(f"/api/v1/customer-profiles/{customer_id}")


async def get(request: web.Request) -> web.Response:
    """Show a profile, or where it has moved."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    refuse_moved(store, customer_id, "/api/v1/customer-profiles/{}")
    return json_response(customers.profile(store, customer_id))


async def change(request: web.Request) -> web.Response:
    """Change a profile; a merged one is not there any more (404)."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    customers.row_of(store, customer_id)
    profile, fields = _profile_of_body(await read_object(request))
    fields.problems.raise_any()
    with store.transaction():
        customers.change(store, customer_id, profile)
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """Delete a profile with its conversations, as a Compliance Admin may."""
    require(request, "COMPLIANCE_ADMIN")
    store = request.app[SANDBOX].store
    with store.transaction():
        customers.delete(store, request.match_info["customer_id"])
    return web.Response(status=204)


async def list_conversations(request: web.Request) -> web.Response:
    """List a customer's conversations, oldest first."""
    store, customer_id = request.app[SANDBOX].store, request.match_info["customer_id"]
    refuse_moved(store, customer_id, "/api/v1/customers/{}/conversations")
    found, limited = conversations.of_customer(store, customer_id)
    return json_response(found, limited=limited)


ROUTES = (
    web.get("/api/v1/customer-profiles", search, allow_head=False),
    web.post("/api/v1/customer-profiles", create),
    web.get("/api/v1/customer-profiles/{customer_id}", get, allow_head=False),
    web.patch("/api/v1/customer-profiles/{customer_id}", change),
    web.delete("/api/v1/customer-profiles/{customer_id}", delete),
    web.get("/api/v1/customers/{customer_id}/conversations", list_conversations, allow_head=False),
)
