"""What somebody means by what they typed: conversations, or events that belong to none.

Every look-up goes over an index, whatever the number of runs: ``run_conversation_id_idx``, ``run_customer_id_idx``,
``contact_email_key``, ``invitation_email_idx``, ``invitation_contact_id_idx``, ``task_attempt_email_idx``,
``event_conversation_idx`` and ``event_deduplication_key`` (both begin with the origin, and origins are few),
``response_conversationid_idx`` and ``response_customerid_idx`` (both begin with the survey), and primary keys.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import response_keys
from afterword.store import tables
from afterword.surveys.results import About
from afterword.workflows.explaining.models import Kind

LONGEST_ASKED = 400
LARGEST_ID = 2**63 - 1
CONSIDERED = 500
"""So many runs or invitations of one customer are looked at, the newest."""
LONGEST_ADDRESS = 320
"""Characters; the index over addresses is cut so too."""

MESSAGE_ID = re.compile(r"<?(EMD_[A-Za-z0-9]+)(?:@[^\s<>]*)?>?")
NUMBERED = re.compile(r"(?:(run|event)[\s:#]*)?([0-9]{1,19})", re.IGNORECASE)


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: conversations and events without one, each with the newest first."""

    kind: Kind
    conversations: tuple[str, ...] = ()
    events: tuple[int, ...] = ()
    invitations: tuple[str, ...] = ()


NOTHING = Meant(kind="nothing")


async def look_up(connection: AsyncConnection, asked: str) -> Meant:
    """Find what is meant by an address, a Message-ID, a number or any vendor's id."""
    asked = asked.strip()
    if not asked or len(asked) > LONGEST_ASKED or "\x00" in asked:
        return NOTHING
    if (message := MESSAGE_ID.fullmatch(asked)) is not None:
        return await _by_invitation(connection, message[1])
    if "@" in asked:
        return await _by_email(connection, asked.strip("<>"))
    if (numbered := NUMBERED.fullmatch(asked)) is not None:
        found = await _by_number(connection, (numbered[1] or "run").lower(), int(numbered[2]))
        if found is not NOTHING or numbered[1]:
            return found
    if asked.startswith("R_"):
        found = await _by_response(connection, asked)
        if found is not NOTHING:
            return found
    return await _by_vendors_id(connection, asked)


async def has_imported(connection: AsyncConnection, asked: str) -> bool:
    """Whether a Response that was imported has this id, or is about this conversation or customer."""
    asked, response = asked.strip(), tables.response
    if not asked or len(asked) > LONGEST_ASKED or "\x00" in asked:
        return False
    surveys = (await connection.scalars(select(tables.survey.c.id))).all()
    about = [About(conversation_id=asked), About(customer_id=asked)]
    found = [
        select(response.c.id).where(response.c.id == asked, response.c.kind == "imported"),
        *(
            select(response.c.id).where(
                response.c.survey_id.in_(surveys), *one.conditions(response), response.c.kind == "imported"
            )
            for one in about
        ),
    ]
    return await connection.scalar(union_all(*found).limit(1)) is not None


def origins() -> Select[Any]:
    """Every origin that events have come from: one step over an index for each, not one for each event."""
    event = tables.event
    first = select(func.min(event.c.origin).label("origin")).cte("origins", recursive=True)
    after = select(func.min(event.c.origin)).where(event.c.origin > first.c.origin).scalar_subquery()
    every = first.union_all(select(after).where(first.c.origin.is_not(None)))
    return select(every.c.origin).where(every.c.origin.is_not(None))


def with_conversation(conversations: Sequence[str], all_origins: Sequence[str]) -> Select[Any]:
    """The events about some conversations, the newest first."""
    event = tables.event
    return (
        select(event)
        .where(event.c.origin.in_(all_origins), event.c.conversation_id.in_(conversations))
        .order_by(event.c.id.desc())
    )


def with_keys(keys: Sequence[bytes], all_origins: Sequence[str]) -> Select[Any]:
    """The events of some deduplication keys."""
    event = tables.event
    return select(event).where(event.c.origin.in_(all_origins), event.c.deduplication_key.in_(keys))


def of_responses(response_ids: Iterable[str], all_origins: Sequence[str]) -> Select[Any]:
    """The events that tell of some responses: that they came, and each change."""
    event = tables.event
    key = event.c.deduplication_key
    about: list[ColumnElement[bool]] = []
    for response_id in response_ids:
        own, first, end = response_keys(response_id)
        about += [key == own, and_(key >= first, key < end)]
    return select(event).where(event.c.origin.in_(all_origins), or_(false(), *about))


def attempts_with_email(email: str) -> Select[Any]:
    """The newest runs whose tasks came by this address."""
    attempt = tables.task_attempt
    given = func.nullif(attempt.c.input.op("->>")("email"), literal_column("''"))
    address = func.coalesce(given, attempt.c.output.op("->>")("customerEmailAddress"))
    return (
        select(attempt.c.run_id)
        .where(
            func.left(func.lower(address), LONGEST_ADDRESS) == email.lower()[:LONGEST_ADDRESS],
            address.is_not(None),
        )
        .order_by(attempt.c.id.desc())
        .limit(CONSIDERED)
    )


async def _by_number(connection: AsyncConnection, what: str, number: int) -> Meant:
    run = tables.run
    if number > LARGEST_ID:
        return NOTHING
    if what == "run":
        found = (await connection.execute(select(run.c.event_id).where(run.c.id == number))).first()
        return NOTHING if found is None else await _of_events(connection, "run", [found.event_id])
    there = await connection.scalar(select(tables.event.c.id).where(tables.event.c.id == number))
    return NOTHING if there is None else await _of_events(connection, "event", [number])


async def _by_response(connection: AsyncConnection, response_id: str) -> Meant:
    """A response of ours or of a connected Qualtrics account's: its event's key is its id."""
    response = tables.response
    row = (await connection.execute(select(response).where(response.c.id == response_id))).first()
    if row is not None:
        conversation = named(row.embedded_data, "conversationid")
        if conversation:
            return Meant(kind="response", conversations=(conversation,))
        if row.invitation_id is not None:
            meant = await _by_invitation(connection, row.invitation_id)
            if meant is not NOTHING:
                return msgspec.structs.replace(meant, kind="response")
    all_origins = (await connection.scalars(origins())).all()
    events = await connection.execute(of_responses([response_id], all_origins))
    return await _of_events(connection, "response", [event.id for event in events])


async def _by_invitation(connection: AsyncConnection, invitation_id: str) -> Meant:
    invitation = tables.invitation
    found = await connection.execute(select(invitation).where(invitation.c.id == invitation_id))
    row = found.mappings().first()
    if row is None:
        return NOTHING
    conversation = conversation_of(row)
    if conversation:
        return Meant(kind="invitation", conversations=(conversation,), invitations=(invitation_id,))
    runs = (await connection.scalars(attempts_with_email(row["email"]))).all()
    event_ids = await connection.scalars(select(tables.run.c.event_id).where(tables.run.c.id.in_(runs)))
    meant = await _of_events(connection, "invitation", list(event_ids))
    return msgspec.structs.replace(meant, kind="invitation", invitations=(invitation_id,))


async def _by_email(connection: AsyncConnection, email: str) -> Meant:
    """By the directory, by invitations and by what tasks came by: whoever was never invited is found too."""
    invitation, contact, run = tables.invitation, tables.contact, tables.run
    same_contact = select(contact.c.id).where(func.lower(contact.c.email) == email.lower())
    columns = (invitation.c.id, invitation.c.embedded_data, invitation.c.fields)
    by_contact = select(*columns).where(invitation.c.contact_id.in_(same_contact))
    by_address = select(*columns).where(func.lower(invitation.c.email) == email.lower())
    invitations = [
        row
        for query in (by_contact, by_address)
        for row in (await connection.execute(_newest(query))).mappings()
    ]
    run_ids = (await connection.scalars(attempts_with_email(email))).all()
    runs = (await connection.execute(select(run).where(run.c.id.in_(run_ids)))).all()
    customers = {row.customer_id for row in runs} | {customer_of(row) for row in invitations}
    conversations = {conversation_of(row) for row in invitations} | {row.conversation_id for row in runs}
    meant = await _of_customers(connection, "email", customers - {None, ""}, conversations - {None, ""})
    loose = [row.event_id for row in runs if not row.conversation_id]
    if not loose:
        return meant
    without = await _of_events(connection, "email", loose)
    return msgspec.structs.replace(meant, kind="email", events=without.events)


async def _by_vendors_id(connection: AsyncConnection, asked: str) -> Meant:
    """A conversation's id or a customer's: Gladly's look alike."""
    all_origins = (await connection.scalars(origins())).all()
    about = with_conversation([asked], all_origins).with_only_columns(tables.event.c.id).limit(1)
    run = tables.run
    is_conversation = (await connection.scalar(about)) is not None or (
        await connection.scalar(select(run.c.id).where(run.c.conversation_id == asked).limit(1))
    ) is not None
    if is_conversation:
        return Meant(kind="conversation", conversations=(asked,))
    return await _of_customers(connection, "customer", {asked}, set())


async def _of_customers(
    connection: AsyncConnection, kind: Kind, customers: set[str], conversations: set[str]
) -> Meant:
    """The conversations of some customers, and those conversations that are known already, the newest first."""
    run = tables.run
    newest = (
        select(run.c.id, run.c.conversation_id, run.c.event_id)
        .where(run.c.customer_id.in_(customers))
        .order_by(run.c.id.desc())
        .limit(CONSIDERED)
    )
    known = select(run.c.id, run.c.conversation_id, run.c.event_id).where(
        run.c.conversation_id.in_(conversations)
    )
    rows = [*(await connection.execute(newest)).all(), *(await connection.execute(known)).all()]
    rows.sort(key=lambda row: row.id, reverse=True)
    in_order = dict.fromkeys(row.conversation_id for row in rows if row.conversation_id)
    in_order |= dict.fromkeys(conversations)
    loose = dict.fromkeys(row.event_id for row in rows if not row.conversation_id)
    if not in_order and not loose:
        return NOTHING
    return Meant(kind=kind, conversations=tuple(in_order), events=tuple(loose))


async def _of_events(connection: AsyncConnection, kind: Kind, event_ids: Iterable[int]) -> Meant:
    """What some events are about: their conversations, or else themselves."""
    wanted = list(event_ids)
    if not wanted:
        return NOTHING
    event, run = tables.event, tables.run
    query = (
        select(
            event.c.id, func.coalesce(event.c.conversation_id, run.c.conversation_id).label("conversation_id")
        )
        .outerjoin(run, run.c.event_id == event.c.id)
        .where(event.c.id.in_(wanted))
        .order_by(event.c.id.desc())
    )
    rows = (await connection.execute(query)).all()
    conversations = dict.fromkeys(row.conversation_id for row in rows if row.conversation_id)
    with_one = {row.id for row in rows if row.conversation_id}
    loose = dict.fromkeys(row.id for row in rows if row.id not in with_one)
    return Meant(kind=kind, conversations=tuple(conversations), events=tuple(loose))


def _newest(invitations: Select[Any]) -> Select[Any]:
    return invitations.order_by(tables.invitation.c.created_at.desc()).limit(CONSIDERED)


def conversation_of(invitation: RowMapping) -> str:
    """The conversation that an invitation asks about; empty when it names none."""
    return named(invitation["embedded_data"], "conversationid") or named(
        invitation["fields"], "conversationid"
    )


def customer_of(invitation: RowMapping) -> str:
    """The customer, as Gladly knows them, who was invited; empty when the invitation does not tell."""
    return named(invitation["embedded_data"], "customerid") or named(invitation["fields"], "customerid")


def named(values: Mapping[str, object], folded_name: str) -> str:
    """A text by its name, however that is capitalised."""
    return next(
        (
            value
            for name, value in values.items()
            if name.casefold() == folded_name and isinstance(value, str)
        ),
        "",
    )
