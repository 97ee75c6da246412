"""Who belongs to the installation: listed, given another role, removed. Somebody owns it at every moment."""

from datetime import datetime
from typing import TYPE_CHECKING, get_args

import msgspec
from sqlalchemy import delete, exists, func, select, update

from afterword.accounts.audit import audit, list_entries
from afterword.accounts.people import InvalidPerson, Person, Role, find_person
from afterword.store.tables import json_event_endpoint, one_time_code, open_id_identity, person
from afterword.translating import gettext as _
from afterword.translating import ngettext

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class ChangedMeanwhile(InvalidPerson):
    """Somebody else changed this person since; the message says what. Nothing was done."""


class Listed(msgspec.Struct, frozen=True):
    """Somebody as a list shows them. ``has_password`` is false for who was invited and did not come in yet.

    ``has_codes`` tells whether they are asked for a one-time code, ``has_open_id`` whether they came in at the
    company's own provider.
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
    has_open_id: bool


async def list_people(connection: "AsyncConnection") -> list[Listed]:
    """Everybody, by name."""
    plain = [person.c[field] for field in Listed.__struct_fields__[:-3]]
    has_password = person.c.password_hash.is_not(None).label("has_password")
    has_codes = one_time_code.c.person_id.is_not(None).label("has_codes")
    of_open_id = exists().where(open_id_identity.c.person_id == person.c.id).label("has_open_id")
    listing = select(*plain, has_password, has_codes, of_open_id).outerjoin_from(person, one_time_code)
    rows = await connection.execute(listing.order_by(func.lower(person.c.name), person.c.id))
    fields = Listed.__struct_fields__
    return [msgspec.convert({field: row[field] for field in fields}, Listed) for row in rows.mappings()]


async def change_role(
    connection: "AsyncConnection", person_id: str, role: Role, *, seen: int | None = None
) -> Person:
    """Give somebody another role; ``seen`` is the version of them that it was decided on.

    Raises:
        ChangedMeanwhile: they were changed since that version.
        InvalidPerson: there is nobody of this id, or no role of this name, or nobody would be left to own it all.
    """
    if role not in get_args(Role):
        raise InvalidPerson(
            _(
                "%(role)s is not a role; the roles are %(roles)s.",
                role=repr(role),
                roles=", ".join(get_args(Role)),
            )
        )
    known = await _held(connection, person_id, stays_owner=role == "owner", seen=seen)
    if known.is_service and role == "owner":
        raise InvalidPerson(_("A service account cannot be an owner."))
    if role == known.role:
        return known
    await connection.execute(
        update(person).where(person.c.id == person_id).values(role=role, version=person.c.version + 1)
    )
    await audit(
        connection,
        "person",
        "changed",
        (person_id, known.name),
        before={"role": known.role},
        after={"role": role},
    )
    return msgspec.structs.replace(known, role=role, version=known.version + 1)


async def remove_person(connection: "AsyncConnection", person_id: str, *, seen: int | None = None) -> Person:
    """Forget somebody, with their API tokens and their way in. What they did stays, under nobody's name.

    Raises:
        ChangedMeanwhile: they were changed since the version that was ``seen``.
        InvalidPerson: there is nobody of this id, nobody would be left to own it all, or JSON events are reached with
            their API tokens.
    """
    known = await _held(connection, person_id, stays_owner=False, seen=seen)
    events = await connection.scalar(select(func.count()).where(json_event_endpoint.c.person_id == person_id))
    if events:
        raise InvalidPerson(
            ngettext(
                "%(name)s cannot be removed: %(num)s JSON event is reached with their API tokens. Hand these over to a "
                "service account.",
                "%(name)s cannot be removed: %(num)s JSON events are reached with their API tokens. Hand "
                "these over to a "
                "service account.",
                events,
                name=known.name,
            )
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


async def _held(
    connection: "AsyncConnection", person_id: str, *, stays_owner: bool, seen: int | None
) -> Person:
    """The person, and all owners, are held until the transaction ends, so that the last two cannot go at once."""
    held = select(person.c.id, person.c.role, person.c.version).where(
        (person.c.role == "owner") | (person.c.id == person_id)
    )
    rows = (await connection.execute(held.order_by(person.c.id).with_for_update())).all()
    known = await find_person(connection, person_id)
    if known is None:
        raise InvalidPerson(_("There is nobody of this id."))
    if seen is not None and known.version != seen:
        raise ChangedMeanwhile(await _told(connection, person_id))
    if not stays_owner and {row.id for row in rows if row.role == "owner"} == {person_id}:
        raise InvalidPerson(
            _("%(email)s is the only owner; make somebody else one first.", email=known.email)
        )
    return known


async def _told(connection: "AsyncConnection", person_id: str) -> str:
    """What was last changed of somebody, and by whom."""
    entries = await list_entries(connection, kind="person", subject_id=person_id, limit=20)
    last = next((entry for entry in entries if entry.changes and entry.what == "changed"), None)
    if last is None:
        return _("Somebody else changed this person meanwhile. Nothing was done; please look again.")
    changes = ", ".join(f"{name} {was} → {now}" for name, was, now in last.changes)
    return _(
        "%(who)s changed this person meanwhile (%(changes)s). Nothing was done; please look again.",
        who=last.actor,
        changes=changes,
    )
