"""Having a real Qualtrics tell us of a survey's responses, by an event subscription.

Doing it again changes nothing. A subscription that is out of date (another address, another secret, one that somebody
deleted at Qualtrics) is replaced: first the new one is made, then the old one goes, so that no response is missed; one
that both tell of is one event.
"""

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import Values, audit
from afterword.accounts.qualtrics_accounts import QualtricsAccount
from afterword.qualtrics.client import QualtricsClient
from afterword.qualtrics.errors import QualtricsNotFound
from afterword.qualtrics.models import EventSubscription
from afterword.qualtrics.webhooks import COMPLETED_RESPONSE
from afterword.store.database import Database
from afterword.store.tables import qualtrics_subscription


class Subscribed(msgspec.Struct, frozen=True):
    """A subscription as it is now. ``is_new`` is false when there was nothing to do; ``replaced`` went for it."""

    id: str
    topic: str
    address: str
    is_new: bool
    replaced: tuple[str, ...] = ()


class Stored(msgspec.Struct, frozen=True):
    """A subscription as we remember it."""

    survey_id: str
    subscription_id: str
    publication_url: str
    secret_sha256: bytes


COLUMNS = [qualtrics_subscription.c[name] for name in Stored.__struct_fields__]


def notification_address(public_url: str, account_id: str) -> str:
    """Where Qualtrics tells us of an account's responses."""
    return f"{public_url.rstrip('/')}/webhooks/qualtrics/{account_id}"


async def subscribe(
    database: Database, client: QualtricsClient, account: QualtricsAccount, survey_id: str, address: str
) -> Subscribed:
    """Have responses of a survey told to ``address``, signed with the newest of the account's secrets.

    The secret has to be saved before: Qualtrics may try the address while this is under way.

    Raises:
        Outcome: what Qualtrics answered; ``QualtricsMissingPermission`` where the token is no brand administrator's.
    """
    topic, secret = f"{COMPLETED_RESPONSE}.{survey_id}", account.notification_secrets[0]
    digest = hashlib.sha256(secret.encode()).digest()
    async with database.transaction() as connection:
        await _one_at_a_time(connection, account.id)
        stored = await find_subscription(connection, account.id, survey_id)
        ours = _ours(await client.event_subscriptions(), topic, account.id, stored)
        is_current = (
            stored is not None and stored.publication_url == address and stored.secret_sha256 == digest
        )
        if stored is not None and is_current and any(one.id == stored.subscription_id for one in ours):
            subscription_id, is_new = stored.subscription_id, False
        else:
            subscription_id, is_new = await client.create_event_subscription(topic, address, secret), True
            await _store(connection, account.id, Stored(survey_id, subscription_id, address, digest))
            subject = (account.id, account.name)
            await audit(connection, "account", "subscribed to a survey", subject, after={"survey": survey_id})
        old = tuple(one.id for one in ours if one.id != subscription_id)
        await _delete(client, old)
    return Subscribed(subscription_id, topic, address, is_new, old)


async def unsubscribe(
    database: Database, client: QualtricsClient, account: QualtricsAccount, survey_id: str
) -> tuple[str, ...]:
    """End what we have subscribed to of a survey; answers the subscriptions that went.

    Raises:
        Outcome: what Qualtrics answered.
    """
    topic = f"{COMPLETED_RESPONSE}.{survey_id}"
    async with database.transaction() as connection:
        await _one_at_a_time(connection, account.id)
        stored = await find_subscription(connection, account.id, survey_id)
        ours = _ours(await client.event_subscriptions(), topic, account.id, stored)
        gone = tuple(one.id for one in ours)
        await _delete(client, gone)
        await connection.execute(
            delete(qualtrics_subscription).where(
                qualtrics_subscription.c.account_id == account.id,
                qualtrics_subscription.c.survey_id == survey_id,
            )
        )
        if gone or stored is not None:
            subject = (account.id, account.name)
            before: Values = {"survey": survey_id}
            await audit(connection, "account", "subscription to a survey ended", subject, before=before)
    return gone


async def find_subscription(connection: AsyncConnection, account_id: str, survey_id: str) -> Stored | None:
    """What we remember to have subscribed to of a survey."""
    found = [one for one in await list_subscriptions(connection, account_id) if one.survey_id == survey_id]
    return found[0] if found else None


async def list_subscriptions(connection: AsyncConnection, account_id: str) -> list[Stored]:
    """What we remember to have subscribed to of an account."""
    listing = (
        select(*COLUMNS)
        .where(qualtrics_subscription.c.account_id == account_id)
        .order_by(qualtrics_subscription.c.survey_id)
    )
    return [Stored(*row) for row in await connection.execute(listing)]


def _ours(
    all_: Sequence[EventSubscription], topic: str, account_id: str, stored: Stored | None
) -> list[EventSubscription]:
    """Those of a brand's subscriptions that tell us of this survey, at whatever address we had.

    A brand's name may stand before the topic, as it does in what is delivered.
    """
    path = f"/webhooks/qualtrics/{account_id}"
    return [
        one
        for one in all_
        if (stored is not None and one.id == stored.subscription_id)
        or (
            urlsplit(one.publication_url or "").path == path
            and ((one.topics or "") == topic or (one.topics or "").endswith(f".{topic}"))
        )
    ]


async def _delete(client: QualtricsClient, ids: Sequence[str]) -> None:
    for id_ in ids:
        try:
            await client.delete_event_subscription(id_)
        except QualtricsNotFound:
            continue


async def _store(connection: AsyncConnection, account_id: str, new: Stored) -> None:
    values = {"account_id": account_id, "created_at": func.now(), **msgspec.structs.asdict(new)}
    await connection.execute(
        insert(qualtrics_subscription)
        .values(values)
        .on_conflict_do_update(index_elements=["account_id", "survey_id"], set_=values)
    )


async def _one_at_a_time(connection: AsyncConnection, account_id: str) -> None:
    """Two who subscribe at once would make two subscriptions."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(account_id, 0))))
