"""Who somebody is that a provider of OpenID Connect let in: known by its id for them, or by a verified address once.

The id (``sub``) is kept, so that neither another address at the provider, nor an address that was given to somebody
else there, changes who a person is.
"""

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select

from afterword.accounts.audit import audit
from afterword.accounts.people import (
    COLUMNS,
    LONGEST_NAME,
    InvalidPerson,
    Person,
    Role,
    add_person,
    find_person_by_email,
    person_from_row,
)
from afterword.store.tables import open_id_identity, person

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Identity(msgspec.Struct, frozen=True):
    """Somebody at a provider; ``email`` is empty unless the provider vouches for it."""

    issuer: str
    subject: str
    email: str
    name: str


class NotInvited(Exception):
    """Nobody here is this one; ``why`` is a code: *no-verified-address*, *not-invited* or *address-of-another*."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def person_of(
    connection: "AsyncConnection", identity: Identity, *, new_people: Role | None = None
) -> Person:
    """The person who this is: known before, invited with this address, or made now with the role for new people.

    Raises:
        NotInvited: there is nobody, and nobody is to be made; or who has the address is somebody else there.
    """
    known = await _known(connection, identity)
    if known is not None:
        return known
    if not identity.email:
        raise NotInvited("no-verified-address")
    found = await find_person_by_email(connection, identity.email)
    if found is None and new_people is not None:
        found = await _made(connection, identity, new_people)
    if found is None or found.is_service:
        raise NotInvited("not-invited")
    of_issuer = select(open_id_identity.c.subject).where(
        open_id_identity.c.person_id == found.id, open_id_identity.c.issuer == identity.issuer
    )
    if await connection.scalar(of_issuer.limit(1)) is not None:
        raise NotInvited("address-of-another")
    values = {"issuer": identity.issuer, "subject": identity.subject, "person_id": found.id}
    await connection.execute(insert(open_id_identity).values(values))
    await audit(connection, "person", "known by single sign-on", (found.id, found.name))
    return found


async def _known(connection: "AsyncConnection", identity: Identity) -> Person | None:
    of_identity = (
        select(*COLUMNS)
        .join_from(person, open_id_identity)
        .where(open_id_identity.c.issuer == identity.issuer, open_id_identity.c.subject == identity.subject)
    )
    row = (await connection.execute(of_identity)).mappings().one_or_none()
    return None if row is None else person_from_row(row)


async def _made(connection: "AsyncConnection", identity: Identity, role: Role) -> Person:
    name = identity.name.strip()[:LONGEST_NAME] or identity.email.partition("@")[0]
    try:
        return await add_person(connection, email=identity.email, name=name, role=role)
    except InvalidPerson:
        raise NotInvited("no-verified-address") from None
