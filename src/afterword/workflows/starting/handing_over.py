"""What hangs on somebody who leaves (API tokens, JSON events reached with them), handed over to a service account."""

from dataclasses import dataclass, field

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import audit
from afterword.accounts.people import InvalidPerson, Person, find_person
from afterword.store.tables import api_token, json_event_endpoint
from afterword.translating import gettext as _
from afterword.workflows.starting.endpoints import tell_of_change


@dataclass
class Hanging:
    """The names of somebody's API tokens, and how many JSON events are reached with them."""

    tokens: list[str] = field(default_factory=list)
    json_events: int = 0


async def what_hangs_on(connection: AsyncConnection) -> dict[str, Hanging]:
    """What would end with each person on whom something hangs."""
    found: dict[str, Hanging] = {}
    tokens = await connection.execute(
        select(api_token.c.person_id, api_token.c.name).order_by(api_token.c.name, api_token.c.id)
    )
    for row in tokens:
        found.setdefault(row.person_id, Hanging()).tokens.append(row.name)
    events = await connection.execute(
        select(json_event_endpoint.c.person_id, func.count().label("number")).group_by(
            json_event_endpoint.c.person_id
        )
    )
    for row in events:
        found.setdefault(row.person_id, Hanging()).json_events = row.number
    return found


async def hand_over(connection: AsyncConnection, whose: Person, heir_id: str) -> Person:
    """Have somebody's API tokens, and the JSON events that are reached with them, be a service account's.

    Programs go on with the same tokens and addresses, as the service account: with its role. Answers who it is.

    Raises:
        InvalidPerson: there is no such service account, or it is the same.
    """
    heir = await find_person(connection, heir_id)
    if heir is None or not heir.is_service or heir.id == whose.id:
        raise InvalidPerson(_("Choose a service account that is still there."))
    tokens = await connection.execute(
        update(api_token)
        .where(api_token.c.person_id == whose.id)
        .values(person_id=heir.id)
        .returning(api_token.c.id, api_token.c.name)
    )
    for row in tokens:
        before, after = {"of": whose.name}, {"of": heir.name}
        await audit(connection, "token", "handed over", (row.id, row.name), before=before, after=after)
    endpoints = update(json_event_endpoint).where(json_event_endpoint.c.person_id == whose.id)
    await connection.execute(endpoints.values(person_id=heir.id))
    await tell_of_change(connection)
    return heir
