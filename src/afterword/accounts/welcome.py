"""Links by which people come in without a password: the first owner, whoever was invited, whoever forgot theirs.

A link works once, for a day, and the newest of a person alone. Only its digest is kept.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select

from afterword.accounts.audit import audit
from afterword.accounts.people import (
    COLUMNS,
    InvalidPerson,
    Person,
    add_person,
    find_person,
    person_from_row,
    set_password,
)
from afterword.store.tables import person, welcome_link
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

VALID_FOR = timedelta(days=1)
CODE_BYTES = 24
LONGEST_CODE = 100


class LinkNotValid(ValueError):
    """The link was used, is too old, was replaced by a newer one, or never was one."""


class Welcome(msgspec.Struct, frozen=True):
    """Whom a link lets in; ``None`` is the first owner, of whom nothing is known yet."""

    person: Person | None


async def has_owner(connection: "AsyncConnection") -> bool:
    """Whether anybody owns the installation."""
    return await connection.scalar(select(person.c.id).where(person.c.role == "owner").limit(1)) is not None


async def new_link(connection: "AsyncConnection", person_id: str | None, public_url: str) -> str:
    """Make the link of a person, or of the first owner; the one before is not valid any more.

    Raises:
        InvalidPerson: nobody signs in as a service account.
    """
    known = None if person_id is None else await find_person(connection, person_id)
    if known is not None and known.is_service:
        raise InvalidPerson(
            _("%(known_name)s is a service account: nobody signs in as it.", known_name=known.name)
        )
    code = secrets.token_urlsafe(CODE_BYTES)
    await connection.execute(delete(welcome_link).where(_is_of(person_id)))
    await connection.execute(
        insert(welcome_link).values(
            person_id=person_id, code_sha256=_digest(code), expires_at=func.now() + VALID_FOR
        )
    )
    if known is not None:
        await audit(connection, "person", "sent a link to choose a password", (known.id, known.name))
    return f"{public_url.rstrip('/')}/welcome?code={code}"


async def find_welcome(connection: "AsyncConnection", code: str) -> Welcome:
    """Whom the link with this code lets in.

    Raises:
        LinkNotValid: nobody.
    """
    if not code or len(code) > LONGEST_CODE:
        raise LinkNotValid
    found = await connection.execute(
        select(welcome_link.c.person_id, *COLUMNS)
        .outerjoin(person, person.c.id == welcome_link.c.person_id)
        .where(welcome_link.c.code_sha256 == _digest(code), welcome_link.c.expires_at > func.now())
        .with_for_update(of=welcome_link)
    )
    row = found.mappings().one_or_none()
    if row is None or (row["person_id"] is None and await has_owner(connection)):
        raise LinkNotValid
    return Welcome(None if row["person_id"] is None else person_from_row(row))


async def come_in(
    connection: "AsyncConnection", code: str, *, password: str, email: str = "", name: str = ""
) -> Person:
    """Give the link's person this password; the first owner is made, with this address and name.

    Raises:
        LinkNotValid: it lets nobody in.
        InvalidPerson: the address, the name or the password cannot be.
    """
    known = (await find_welcome(connection, code)).person
    if known is None:
        owner = await add_person(connection, email=email, name=name, role="owner", password=password)
        await connection.execute(delete(welcome_link).where(_is_of(None)))
        return owner
    come = await set_password(connection, known.id, password)  # refused, it leaves the link good
    await connection.execute(delete(welcome_link).where(_is_of(known.id)))
    return come or known


def _is_of(person_id: str | None) -> ColumnElement[bool]:
    return welcome_link.c.person_id.is_not_distinct_from(person_id)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
