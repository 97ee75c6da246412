"""``conversation-items``: customer activities on the timeline, and reading any item."""

from urllib.parse import urlsplit

from aiohttp import web

from afterword_sandbox.api.addresses import normalize_email, normalize_phone
from afterword_sandbox.api.customers import refuse_moved
from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.authentication import actor
from afterword_sandbox.clock import format_time, parse_time
from afterword_sandbox.company import customers, items
from afterword_sandbox.company.customers import Email, Phone, Profile
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store

ACTIVITY_TYPES = frozenset({"EMAIL", "ISSUE", "SMS", "SURVEY"})
TITLE_LENGTH = 100
BODY_LENGTH = 25_000
SOURCE_NAME_LENGTH = 50
LINK_TEXT_LENGTH = 50


def _read_link(content: Fields) -> dict[str, object] | None:
    link = content.object("link")
    if link is None:
        return None
    url = link.text("url", required=True, maximum=2048)
    text = link.text("text", maximum=LINK_TEXT_LENGTH)
    if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
        link.refuse("url", "invalid", "content.link.url must be an http or https address")
    return {"url": url} if text is None else {"url": url, "text": text}


def _read_occurred_at(content: Fields) -> str | None:
    text = content.text("occurredAt")
    if text is None:
        return None
    moment = parse_time(text)
    if moment is None:
        content.refuse("occurredAt", "invalid", "content.occurredAt must be an RFC 3339 time")
    elif items.is_older_than_a_year(moment):
        content.refuse("occurredAt", "invalid", "content.occurredAt cannot be older than a year")
    else:
        return format_time(moment)
    return None


def read_activity(fields: Fields) -> dict[str, object]:
    """Read the content of a customer activity; what it does not mention is left out."""
    content = fields.object("content", required=True)
    if content is None:
        return {}
    activity: dict[str, object | None] = {
        "type": content.choice("type", {items.ACTIVITY}, required=True),
        "activityType": content.choice("activityType", ACTIVITY_TYPES, required=True),
        "title": content.text("title", maximum=TITLE_LENGTH),
        "body": content.text("body", maximum=BODY_LENGTH),
        "sourceName": content.text("sourceName", maximum=SOURCE_NAME_LENGTH),
        "link": _read_link(content),
        "expandByDefault": content.flag("expandByDefault") or False,
        "occurredAt": _read_occurred_at(content),
    }
    return {key: value for key, value in activity.items() if value is not None}


def read_customer(fields: Fields) -> Email | Phone | None:
    """Read ``customer``: one address or one mobile number; ``None`` when something is wrong, which was noted."""
    customer = fields.object("customer", required=True)
    if customer is None:
        return None
    address, number = customer.text("emailAddress"), customer.text("mobilePhone")
    if not address and not number:
        customer.problems.add(None, "blank", "one of emailAddress, phoneNumber must be present")
    elif address and number:
        customer.problems.add(None, "invalid", "only one of emailAddress, mobilePhone can be present")
    elif address:
        email = normalize_email(address)
        if email is None:
            customer.refuse("emailAddress", "invalid", "invalid email address")
        return email
    elif number:
        normalized = normalize_phone(number)
        if normalized is None:
            customer.refuse("mobilePhone", "invalid", "invalid phone number")
            return None
        return Phone(number, normalized, type="MOBILE")
    return None


def find_or_create(store: Store, who: Email | Phone) -> str:
    """Return the customer with this address or number, made if there is none."""
    if isinstance(who, Email):
        return customers.find_by_address(store, who.normalized) or customers.create(
            store, Profile(emails=(who,))
        )
    return customers.find_by_mobile(store, who.normalized) or customers.create(store, Profile(phones=(who,)))


async def create(request: web.Request) -> web.Response:
    """Put an activity on the timeline of the customer with this address; answers 200, not 201, as Gladly
    does.
    """
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    own_id, who, activity = fields.own_id(), read_customer(fields), read_activity(fields)
    fields.problems.raise_any()
    assert who is not None  # noqa: S101 -- else a problem was noted
    with sandbox.store.transaction():
        customer_id = find_or_create(sandbox.store, who)
        item = items.create_activity(sandbox.store, customer_id, activity, actor(request), own_id)
    return json_response(item)


async def create_for_customer(request: web.Request) -> web.Response:
    """Put an activity on a customer's timeline; a merged customer's has moved (301)."""
    sandbox, customer_id = request.app[SANDBOX], request.match_info["customer_id"]
    path = f"{sandbox.addresses.sandbox_url}/api/v1/customers/{{}}/conversation-items"
    refuse_moved(sandbox.store, customer_id, path, attr="customer id")
    customers.row_of(sandbox.store, customer_id)
    fields = Fields(await read_object(request), Problems())
    own_id, activity = fields.own_id(), read_activity(fields)
    fields.problems.raise_any()
    with sandbox.store.transaction():
        item = items.create_activity(sandbox.store, customer_id, activity, actor(request), own_id)
    return json_response(item)


async def get(request: web.Request) -> web.Response:
    """Show an item."""
    return json_response(items.get(request.app[SANDBOX].store, request.match_info["item_id"]))


async def delete(request: web.Request) -> web.Response:
    """Delete an activity, by its id alone or under its customer."""
    store = request.app[SANDBOX].store
    with store.transaction():
        items.delete(store, request.match_info["item_id"], request.match_info.get("customer_id"))
    return web.Response(status=204)


_OF_CUSTOMER = "/api/v1/customers/{customer_id}/conversation-items"
ROUTES = (
    web.post("/api/v1/conversation-items", create),
    web.get("/api/v1/conversation-items/{item_id}", get, allow_head=False),
    web.delete("/api/v1/conversation-items/{item_id}", delete),
    web.post(_OF_CUSTOMER, create_for_customer),
    web.delete(f"{_OF_CUSTOMER}/{{item_id}}", delete),
)
