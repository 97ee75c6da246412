"""Gladly's list of events: the last 24 hours, with the events' own ids, up to 15 s behind."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

import msgspec
import structlog

from afterword.backfill.finding import Found
from afterword.backfill.rows import Missing
from afterword.backfill.slices import Span
from afterword.gladly.client import GladlyClient
from afterword.gladly.past import GladlyEvent
from afterword.gladly.webhooks import MUST_NAME_A_CONVERSATION
from afterword.translating import N_, said

log = structlog.get_logger()


class Heard(msgspec.Struct, frozen=True):
    """An event of the list: its time, and what it is to us, if anything."""

    at: datetime | None
    found: Found | None
    problem: str = ""


async def hear(client: GladlyClient, since: datetime, until: datetime | None) -> AsyncIterator[Heard]:
    """Every event of conversations; an event that cannot be read is told with its problem."""
    async with aclosing(client.events(since, until)) as events:
        async for told in events:
            yield _heard(told)


async def read(client: GladlyClient, span: Span) -> tuple[list[Found], list[Missing]]:
    """The closings and reopenings of a time, and what of it could not be read."""
    found = []
    missing = []
    async for heard in hear(client, span.since, span.until):
        if heard.found is not None:
            found.append(heard.found)
        elif heard.problem:
            words = said("an event in Gladly's list cannot be read: %(problem)s", problem=heard.problem)
            missing.append(Missing(since=span.since, until=span.until, words=words))
    return found, missing[:1]


def _heard(told: GladlyEvent) -> Heard:
    event = told.event
    if event is None:
        return _unreadable(told.problem)
    if event.type not in MUST_NAME_A_CONVERSATION or event.occurred_at is None or event.id is None:
        return Heard(event.occurred_at, None)
    try:
        body = told.body.decode()
    except UnicodeDecodeError:
        return _unreadable(N_("it is not UTF-8"), event.occurred_at)
    if any("\x00" in text for text in (event.id, str(event.conversation_id), str(event.customer_id))):
        return _unreadable(N_("an id in it has a character that no id has"), event.occurred_at)
    found = Found(
        type=event.type,
        conversation_id=str(event.conversation_id),
        customer_id=str(event.customer_id),
        occurred_at=event.occurred_at,
        found_in="events",
        key=event.id.encode(),
        body=body,
    )
    return Heard(event.occurred_at, found)


def _unreadable(problem: str, at: datetime | None = None) -> Heard:
    log.warning("gladly_event_unreadable", problem=problem)
    return Heard(at, None, problem)
