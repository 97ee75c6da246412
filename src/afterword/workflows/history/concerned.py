"""Whom an event is about, as far as that is known without asking anybody."""

from collections.abc import Mapping

import msgspec

from afterword.gladly import webhooks

FROM_GLADLY = "gladly/"
FROM_SURVEY = "survey/"


class Customer(msgspec.Struct, frozen=True):
    """A Customer as the event tells of them; each part may be empty."""

    id: str = ""
    name: str = ""
    email: str = ""


class Concerned(msgspec.Struct, frozen=True):
    """Customer and Conversation of an event; the conversation's id may be empty."""

    customer: Customer = Customer()
    conversation_id: str = ""


NOBODY = Concerned()


def concerned(
    origin: str,
    body: str | None,
    *,
    embedded_data: Mapping[str, str] | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    email: str | None = None,
) -> Concerned:
    """Whom an event is about: from a webhook's or JSON event's body, or from what is known of a response.

    What cannot be read tells of nobody: run history shows every event, the strange ones too.
    """
    if origin.startswith(FROM_SURVEY):
        fields = _folded(embedded_data or {})
        name = f"{first_name or ''} {last_name or ''}".strip()
        return Concerned(
            Customer(fields.get("customerid", ""), name, email or ""), fields.get("conversationid", "")
        )
    if body is None:
        return NOBODY
    return _of_webhook(body) if origin.startswith(FROM_GLADLY) else _of_json_event(body)


def named_by(outputs: Mapping[str, Mapping[str, object]], found: Concerned) -> Concerned:
    """Add the customer's name and address where a task of the run found them out."""
    if found.customer.name or found.customer.email:
        return found
    for output in outputs.values():
        customer = _of_fields(_texts(output)).customer
        if customer.id == found.customer.id and (customer.name or customer.email):
            return Concerned(customer, found.conversation_id)
    return found


def _of_webhook(body: str) -> Concerned:
    try:
        told = webhooks.parse(body.encode())
    except (webhooks.InvalidWebhook, ValueError):
        return NOBODY
    return Concerned(Customer(told.customer_id or ""), told.conversation_id or "")


def _of_json_event(body: str) -> Concerned:
    try:
        given = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, ValueError):
        return NOBODY
    return _of_fields(_texts(given))


def _of_fields(named: Mapping[str, str]) -> Concerned:
    """By the names that the Gladly Qualtrics App gives its fields."""
    fields = _folded(named)
    name = f"{fields.get('customerfirstname', '')} {fields.get('customerlastnames', '')}".strip()
    return Concerned(
        Customer(fields.get("customerid", ""), name, fields.get("customeremailaddress", "")),
        fields.get("conversationid", ""),
    )


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _folded(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in fields.items()}
