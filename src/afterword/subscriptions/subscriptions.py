"""Subscriptions as stored. The shared key and the address, which may hold a secret, are kept encrypted."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, func, insert, select, update

from afterword.accounts.audit import audit
from afterword.accounts.secrets import SecretBox
from afterword.outgoing.addresses import parse_address
from afterword.store.identifiers import new_id
from afterword.store.tables import event_delivery, event_subscription
from afterword.subscriptions.topics import parse_topics

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

LONGEST_SHARED_KEY = 1000
MOST_SUBSCRIPTIONS = 200


class InvalidSubscription(ValueError):
    """There cannot be such a subscription; the message says what to change."""


class NewSubscription(msgspec.Struct, frozen=True):
    """What somebody asks for. Without a shared key, deliveries are plain and prove nothing."""

    topics: str
    publication_url: str
    shared_key: str | None = None

    def __repr__(self) -> str:
        return f"NewSubscription({self.topics!r})"


class Subscription(msgspec.Struct, frozen=True):
    """A subscription. ``waiting`` and ``given_up`` count what it has not been told."""

    id: str
    topics: str
    publication_url: str
    successful_calls: int
    waiting: int
    given_up: int
    last_succeeded_at: datetime | None
    last_failed_at: datetime | None
    last_failure: str | None
    created_at: datetime

    def __repr__(self) -> str:
        return f"Subscription({self.id!r})"


class Destination(msgspec.Struct, frozen=True):
    """Where a subscription's calls go, and what they are signed with."""

    publication_url: str
    shared_key: str | None = None

    def __repr__(self) -> str:
        return "Destination(…)"


def check_subscription(new: NewSubscription) -> None:
    """Check what can be told without asking anybody.

    Raises:
        UnknownTopic: a topic is none.
        InvalidAddress: the address may not be called.
        InvalidSubscription: the shared key cannot be used.
    """
    parse_topics(new.topics)
    parse_address(new.publication_url, "publicationUrl")
    key = new.shared_key
    if key is not None and (not key.strip() or len(key) > LONGEST_SHARED_KEY or _holds_half_a_pair(key)):
        raise InvalidSubscription(
            f"sharedKey has 1 to {LONGEST_SHARED_KEY} characters; leave it out to be told without a signature."
        )


async def add_subscription(
    connection: "AsyncConnection", box: SecretBox, new: NewSubscription, *, person_id: str
) -> str:
    """Store a subscription that was checked; answers its id (``SUB_…``).

    Two that are alike are both kept: programs change one by making another and then deleting the first.

    Raises:
        InvalidSubscription: there are as many as there may be.
    """
    count = await connection.scalar(select(func.count()).select_from(event_subscription))
    if (count or 0) >= MOST_SUBSCRIPTIONS:
        raise InvalidSubscription(f"There are {count} subscriptions, and no more may be; delete one first.")
    subscription_id = new_id("SUB")
    secrets = msgspec.json.encode(Destination(new.publication_url, new.shared_key)).decode()
    await connection.execute(
        insert(event_subscription).values(
            id=subscription_id,
            person_id=person_id,
            topics=new.topics,
            patterns=list(parse_topics(new.topics)),
            secrets=box.encrypt(secrets),
        )
    )
    told_at = new.publication_url.partition("?")[0]
    await audit(
        connection,
        "subscription",
        "added",
        (subscription_id, new.topics),
        after={"topics": new.topics, "address": told_at},
    )
    return subscription_id


async def list_subscriptions(
    connection: "AsyncConnection", box: SecretBox, *, limit: int, offset: int = 0
) -> list[Subscription]:
    """Subscriptions, oldest first."""
    order = (event_subscription.c.created_at, event_subscription.c.id)
    found = await connection.execute(_subscriptions().order_by(*order).limit(limit).offset(offset))
    return [_from_row(row, box) for row in found.mappings()]


async def get_subscription(
    connection: "AsyncConnection", box: SecretBox, subscription_id: str
) -> Subscription | None:
    """The subscription with this id."""
    found = await connection.execute(_subscriptions().where(event_subscription.c.id == subscription_id))
    row = found.mappings().one_or_none()
    return None if row is None else _from_row(row, box)


async def delete_subscription(connection: "AsyncConnection", subscription_id: str) -> bool:
    """End a subscription, and forget what it was not told; tells whether there was one."""
    topics = await connection.scalar(
        delete(event_subscription)
        .where(event_subscription.c.id == subscription_id)
        .returning(event_subscription.c.topics)
    )
    if topics is None:
        return False
    await audit(connection, "subscription", "ended", (subscription_id, topics), before={"topics": topics})
    return True


async def tell_again(connection: "AsyncConnection", subscription_id: str) -> int:
    """Have a subscriber told what was given up, from the first attempt on; answers how much that is."""
    revived = await connection.execute(
        update(event_delivery)
        .where(event_delivery.c.subscription_id == subscription_id, event_delivery.c.status == "given-up")
        .values(status="due", attempt=0, due_at=func.now(), created_at=func.now())
    )
    await connection.execute(
        update(event_subscription).where(event_subscription.c.id == subscription_id).values(held_until=None)
    )
    return revived.rowcount


def without_query(subscription: Subscription) -> Subscription:
    """The same with an address that may be shown: its query may hold a secret."""
    address, question_mark, _ = subscription.publication_url.partition("?")
    return msgspec.structs.replace(subscription, publication_url=f"{address}?…" if question_mark else address)


def open_destination(secrets: bytes, box: SecretBox) -> Destination:
    """Read what ``add_subscription`` encrypted."""
    return msgspec.json.decode(box.decrypt(secrets), type=Destination)


def _subscriptions() -> "Select[tuple[object, ...]]":
    untold = (
        select(
            func.count().filter(event_delivery.c.status == "due").label("waiting"),
            func.count().filter(event_delivery.c.status == "given-up").label("given_up"),
        )
        .where(event_delivery.c.subscription_id == event_subscription.c.id)
        .lateral()
    )
    return select(event_subscription, untold.c.waiting, untold.c.given_up).select_from(
        event_subscription.join(untold, onclause=event_subscription.c.id.is_not(None))
    )


def _from_row(row: "RowMapping", box: SecretBox) -> Subscription:
    destination = open_destination(row["secrets"], box)
    fields = {name: row[name] for name in Subscription.__struct_fields__ if name != "publication_url"}
    return Subscription(**fields, publication_url=destination.publication_url)


def _holds_half_a_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
