"""``/api/v1/communications``: an SMS or an email to a customer, outside of any conversation."""

from aiohttp import web

from afterword_sandbox.api.addresses import normalize_email, normalize_phone
from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.api.items import find_or_create
from afterword_sandbox.authentication import actor
from afterword_sandbox.company import customers, messages
from afterword_sandbox.company.customers import Email, Phone, Profile
from afterword_sandbox.company.messages import Message
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Store

SMS_LENGTH = 1600
SUBJECT_LENGTH = 999
BODY_LENGTH = 500_000


def _answer(request: web.Request, customer_id: str, message: Message) -> web.Response:
    item_id = messages.send_outside(request.app[SANDBOX].store, customer_id, message, actor(request))
    return json_response({"customerId": customer_id, "conversationItemId": item_id})


def _read_number(fields: Fields | None, key: str) -> str:
    text = fields.text(key, required=True) if fields else None
    number = normalize_phone(text) if text else None
    if fields and text and number is None:
        fields.refuse(key, "invalid", "invalid phone number")
    return number or ""


async def send_sms(request: web.Request) -> web.Response:
    """Send an SMS to the customer with this mobile number, who is made if unknown."""
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    number = _read_number(fields.object("customer", required=True), "mobileNumber")
    _read_number(fields, "from")
    text = fields.text("body", required=True, maximum=SMS_LENGTH) or ""
    fields.problems.raise_any()
    with sandbox.store.transaction():
        customer_id = find_or_create(sandbox.store, Phone(number, number, type="MOBILE"))
        return _answer(request, customer_id, Message(text, "SMS"))


def _read_receiver(fields: Fields) -> tuple[Email | None, str | None]:
    receivers = fields.objects("to")
    if len(receivers) != 1:
        code = "invalid" if receivers else "blank"
        fields.refuse("to", code, "exactly one email address must be present")
        return None, None
    address = receivers[0].text("email", required=True)
    email = normalize_email(address) if address else None
    if address and email is None:
        receivers[0].refuse("email", "invalid", "invalid email address")
    return email, receivers[0].text("name", maximum=1000)


def _read_body(fields: Fields) -> str:
    body = fields.object("body", required=True)
    if body is None:
        return ""
    text, html = body.text("text", maximum=BODY_LENGTH), body.text("html", maximum=BODY_LENGTH)
    if not text and not html:
        body.problems.add("body", "blank", "one of html, text must be present")
    return text or html or ""


def _find_or_create(store: Store, email: Email, name: str | None) -> str:
    known = customers.find_by_address(store, email.normalized)
    return known or customers.create(store, Profile(name=name, emails=(email,)))


async def send_email(request: web.Request) -> web.Response:
    """Send an email to one customer, who is made if unknown, from an address of the organization."""
    sandbox = request.app[SANDBOX]
    fields = Fields(await read_object(request), Problems())
    email, name = _read_receiver(fields)
    sender = fields.text("from", required=True)
    if sender and sender.lower() != messages.company_address(sandbox.store, "EMAIL"):
        fields.refuse(
            "from", "invalid", "from must be an email address that is configured in the organization"
        )
    subject = fields.text("subject", required=True, maximum=SUBJECT_LENGTH)
    text = _read_body(fields)
    fields.problems.raise_any()
    assert email is not None  # noqa: S101 -- else a problem was noted
    with sandbox.store.transaction():
        customer_id = _find_or_create(sandbox.store, email, name)
        return _answer(request, customer_id, Message(text, "EMAIL", subject))


ROUTES = (
    web.post("/api/v1/communications/sms", send_sms),
    web.post("/api/v1/communications/email", send_email),
)
