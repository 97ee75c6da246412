"""What is to be told to subscribers, written down in the transaction in which it happened."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Text, cast, exists, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from afterword.store.tables import event_delivery, event_subscription
from afterword.subscriptions.topics import patterns_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection


async def somebody_listens(connection: "AsyncConnection", name: str, survey_id: str) -> bool:
    """Tell whether anybody subscribed to this, so that a message need not be made for nobody."""
    return bool(await connection.scalar(select(exists().where(_wants(name, survey_id)))))


async def announce(
    connection: "AsyncConnection", name: str, survey_id: str, message: Mapping[str, str]
) -> None:
    """Have every subscriber told of this, once each, in the caller's transaction.

    ``name`` is a topic of ``topics.py`` without the survey. Nobody is called here: the worker does that.
    """
    text = msgspec.json.encode(dict(message)).decode()
    topic = f"{name}.{survey_id}"
    chosen = select(event_subscription.c.id, literal(topic), literal(text)).where(_wants(name, survey_id))
    await connection.execute(
        insert(event_delivery).from_select(["subscription_id", "topic", "message"], chosen)
    )


def _wants(name: str, survey_id: str) -> "ColumnElement[bool]":
    patterns = cast(array(patterns_of(name, survey_id)), ARRAY(Text))
    return event_subscription.c.patterns.bool_op("&&")(patterns)
