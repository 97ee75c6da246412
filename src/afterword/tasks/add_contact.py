"""XM Directory: Add contact. Somebody put on a mailing list, with what is known of them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.directory.contacts import add_to_list, find_on_list, has_mailing_list
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall
from afterword.tasks.fields import (
    MOST_ENTRIES,
    ContactEmail,
    EmbeddedDatum,
    ExternalReference,
    FirstName,
    Language,
    LastName,
    MailingListId,
    Phone,
    contact_address,
    no_mailing_list,
)
from afterword.tasks.services import Services
from afterword.translating import N_


class AddContact(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form."""

    mailing_list: MailingListId
    first_name: FirstName = ""
    last_name: LastName = ""
    email: ContactEmail
    phone: Phone = ""
    external_reference: ExternalReference = ""
    language: Language = ""
    embedded_data: Annotated[
        tuple[EmbeddedDatum, ...],
        Meta(
            title=N_("Embedded data"),
            description=N_("Values kept with the contact. An empty value leaves what is known."),
            examples=[[{"field": "Plan", "value": "~{aedj://plan}"}]],
            max_length=MOST_ENTRIES,
        ),
    ] = ()


class AddContactTask:
    """The task type. One contact an address, once on the list: saying it again changes nothing."""

    name = "add-contact"
    label = N_("XM Directory: Add contact")
    summary = N_("Somebody put on a mailing list, with what is known of them.")
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = AddContact

    def __init__(self, services: Services) -> None:
        self._database = services.database

    def outputs(self, _: AddContact) -> tuple[str, ...]:
        """The contact's ids, in the directory and on the list."""
        return ("contactId", "contactLookupId")

    async def plan(self, call: TaskCall[AddContact]) -> Plan:
        """What would be saved, and of whom."""
        wanted = call.configuration
        email = contact_address(wanted.email)
        async with self._database.transaction() as connection:
            if not await has_mailing_list(connection, wanted.mailing_list):
                raise no_mailing_list()
            known = await find_on_list(connection, wanted.mailing_list, email)
        output = {
            "contactId": known.contact.id if known else "new",
            "contactLookupId": (known and known.contact_lookup_id) or "new",
        }
        return Plan(_sent(wanted, email), output)

    async def run(self, call: TaskCall[AddContact]) -> Done:
        """Save the contact and put it on the list."""
        wanted = call.configuration
        email = contact_address(wanted.email)
        async with self._database.transaction() as connection:
            if not await has_mailing_list(connection, wanted.mailing_list):
                raise no_mailing_list()
            listed = await add_to_list(
                connection,
                wanted.mailing_list,
                email=email,
                first_name=wanted.first_name.strip(),
                last_name=wanted.last_name.strip(),
                phone=wanted.phone.strip(),
                external_reference=wanted.external_reference.strip(),
                language=wanted.language.strip(),
                embedded_data=_embedded_data(wanted),
            )
        output = {"contactId": listed.contact.id, "contactLookupId": listed.contact_lookup_id}
        return Done(output, sent=_sent(wanted, email))


def _embedded_data(wanted: AddContact) -> dict[str, str]:
    return {datum.field: datum.value for datum in wanted.embedded_data}


def _sent(wanted: AddContact, email: str) -> dict[str, str]:
    told = {
        "mailingList": wanted.mailing_list,
        "firstName": wanted.first_name.strip(),
        "lastName": wanted.last_name.strip(),
        "email": email,
        "phone": wanted.phone.strip(),
        "externalDataReference": wanted.external_reference.strip(),
        "language": wanted.language.strip(),
    }
    data = {f"embeddedData.{name}": value for name, value in _embedded_data(wanted).items()}
    return {name: value for name, value in {**told, **data}.items() if value}
