"""Who belongs to the installation: listed, given another role, removed. Somebody owns it at every moment."""

from datetime import datetime
from typing import TYPE_CHECKING, get_args

import msgspec
from sqlalchemy import delete, func, select, update

from afterword.accounts.audit import audit
from afterword.accounts.people import InvalidPerson, Person, Role, find_person
from afterword.store.tables import json_event_endpoint, one_time_code, person

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Listed(msgspec.Struct, frozen=True):
    """Somebody as a list shows them. ``has_password`` is false for who was invited and did not come in yet.

    ``has_codes`` tells whether they are asked for a one-time code.
    """

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    is_service: bool
    version: int
    has_password: bool
    has_codes: bool


async def list_people(connection: "AsyncConnection") -> list[Listed]:
    """Everybody, by name."""
    plain = [person.c[field] for field in Listed.__struct_fields__[:-2]]
    has_password = person.c.password_hash.is_not(None).label("has_password")
    has_codes = one_time_code.c.person_id.is_not(None).label("has_codes")
    listing = select(*plain, has_password, has_codes).outerjoin_from(person, one_time_code)
    rows = await connection.execute(listing.order_by(func.lower(person.c.name), person.c.id))
    fields = Listed.__struct_fields__
    return [msgspec.convert({field: row[field] for field in fields}, Listed) for row in rows.mappings()]


async def change_role(connection: "AsyncConnection", person_id: str, role: Role) -> Person:
    """Give somebody another role.

    Raises:
        InvalidPerson: there is nobody of this id, or no role of this name, or nobody would be left to own it all.
    """
    if role not in get_args(Role):
        raise InvalidPerson(f"{role!r} is not a role; the roles are {', '.join(get_args(Role))}.")
    known = await _held(connection, person_id, stays_owner=role == "owner")
    if known.is_service and role == "owner":
        raise InvalidPerson("A service account cannot be an owner.")
    await connection.execute(update(person).where(person.c.id == person_id).values(role=role))
    await audit(
        connection,
        "person",
        "changed",
        (person_id, known.name),
        before={"role": known.role},
        after={"role": role},
    )
    return msgspec.structs.replace(known, role=role)


async def remove_person(connection: "AsyncConnection", person_id: str) -> Person:
    """Forget somebody, with their API tokens and their way in. What they did stays, under nobody's name.

    Raises:
        InvalidPerson: there is nobody of this id, nobody would be left to own it all, or JSON events are reached with
            their API tokens.
    """
    known = await _held(connection, person_id, stays_owner=False)
    events = await connection.scalar(select(func.count()).where(json_event_endpoint.c.person_id == person_id))
    if events:
        raise InvalidPerson(
            f"{known.email} cannot be removed: {events} JSON event{'s are' if events > 1 else ' is'} reached with "
            "their API tokens. Give them the role api_user, and the tokens go on working."
        )
    await connection.execute(delete(person).where(person.c.id == person_id))
    await audit(
        connection,
        "person",
        "removed",
        (person_id, known.name),
        before={"email": known.email, "role": known.role},
    )
    return known


async def _held(connection: "AsyncConnection", person_id: str, *, stays_owner: bool) -> Person:
    """The person; all owners are held until the transaction ends, so that the last two cannot go at once."""
    owners = await connection.scalars(select(person.c.id).where(person.c.role == "owner").with_for_update())
    known = await find_person(connection, person_id)
    if known is None:
        raise InvalidPerson("There is nobody of this id.")
    if not stays_owner and set(owners) == {person_id}:
        raise InvalidPerson(f"{known.email} is the only owner; make somebody else one first.")
    return known
