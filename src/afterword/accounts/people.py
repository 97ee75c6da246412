"""People: everyone who may sign in or call the API, each with one role."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterword.accounts.audit import REPLACED, audit
from afterword.accounts.passwords import hash_password, is_outdated, verify_password
from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.translating import LANGUAGES
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Role = Literal["owner", "administrator", "manager", "analyst", "api_user"]

LONGEST_EMAIL = 254
LONGEST_NAME = 200
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
SERVICE_DOMAIN = "service.invalid"


class InvalidPerson(ValueError):
    """Somebody cannot be added so; the message says what to change, ``field`` where, empty when nowhere."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class Person(msgspec.Struct, frozen=True):
    """Somebody who may come in. ``email`` is how it was written; it is compared without regard to case.

    ``password_set_at`` is when the password was last changed: sessions of before are over. ``language`` is the one they
    chose; without, pages speak what their browser asks for. Nobody signs in as a service account (``is_service``),
    which is there to hold API tokens. ``version`` grows with each change.
    """

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    password_set_at: datetime | None = None
    language: str | None = None
    is_service: bool = False
    version: int = 1


COLUMNS = [tables.person.c[field] for field in Person.__struct_fields__]


async def add_person(
    connection: "AsyncConnection", *, email: str, name: str, role: Role, password: str | None = None
) -> Person:
    """Add somebody; without a password they cannot sign in, only use API tokens.

    Raises:
        InvalidPerson: the address is taken or is none, or the name or the password is too short or too long.
    """
    _check(email, name, role)
    password_hash = None if password is None else await hash_password(_checked_password(password))
    return await _add(
        connection,
        {"id": new_id("UR"), "email": email, "name": name, "role": role, "password_hash": password_hash},
        {"email": email, "role": role},
    )


async def add_service_account(
    connection: "AsyncConnection", *, name: str, role: Role, email: str | None = None
) -> Person:
    """Add somebody who is a program: nobody signs in as them, and they hold API tokens.

    Their address is one that nobody can have (``.invalid``), made up unless it is given.

    Raises:
        InvalidPerson: the name is empty or too long, or taken by another service account; or the role is an owner's.
    """
    person_id = new_id("UR")
    email = email or f"{person_id.lower()}@{SERVICE_DOMAIN}"
    _check(email, name, role)
    if role == "owner":
        raise InvalidPerson(_("A service account cannot be an owner."), "role")
    if await find_service_account(connection, name) is not None:
        raise InvalidPerson(_("There is a service account %(name)s already.", name=name), "name")
    values = {"id": person_id, "email": email, "name": name, "role": role, "is_service": True}
    return await _add(connection, values, {"service account": True, "role": role})


async def _add(
    connection: "AsyncConnection", values: Mapping[str, object], told: Mapping[str, str | bool]
) -> Person:
    new = insert(tables.person).values(values).on_conflict_do_nothing().returning(*COLUMNS)
    row = (await connection.execute(new)).mappings().one_or_none()
    if row is None:
        raise InvalidPerson(_("%(email)s is already in use.", email=values["email"]), "email")
    added = person_from_row(row)
    await audit(connection, "person", "added", (added.id, added.name), after=told)
    return added


async def find_person(connection: "AsyncConnection", person_id: str) -> Person | None:
    """The person with this id."""
    found = await connection.execute(select(*COLUMNS).where(tables.person.c.id == person_id))
    row = found.mappings().one_or_none()
    return None if row is None else person_from_row(row)


async def find_person_by_email(connection: "AsyncConnection", email: str) -> Person | None:
    """The person with this address, however it is capitalised."""
    found = await connection.execute(select(*COLUMNS).where(_has_email(email)))
    row = found.mappings().one_or_none()
    return None if row is None else person_from_row(row)


async def find_service_account(connection: "AsyncConnection", name: str) -> Person | None:
    """The service account of this name, however it is capitalised."""
    named = tables.person.c.is_service & (func.lower(tables.person.c.name) == func.lower(name))
    found = await connection.execute(select(*COLUMNS).where(named))
    row = found.mappings().one_or_none()
    return None if row is None else person_from_row(row)


async def authenticate(connection: "AsyncConnection", email: str, password: str) -> Person | None:
    """The person whose address and password these are.

    Nobody of that address, nobody with a password, and a wrong password take the same time.
    """
    if not _can_be_stored(email) or len(password) > LONGEST_PASSWORD or not _can_be_stored(password):
        return None
    found = await connection.execute(select(*COLUMNS, tables.person.c.password_hash).where(_has_email(email)))
    row = found.mappings().one_or_none()
    password_hash = None if row is None or row["is_service"] else row["password_hash"]
    if not await verify_password(password_hash, password) or row is None:
        return None
    if is_outdated(row["password_hash"]):
        await _store_hash(connection, row["id"], await hash_password(password))
    return person_from_row(row)


async def set_password(connection: "AsyncConnection", person_id: str, password: str) -> Person | None:
    """Give somebody another password; whoever is signed in as them is signed out. Answers who it is.

    Raises:
        InvalidPerson: it is too short or too long.
    """
    await _store_hash(connection, person_id, await hash_password(_checked_password(password)))
    now = update(tables.person).where(tables.person.c.id == person_id).values(password_set_at=func.now())
    row = (await connection.execute(now.returning(*COLUMNS))).mappings().one_or_none()
    if row is None:
        return None
    await connection.execute(
        delete(tables.person_session).where(tables.person_session.c.person_id == person_id)
    )
    await audit(connection, "person", "changed", (person_id, row["name"]), after={"password": REPLACED})
    return person_from_row(row)


async def choose_language(connection: "AsyncConnection", person_id: str, language: str | None) -> None:
    """Have pages speak this language to somebody from now on; ``None`` for what their browser asks for.

    Raises:
        InvalidPerson: there is no such language.
    """
    if language is not None and language not in LANGUAGES:
        raise InvalidPerson(_("Choose one of the languages."))
    await connection.execute(
        update(tables.person).where(tables.person.c.id == person_id).values(language=language)
    )


async def has_password(connection: "AsyncConnection", person_id: str) -> bool:
    """Whether somebody can sign in by a password."""
    query = select(tables.person.c.password_hash.is_not(None)).where(tables.person.c.id == person_id)
    return bool(await connection.scalar(query))


async def _store_hash(connection: "AsyncConnection", person_id: str, password_hash: str) -> None:
    await connection.execute(
        update(tables.person).where(tables.person.c.id == person_id).values(password_hash=password_hash)
    )


def person_from_row(row: RowMapping) -> Person:
    """The person in a row that has at least ``COLUMNS``."""
    return msgspec.convert({field: row[field] for field in Person.__struct_fields__}, Person)


def _has_email(email: str) -> ColumnElement[bool]:
    return func.lower(tables.person.c.email) == func.lower(email)


def _check(email: str, name: str, role: str) -> None:
    if not email:
        raise InvalidPerson(_("The email address is missing."), "email")
    before, at, after = email.partition("@")
    one_word = not any(character.isspace() for character in email) and "@" not in after
    if not (before and at and after and one_word and _can_be_stored(email) and len(email) <= LONGEST_EMAIL):
        raise InvalidPerson(_("%(email)s is not an email address.", email=repr(email)), "email")
    check_name(name)
    if role not in get_args(Role):
        raise InvalidPerson(
            _(
                "%(role)s is not a role; the roles are %(roles)s.",
                role=repr(role),
                roles=", ".join(get_args(Role)),
            ),
            "role",
        )


def check_name(name: str) -> None:
    """Refuse what is no name of a person or a token.

    Raises:
        InvalidPerson: it is empty or too long.
    """
    if not name.strip() or not _can_be_stored(name) or len(name) > LONGEST_NAME:
        raise InvalidPerson(
            _("A name has 1 to %(longest_name)s characters.", longest_name=LONGEST_NAME), "name"
        )


def _checked_password(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or not _can_be_stored(password):
        raise InvalidPerson(
            _(
                "A password has %(shortest_password)s to %(longest_password)s characters.",
                shortest_password=SHORTEST_PASSWORD,
                longest_password=LONGEST_PASSWORD,
            ),
            "password",
        )
    return password


def _can_be_stored(text: str) -> bool:
    """PostgreSQL takes no NUL, and half a surrogate pair is no text."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
