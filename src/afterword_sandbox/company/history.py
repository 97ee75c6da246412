"""Puts conversations into the past, by the same rules as in the present: items, events, contacts and reports are as
if they had happened then. No webhook is told.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from afterword_sandbox.clock import present, pretend
from afterword_sandbox.company import contacts, conversations, customers, items, messages
from afterword_sandbox.company.customers import Email, Phone, Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import Message
from afterword_sandbox.errors import refusal
from afterword_sandbox.store import Store

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a request tells of the past, in camelCase."""


class By(_Told, frozen=True):
    """Who did something: one of Gladly's initiator types, and an id unless it follows from the conversation."""

    type: str
    id: str | None = None


class PastCustomer(_Told, frozen=True):
    """A customer who is there already (``id``), or one by an address or a mobile number (E.164), made if unknown."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class PastMessage(_Told, frozen=True):
    """A message and when it was written, by the customer unless told otherwise; ``id`` is its item's, if chosen."""

    at: Moment
    text: str
    id: str | None = None
    by: By = By(type="CUSTOMER")


class PastChange(_Told, frozen=True):
    """A closing or reopening and when it was, by the assigned agent unless told otherwise."""

    at: Moment
    by: By = By(type="AGENT")


class PastConversation(_Told, frozen=True):
    """A conversation of the past; without messages the customer writes one when it starts.

    ``id`` is its own, if chosen. Who writes first starts it; its topics are added then.
    """

    customer: PastCustomer
    started_at: Moment
    id: str | None = None
    channel: str = "CHAT"
    inbox_id: str | None = None
    agent_id: str | None = None
    messages: tuple[PastMessage, ...] = ()
    closings: tuple[PastChange, ...] = ()
    reopenings: tuple[PastChange, ...] = ()
    topic_ids: tuple[str, ...] = ()
    topics_by: By = By(type="AGENT")


class Put(NamedTuple):
    """Where a conversation of the past is found now."""

    customer_id: str
    conversation_id: str
    item_ids: list[str]


def put(store: Store, past: PastConversation, api_user: Actor) -> Put:
    """Let a conversation have happened, in the present transaction.

    Raises 400 for a moment in the future or before the start, an unknown channel, inbox or topic, an agent who is not
    of the inbox, and when the customer has another conversation open; 404 for an unknown customer.
    """
    _check(store, past)
    with pretend(past.started_at):
        customer_id = _customer(store, past.customer)
        inbox_id = past.inbox_id or messages.first_inbox(store)
        conversations.check_assignee(store, inbox_id, past.agent_id)
        starter = _starter(past, customer_id, api_user)
        conversation_id = conversations.create(store, customer_id, inbox_id, starter, conversation_id=past.id)
        if past.agent_id is not None:
            reason = "CONTACT_INBOUND" if starter.type in contacts.INBOUND else "MESSAGE_OUTBOUND"
            conversations.assign(store, conversation_id, inbox_id, past.agent_id, starter, reason=reason)
    return Put(customer_id, conversation_id, _Retelling(store, past, conversation_id, api_user).tell())


def _check(store: Store, past: PastConversation) -> None:
    if past.channel not in messages.CHANNELS:
        words = f"channel must be one of {', '.join(sorted(messages.CHANNELS))}"
        raise refusal(400, "invalid", words, attr="channel")
    if past.id is not None and store.one("SELECT 1 FROM conversations WHERE id = ?", (past.id,)):
        raise refusal(409, "taken", "conversation already exists", attr="id")
    for message in past.messages:
        items.refuse_taken(store, message.id, "conversation item already exists")
    moments = [message.at for message in past.messages]
    moments += [change.at for change in (*past.closings, *past.reopenings)]
    if max((past.started_at, *moments)) > present():
        raise refusal(400, "invalid", "a past conversation cannot reach into the future", attr="startedAt")
    if moments and min(moments) < past.started_at:
        raise refusal(400, "invalid", "nothing can happen before startedAt", attr="startedAt")


def _customer(store: Store, told: PastCustomer) -> str:
    if told.id is not None:
        customers.row_of(store, told.id)
        return told.id
    if not told.email and not told.phone:
        raise refusal(400, "blank", "one of customer.id, email, phone must be present", attr="customer")
    known = customers.find_by_address(store, told.email) if told.email else None
    known = known or (customers.find_by_mobile(store, told.phone) if told.phone else None)
    emails = (Email(told.email, told.email.lower()),) if told.email else ()
    phones = (Phone(told.phone, told.phone, type="MOBILE"),) if told.phone else ()
    return known or customers.create(store, Profile(name=told.name, emails=emails, phones=phones))


def _starter(past: PastConversation, customer_id: str, api_user: Actor) -> Actor:
    first = min(past.messages, key=lambda message: message.at).by if past.messages else By(type="CUSTOMER")
    if first.type == "CUSTOMER":
        return Actor(first.id or customer_id, first.type)
    return Actor(first.id or past.agent_id or api_user.id, first.type)


class _Retelling:
    """Lets everything happen in order, each at its moment."""

    def __init__(self, store: Store, past: PastConversation, conversation_id: str, api_user: Actor) -> None:
        self._store = store
        self._past = past
        self._id = conversation_id
        self._api_user = api_user
        self._item_ids: list[str] = []

    def tell(self) -> list[str]:
        """Return the ids of the messages' items."""
        past = self._past
        written: Sequence[PastMessage] = past.messages or (
            PastMessage(at=past.started_at, text="Where is my parcel?"),
        )
        steps: list[tuple[datetime, Callable[[], None]]] = [
            *((message.at, lambda message=message: self._write(message)) for message in written),
            *((change.at, lambda change=change: self._close(change)) for change in past.closings),
            *((change.at, lambda change=change: self._reopen(change)) for change in past.reopenings),
        ]
        if past.topic_ids:
            steps.insert(1, (written[0].at, self._add_topics))
        for moment, step in sorted(steps, key=lambda step: step[0]):
            with pretend(moment):
                step()
        return self._item_ids

    def _actor(self, by: By) -> Actor:
        row = conversations.row_of(self._store, self._id)
        if by.id is not None:
            return Actor(by.id, by.type)
        if by.type == "CUSTOMER":
            return Actor(row["customer_id"], by.type)
        if by.type == "AGENT":
            return Actor(conversations.agent_for(self._store, row) or self._api_user.id, by.type)
        return Actor(self._api_user.id, by.type)

    def _write(self, told: PastMessage) -> None:
        actor, message = self._actor(told.by), Message(told.text, self._past.channel, own_id=told.id)
        write = messages.write_inbound
        if actor.type not in contacts.INBOUND:
            conversations.reopen(self._store, self._id, actor)
            write = messages.write_outbound
        self._item_ids.append(write(self._store, self._id, message, actor))

    def _close(self, told: PastChange) -> None:
        conversations.close(self._store, self._id, self._actor(told.by), force=True)

    def _reopen(self, told: PastChange) -> None:
        conversations.reopen(self._store, self._id, self._actor(told.by))

    def _add_topics(self) -> None:
        by = self._actor(self._past.topics_by)
        conversations.add_topics(self._store, self._id, self._past.topic_ids, by)
