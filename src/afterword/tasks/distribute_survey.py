"""XM Directory: Distribute survey. A contact, embedded data, and an email with a personal link."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.directory.contacts import (
    ListedContact,
    add_to_list,
    find_on_list,
    has_mailing_list,
    is_opted_out,
    mail_address,
)
from afterword.distributions.invitations import (
    DEFAULT_FROM_NAME,
    DEFAULT_MESSAGE,
    DEFAULT_SUBJECT,
    About,
    Invitation,
    Letter,
    WhenReopened,
    get_invitation,
    invitation_id_for,
    invite,
    mark_sent,
    reopened_at,
)
from afterword.distributions.mail import render_mail
from afterword.distributions.messages import plain_text
from afterword.outcomes import Permanent, Reason, Skip
from afterword.sending.checking import check_allow_list, check_own_allow_list
from afterword.surveys.definitions import Survey, get_survey
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall, Wait
from afterword.tasks.fields import (
    LONGEST_TEMPLATE,
    MOST_ENTRIES,
    MULTILINE,
    ContactEmail,
    EmbeddedDatum,
    FirstName,
    LastName,
    MailingListId,
    contact_address,
    no_mailing_list,
)
from afterword.tasks.services import Services
from afterword.translating import N_

OPTED_OUT = Reason("contact-opted-out", N_("the contact asked not to be written to"))
NO_SURVEY = Reason("survey-not-found", N_("the survey was deleted"))
SURVEY_CLOSED = Reason("survey-inactive", N_("the survey is not active"))
EXPIRED = Reason("invitation-expired", N_("the survey's link expired before the mail could be sent"))
REOPENED = Reason(
    "conversation-reopened",
    N_("the conversation was opened again before the survey was sent, which cancels it"),
)
NOT_A_REPLY_TO = Reason(
    "reply-to-invalid", N_("the reply-to address is not one that mail can go to; correct it in the task")
)

DAY_SECONDS = 86_400.0
HIDDEN = "…"
"""Stands in the place of the personal link's secret."""
CONVERSATION_FIELD = "conversationId"
"""The field of the event, or else the embedded data, that names the conversation; in any case."""
NOT_MADE_YET = "not-made-yet"
"""The secret of a link that no run has made, of letters that an address takes as they are."""


class DistributeSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form."""

    mailing_list: MailingListId
    first_name: FirstName = ""
    last_name: LastName = ""
    email: ContactEmail
    embedded_data: Annotated[
        tuple[EmbeddedDatum, ...],
        Meta(
            title=N_("Embedded data"),
            description=N_("Values that go with the survey and come back with the response."),
            examples=[[{"field": "CustomerId", "value": "~{aedj://customerId}"}]],
            max_length=MOST_ENTRIES,
        ),
    ] = ()
    survey: Annotated[
        str,
        Meta(
            title=N_("Survey"),
            description=N_("The survey to distribute."),
            examples=["SV_0f3KdWq81sBcZpT"],
            max_length=200,
            extra_json_schema={"format": "survey"},
        ),
    ]
    delay_seconds: Annotated[
        float,
        Meta(
            title=N_("When: delay in seconds"),
            description=N_("How long after the event the mail goes out; 0 is immediately, at most 366 days."),
            examples=[0, 3600],
            ge=0,
            le=366 * DAY_SECONDS,
        ),
    ] = 0
    link_expires_days: Annotated[
        Annotated[float, Meta(gt=0, le=3660)] | None,
        Meta(
            title=N_("Link expiration in days"),
            description=N_(
                "How long after the mail its link can be answered; without it, for as long as the "
                "survey is active."
            ),
            examples=[60],
        ),
    ] = None
    when_reopened: Annotated[
        WhenReopened,
        Meta(
            title=N_("When the conversation is reopened"),
            description=N_(
                "What becomes of the invitation then: it is kept, cancelled if it was not sent yet, or "
                "cancelled if it was not answered yet, so that its link says kindly that it is no longer needed."
            ),
            examples=["cancel-if-not-sent"],
        ),
    ] = "keep"
    from_name: Annotated[
        str,
        Meta(
            title=N_("From Name"),
            description=N_("Whose name the mail comes under; its address is the installation's."),
            examples=["Customer service"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = DEFAULT_FROM_NAME
    reply_to: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Reply-To Email"),
            description=N_(
                "Where an answer to the mail goes; without it, to the address that it comes from."
            ),
            examples=["help@yourcompany.example"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = ""
    subject: Annotated[
        str,
        Piped("header", of="invitation"),
        Meta(
            title=N_("Subject"),
            description=N_("The mail's subject; piped text of the contact (m://) and of the event."),
            examples=[DEFAULT_SUBJECT],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = DEFAULT_SUBJECT
    message: Annotated[
        str,
        Piped(of="invitation"),
        Meta(
            title=N_("Message"),
            description=N_(
                "The mail's text, a blank line between paragraphs. Where ${l://SurveyLink} stands alone, "
                "the first question is asked."
            ),
            examples=[DEFAULT_MESSAGE],
            max_length=100_000,
            extra_json_schema=MULTILINE,
        ),
    ] = DEFAULT_MESSAGE

    @property
    def letter(self) -> Letter:
        """What the invitation is to say.

        Raises:
            Permanent: the reply-to address is none.
        """
        reply_to = mail_address(self.reply_to) if self.reply_to.strip() else ""
        if reply_to is None:
            raise Permanent(NOT_A_REPLY_TO)
        return Letter(self.from_name, self.subject, self.message, reply_to)

    @property
    def link_expires_seconds(self) -> float | None:
        """How long the link can be answered, if not for ever."""
        return None if self.link_expires_days is None else self.link_expires_days * DAY_SECONDS


class _Made(msgspec.Struct, frozen=True):
    """An invitation that was made or found, and what has to be known of it at this moment."""

    invitation: Invitation
    survey: Survey
    contact_lookup_id: str
    is_due: bool
    reopened_at: datetime | None


class DistributeSurveyTask:
    """The task type. Once for each run however often it is called: the invitation's id comes from the run."""

    name = "distribute-survey"
    label = N_("XM Directory: Distribute survey")
    summary = N_("A contact, embedded data, and an email with a personal link.")
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = DistributeSurvey

    def __init__(self, services: Services) -> None:
        self._services = services

    def outputs(self, _: DistributeSurvey) -> tuple[str, ...]:
        """The ids of the distribution and of whom it went to."""
        return ("distributionId", "contactId", "contactLookupId")

    async def plan(self, call: TaskCall[DistributeSurvey]) -> Plan:
        """The mail as it would be, and whether it was sent already."""
        wanted = call.configuration
        email = contact_address(wanted.email)
        await check_allow_list(self._services.database, call.writer, email)
        async with self._services.database.transaction() as connection:
            survey = await _survey(connection, wanted)
            known = await find_on_list(connection, wanted.mailing_list, email)
            invitation = await get_invitation(connection, invitation_id_for(call.key))
        _check_may_be_asked(survey, known)
        invitation = invitation or _imagined(call, survey, known, email)
        return Plan(
            _sent(self._mail(invitation, survey), invitation),
            _output(invitation, (known and known.contact_lookup_id) or "new"),
            repeats=invitation.sent_at is not None,
        )

    async def run(self, call: TaskCall[DistributeSurvey]) -> Done | Wait:
        """Make the invitation, wait until it is due, send it."""
        made = await self._invite(call)
        invitation, output = made.invitation, _output(made.invitation, made.contact_lookup_id)
        if invitation.sent_at is not None:
            return Done({**output, "sentAt": invitation.sent_at.isoformat()})
        if made.reopened_at is not None:
            raise Skip(REOPENED)
        if not made.is_due:
            return Wait(invitation.send_at, "survey-scheduled", N_("the survey is to be sent later"))
        if invitation.is_expired:
            raise Skip(EXPIRED)
        message = self._mail(invitation, made.survey)
        await self._services.brakes.check_may_be_written_to(call.writer, invitation.email)
        taken = await self._services.mail.send(message, secrets=(invitation.link_token,))
        async with self._services.database.transaction() as connection:
            await mark_sent(connection, invitation.id)
        return Done({**output, "mailServer": taken.words[:200]}, sent=_sent(message, invitation))

    def _mail(self, invitation: Invitation, survey: Survey) -> EmailMessage:
        settings = self._services.settings
        return render_mail(invitation, survey, public_url=settings.public_url, mail_from=settings.mail_from)

    async def _invite(self, call: TaskCall[DistributeSurvey]) -> _Made:
        wanted = call.configuration
        email = contact_address(wanted.email)
        check_own_allow_list(call.writer, email)
        async with self._services.database.transaction() as connection:
            survey = await _survey(connection, wanted)
            listed = await add_to_list(
                connection,
                wanted.mailing_list,
                email=email,
                first_name=wanted.first_name.strip(),
                last_name=wanted.last_name.strip(),
            )
            if not survey.is_active:
                raise Skip(SURVEY_CLOSED)
            if await is_opted_out(connection, listed.contact.id):
                raise Skip(OPTED_OUT)
            embedded_data = _embedded_data(wanted, survey)
            invitation, is_due = await invite(
                connection,
                key=call.key,
                survey_id=survey.id,
                mailing_list_id=wanted.mailing_list,
                listed=listed,
                letter=wanted.letter,
                embedded_data=embedded_data,
                fields=call.fields,
                delay_seconds=wanted.delay_seconds,
                expires_after_seconds=wanted.link_expires_seconds,
                about=About(
                    _conversation(call.fields) or _conversation(embedded_data),
                    call.run_started_at,
                    wanted.when_reopened,
                ),
            )
            reopened = await reopened_at(connection, invitation)
        return _Made(invitation, survey, listed.contact_lookup_id, is_due, reopened)


async def _survey(connection: AsyncConnection, wanted: DistributeSurvey) -> Survey:
    survey = await get_survey(connection, wanted.survey)
    if survey is None:
        raise Permanent(NO_SURVEY)
    if not await has_mailing_list(connection, wanted.mailing_list):
        raise no_mailing_list()
    return survey


def _check_may_be_asked(survey: Survey, known: ListedContact | None) -> None:
    if not survey.is_active:
        raise Skip(SURVEY_CLOSED)
    if known is not None and known.contact.opted_out_at is not None:
        raise Skip(OPTED_OUT)


def _imagined(
    call: TaskCall[DistributeSurvey], survey: Survey, known: ListedContact | None, email: str
) -> Invitation:
    """The invitation that a run would make."""
    wanted, now = call.configuration, datetime.now(UTC)
    letter, contact = wanted.letter, known.contact if known else None
    return Invitation(
        id=invitation_id_for(call.key),
        survey_id=survey.id,
        contact_id=contact.id if contact else "new",
        link_token=NOT_MADE_YET,
        email=contact.email if contact else email,
        first_name=wanted.first_name.strip() or (contact.first_name if contact else ""),
        last_name=wanted.last_name.strip() or (contact.last_name if contact else ""),
        embedded_data=_embedded_data(wanted, survey),
        fields=dict(call.fields),
        from_name=letter.from_name,
        subject=letter.subject,
        message=letter.message,
        created_at=now,
        send_at=now + timedelta(seconds=wanted.delay_seconds),
        sent_at=None,
        reply_to=letter.reply_to,
    )


def _embedded_data(wanted: DistributeSurvey, survey: Survey) -> dict[str, str]:
    told = {datum.field: datum.value for datum in wanted.embedded_data}
    return survey.definition.spell_embedded_data(told)


def _conversation(values: Mapping[str, str]) -> str | None:
    wanted = CONVERSATION_FIELD.casefold()
    return next((value for name, value in values.items() if name.casefold() == wanted and value), None)


def _output(invitation: Invitation, contact_lookup_id: str) -> dict[str, object]:
    return {
        "distributionId": invitation.id,
        "contactId": invitation.contact_id,
        "contactLookupId": contact_lookup_id,
    }


def _sent(message: EmailMessage, invitation: Invitation) -> dict[str, str]:
    """What went out, without the personal link, which is a secret."""
    told = {
        "to": invitation.email,
        "subject": str(message["Subject"]),
        "messageId": str(message["Message-ID"]),
        "text": plain_text(message),
    }
    return {name: value.replace(invitation.link_token, HIDDEN) for name, value in told.items()}
