"""Contacts and the mailing lists they are on."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.store.identifiers import new_id


class Contact(msgspec.Struct, frozen=True):
    """A contact of the directory."""

    id: str
    email: str
    first_name: str
    last_name: str
    phone: str
    external_reference: str
    language: str
    embedded_data: dict[str, str]
    opted_out_at: datetime | None


class ListedContact(msgspec.Struct, frozen=True):
    """A contact as a member of a mailing list, under the list's own ``contact_lookup_id``."""

    contact: Contact
    contact_lookup_id: str


def mail_address(text: str) -> str | None:
    """The address in the form that every mail server takes, a domain of other scripts in its ASCII form.

    ``None`` when mail cannot be addressed to this: it is not one bare address, or its part before the @ has other than
    ASCII characters, which few mail servers take.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        return validate_email(
            text.strip(),
            allow_smtputf8=False,
            allow_quoted_local=True,
            check_deliverability=False,
            globally_deliverable=False,
            test_environment=True,
        ).ascii_email
    except EmailNotValidError:
        return None


async def add_mailing_list(connection: AsyncConnection, *, name: str) -> str:
    """Make a mailing list; answers its id (``CG_…``)."""
    mailing_list_id = new_id("CG")
    await connection.execute(insert(tables.mailing_list).values(id=mailing_list_id, name=name))
    return mailing_list_id


async def put_mailing_list(connection: AsyncConnection, mailing_list_id: str, *, name: str) -> None:
    """Have a mailing list of this id, called so."""
    table = tables.mailing_list
    new = insert(table).values(id=mailing_list_id, name=name)
    await connection.execute(new.on_conflict_do_update(index_elements=[table.c.id], set_={"name": name}))


async def has_mailing_list(connection: AsyncConnection, mailing_list_id: str) -> bool:
    """Whether there is a mailing list of this id."""
    table = tables.mailing_list
    return await connection.scalar(select(table.c.id).where(table.c.id == mailing_list_id)) is not None


async def find_on_list(connection: AsyncConnection, mailing_list_id: str, email: str) -> ListedContact | None:
    """The contact with this address; its ``contact_lookup_id`` is empty when it is not on the list."""
    member, contact = tables.mailing_list_contact, tables.contact
    on_list = (member.c.contact_id == contact.c.id) & (member.c.mailing_list_id == mailing_list_id)
    found = await connection.execute(
        select(contact, func.coalesce(member.c.contact_lookup_id, "").label("contact_lookup_id"))
        .select_from(contact.outerjoin(member, on_list))
        .where(func.lower(contact.c.email) == func.lower(email))
    )
    row = found.mappings().one_or_none()
    return None if row is None else ListedContact(_contact(row), row["contact_lookup_id"])


async def add_to_list(
    connection: AsyncConnection,
    mailing_list_id: str,
    *,
    email: str,
    first_name: str,
    last_name: str,
    phone: str = "",
    external_reference: str = "",
    language: str = "",
    embedded_data: Mapping[str, str] | None = None,
) -> ListedContact:
    """Put a person on a mailing list: one contact an address, once on the list however often this is called.

    What is told replaces what was known; what is empty does not.
    """
    told = {
        "first_name": first_name,
        "last_name": last_name,
        "phone": phone,
        "external_reference": external_reference,
        "language": language,
    }
    data = {name: value for name, value in (embedded_data or {}).items() if value}
    contact = await _upsert(connection, email, told, data)
    membership = tables.mailing_list_contact
    lookup_id = await connection.scalar(
        insert(membership)
        .values(mailing_list_id=mailing_list_id, contact_id=contact.id, contact_lookup_id=new_id("CGC"))
        .on_conflict_do_update(
            index_elements=[membership.c.mailing_list_id, membership.c.contact_id],
            set_={"contact_id": contact.id},
        )
        .returning(membership.c.contact_lookup_id)
    )
    return ListedContact(contact, str(lookup_id))


async def find_lookup_id(connection: AsyncConnection, mailing_list_id: str, contact_id: str) -> str | None:
    """The id (``CGC_…``) of a contact on a mailing list."""
    membership = tables.mailing_list_contact
    found: str | None = await connection.scalar(
        select(membership.c.contact_lookup_id).where(
            membership.c.mailing_list_id == mailing_list_id, membership.c.contact_id == contact_id
        )
    )
    return found


async def _upsert(
    connection: AsyncConnection, email: str, told: Mapping[str, str], embedded_data: Mapping[str, str]
) -> Contact:
    table = tables.contact
    new = insert(table).values(id=new_id("CID"), email=email, embedded_data=dict(embedded_data), **told)
    known = {name: func.coalesce(func.nullif(new.excluded[name], ""), table.c[name]) for name in told}
    stored = await connection.execute(
        new.on_conflict_do_update(
            index_elements=[func.lower(table.c.email)],
            set_={**known, "embedded_data": table.c.embedded_data.op("||")(new.excluded.embedded_data)},
        ).returning(table)
    )
    return _contact(stored.mappings().one())


def _contact(row: RowMapping) -> Contact:
    return Contact(**{name: row[name] for name in Contact.__struct_fields__})


async def contacts_among(connection: AsyncConnection, addresses: Iterable[str]) -> frozenset[str]:
    """Those of these addresses, in small letters, that are a contact's."""
    email = func.lower(tables.contact.c.email)
    wanted = {address.lower() for address in addresses}
    return frozenset(await connection.scalars(select(email).where(email.in_(wanted))))


async def is_opted_out(connection: AsyncConnection, contact_id: str) -> bool:
    """Tell whether the contact asked not to be written to."""
    moment = await connection.scalar(
        select(tables.contact.c.opted_out_at).where(tables.contact.c.id == contact_id)
    )
    return moment is not None


async def opt_out(connection: AsyncConnection, contact_id: str) -> None:
    """Never write to this contact again; saying it twice changes nothing."""
    await connection.execute(
        update(tables.contact)
        .where(tables.contact.c.id == contact_id, tables.contact.c.opted_out_at.is_(None))
        .values(opted_out_at=func.now())
    )
