"""Email notification: a mail to people of the company."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.directory.contacts import contacts_among, mail_address
from afterword.distributions.messages import plain_text
from afterword.distributions.notifications import Notification, notification_id, render_notification
from afterword.outcomes import Permanent, Reason, Skip
from afterword.sending.checking import IN_TEST, allowed_among, check_not_paused
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall
from afterword.tasks.fields import LONGEST_TEMPLATE, MULTILINE
from afterword.tasks.services import Services
from afterword.translating import N_, said

MOST_RECIPIENTS = 30
"""Of each kind; as many as Qualtrics' own Email task takes."""

NOBODY = Reason("notification-without-recipient", N_("none of the recipients has a value"))
NO_SUBJECT = Reason("notification-without-subject", N_("the notification's subject has no text"))

Template = Annotated[str, Meta(max_length=LONGEST_TEMPLATE)]


class EmailNotification(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form."""

    to: Annotated[
        tuple[Template, ...],
        Piped("header"),
        Meta(
            title=N_("To"),
            description=N_(
                "Who is told, people of your company: up to 30 addresses, each by itself; empty ones are left "
                "out. For customers there is Distribute survey, which knows who opted out."
            ),
            examples=[["service@yourcompany.example", "${e://Field/TeamLeadEmail}"]],
            min_length=1,
            max_length=MOST_RECIPIENTS,
        ),
    ]
    cc: Annotated[
        tuple[Template, ...],
        Piped("header"),
        Meta(
            title=N_("CC"),
            description=N_("Who gets a copy, up to 30 addresses."),
            examples=[["quality@yourcompany.example"]],
            max_length=MOST_RECIPIENTS,
        ),
    ] = ()
    from_name: Annotated[
        str,
        Piped("header"),
        Meta(
            title=N_("From Name"),
            description=N_("Whose name the mail comes under; its address is the installation's."),
            examples=["Afterword"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "Afterword"
    reply_to: Annotated[
        str,
        Piped("header"),
        Meta(
            title=N_("Reply-To Email"),
            description=N_("Where an answer goes; without it, to the address that the mail comes from."),
            examples=["service@yourcompany.example"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = ""
    subject: Annotated[
        str,
        Piped("header"),
        Meta(
            title=N_("Subject"),
            description=N_("One line; cut at 250 characters."),
            examples=["A customer gave ${q://QID1/SelectedChoicesRecode} of 5"],
            min_length=1,
            max_length=LONGEST_TEMPLATE,
        ),
    ]
    message: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Message"),
            description=N_("Plain text, a blank line between paragraphs; it is sent as text and as HTML."),
            examples=["${q://QID2/ChoiceTextEntryValue?d=(no comment)}"],
            max_length=100_000,
            extra_json_schema=MULTILINE,
        ),
    ] = ""


class EmailNotificationTask:
    """The task type. SMTP cannot tell a repeat; the Message-ID is the same each time, which many mail programs heed."""

    name = "email-notification"
    label = N_("Email notification")
    summary = N_("A mail to people of the company.")
    repetition = Repetition.NEITHER
    repeats_when_unknown = True
    configuration = EmailNotification

    def __init__(self, services: Services) -> None:
        self._mail = services.mail
        self._database = services.database
        self._mail_from = services.settings.mail_from

    def outputs(self, _: EmailNotification) -> tuple[str, ...]:
        """The mail's id, the mail server's words, and whom it did not take."""
        return ("notificationId", "mailServer", "refused")

    async def plan(self, call: TaskCall[EmailNotification]) -> Plan:
        """The mail as it would be."""
        output = {"notificationId": notification_id(call.key), "mailServer": "", "refused": []}
        to, cc = await self._recipients(call)
        return Plan(_sent(self._message(call, to, cc)), output)

    async def run(self, call: TaskCall[EmailNotification]) -> Done:
        """Send it; when the mail server takes it for some recipients alone, the others are told in the output."""
        to, cc = await self._recipients(call)
        message = self._message(call, to, cc)
        if await self._has_customer(call, [*to, *cc]):
            await check_not_paused(self._database, call.writer)
        taken = await self._mail.send(message)
        output = {
            "notificationId": notification_id(call.key),
            "mailServer": taken.words[:200],
            "refused": list(taken.refused),
        }
        return Done(output, sent=_sent(message))

    async def _recipients(self, call: TaskCall[EmailNotification]) -> tuple[Sequence[str], Sequence[str]]:
        """To whom it goes and who gets a copy; while the workflow is in test, those on its allow-list alone."""
        wanted = call.configuration
        to, cc = _addresses("to", wanted.to), _addresses("cc", wanted.cc)
        if not to:
            raise Skip(NOBODY)
        allowed = await allowed_among(self._database, call.writer, [*to, *cc])
        to, cc = ([address for address in addresses if address in allowed] for addresses in (to, cc))
        if not to:
            raise Skip(IN_TEST)
        return to, cc

    async def _has_customer(self, call: TaskCall[EmailNotification], addresses: Sequence[str]) -> bool:
        """Whether one of the addresses is a contact's, or stands in the event: such mail goes to a customer."""
        told = {value.strip().lower() for value in call.fields.values()}
        if any(address.lower() in told for address in addresses):
            return True
        async with self._database.transaction() as connection:
            return bool(await contacts_among(connection, addresses))

    def _message(
        self, call: TaskCall[EmailNotification], to: Sequence[str], cc: Sequence[str]
    ) -> EmailMessage:
        wanted = call.configuration
        if not wanted.subject.strip():
            raise Permanent(NO_SUBJECT)
        notification = Notification(
            to=to,
            cc=[address for address in cc if address not in to],
            from_name=wanted.from_name,
            reply_to=next(iter(_addresses("reply_to", [wanted.reply_to])), ""),
            subject=wanted.subject,
            message=wanted.message,
        )
        return render_notification(
            notification, key=call.key, mail_from=self._mail_from, date=datetime.now(UTC)
        )


def _addresses(field: str, texts: Iterable[str]) -> list[str]:
    """The addresses that texts are, each once; those without a text are left out.

    Raises:
        Permanent: one is not a single address.
    """
    found: dict[str, None] = {}
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        address = mail_address(text)
        if address is None:
            words = said(
                "%(field)s: number %(number)s is not an address that mail can go to; write one "
                "address in each place",
                field=field,
                number=number,
            )
            raise Permanent(Reason("notification-address-invalid", words, {"field": field}))
        found[address] = None
    return list(found)


def _sent(message: EmailMessage) -> dict[str, str]:
    told = {
        "to": message["To"],
        "cc": message["Cc"],
        "replyTo": message["Reply-To"],
        "subject": message["Subject"],
        "messageId": message["Message-ID"],
        "text": plain_text(message),
    }
    return {name: str(value) for name, value in told.items() if value}
