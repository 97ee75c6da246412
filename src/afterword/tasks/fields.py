"""Fields that several task types ask for alike.

``format`` in a field's JSON Schema tells a form what to offer for it: ``gladly-account``, ``qualtrics-account`` and
``web-service-account`` (connected accounts), ``mailing-list``, ``survey``, ``multiline`` (a large box).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.directory.contacts import mail_address
from afterword.outcomes import Permanent, Reason, Skip
from afterword.tasks.contract import EmbeddedDataName, Piped
from afterword.translating import N_

NO_ADDRESS = Reason("contact-has-no-email", N_("the contact has no email address"))
NOT_AN_ADDRESS = Reason(
    "contact-email-invalid", N_("the contact's email address is not one that mail can go to")
)
NO_MAILING_LIST = Reason(
    "mailing-list-not-found", N_("the mailing list was deleted; choose another in the task")
)

LONGEST_TEMPLATE = 10_000
"""Characters of a text as it is configured, values not yet filled in."""
MOST_ENTRIES = 200

MULTILINE = {"format": "multiline"}

GladlyAccountId = Annotated[
    str,
    Meta(
        title=N_("Gladly account"),
        description=N_("The connected Gladly account."),
        examples=["GA_0f3KdWq81sBcZpT"],
        max_length=200,
        extra_json_schema={"format": "gladly-account"},
    ),
]
MailingListId = Annotated[
    str,
    Meta(
        title=N_("Mailing list"),
        description=N_("The list of the XM Directory that the contact is saved in."),
        examples=["CG_0f3KdWq81sBcZpT"],
        max_length=200,
        extra_json_schema={"format": "mailing-list"},
    ),
]
FirstName = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("First Name"),
        description=N_("The contact's first name. An empty one leaves the name that is known."),
        examples=["~{aedj://customerFirstName}"],
        max_length=LONGEST_TEMPLATE,
    ),
]
LastName = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("Last Name"),
        description=N_("The contact's last name. An empty one leaves the name that is known."),
        examples=["~{aedj://customerLastNames}"],
        max_length=LONGEST_TEMPLATE,
    ),
]
ContactEmail = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("Email"),
        description=N_("The contact's email address. There is one contact for each address."),
        examples=["~{aedj://customerEmailAddress}"],
        max_length=LONGEST_TEMPLATE,
    ),
]
Phone = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("Phone"),
        description=N_(
            "The contact's phone number, kept as it is written. An empty one leaves what is known."
        ),
        examples=["~{aedj://customerPhone}"],
        max_length=LONGEST_TEMPLATE,
    ),
]
ExternalReference = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("External Data Reference"),
        description=N_("What your other systems call the contact. An empty one leaves what is known."),
        examples=["~{aedj://customerId}"],
        max_length=LONGEST_TEMPLATE,
    ),
]
Language = Annotated[
    str,
    Piped(),
    Meta(
        title=N_("Language"),
        description=N_("The contact's language, as Qualtrics' code. An empty one leaves what is known."),
        examples=["EN", "DE", "ES-ES"],
        max_length=LONGEST_TEMPLATE,
    ),
]


class EmbeddedDatum(msgspec.Struct, frozen=True):
    """One line of *Add or remove embedded data fields*: a name and its value."""

    field: Annotated[
        str,
        EmbeddedDataName(),
        Meta(
            title=N_("Field"),
            description=N_("The embedded data field's name."),
            examples=["CustomerId"],
            min_length=1,
            max_length=200,
        ),
    ]
    value: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Value"),
            description=N_("Its value."),
            examples=["~{aedj://customerId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ]


def contact_address(text: str) -> str:
    """The address of a contact, fit for mail.

    Raises:
        Skip: there is none, or mail cannot go to it.
    """
    if not text.strip():
        raise Skip(NO_ADDRESS)
    email = mail_address(text)
    if email is None:
        raise Skip(NOT_AN_ADDRESS)
    return email


def no_mailing_list() -> Permanent:
    """The mailing list that a task names is not there."""
    return Permanent(NO_MAILING_LIST)
