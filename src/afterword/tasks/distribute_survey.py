"""XM Directory: Distribute survey. A contact, embedded data, and an email with a personal link."""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.directory.contacts import add_to_list, is_opted_out, mail_address
from afterword.distributions.invitations import Invitation, Letter, invite, mark_sent
from afterword.distributions.mail import render_mail
from afterword.outcomes import Permanent, Reason, Skip
from afterword.surveys.definitions import Survey, get_survey
from afterword.tasks.contract import Done, Piped, Repetition, TaskCall, Wait
from afterword.tasks.services import Services

NO_ADDRESS = Reason("contact-has-no-email", "the contact has no email address")
NOT_AN_ADDRESS = Reason("contact-email-invalid", "the contact's email address is not one that mail can go to")
OPTED_OUT = Reason("contact-opted-out", "the contact asked not to be written to")
NO_SURVEY = Reason("survey-not-found", "the survey was deleted")
SURVEY_CLOSED = Reason("survey-inactive", "the survey is not active")

DEFAULT_SUBJECT = "How did we do?"
DEFAULT_MESSAGE = """Hi ${m://FirstName?d=there},

thank you for talking to us. One click tells us how it went:

${l://SurveyLink?d=Take the survey}

It takes less than a minute, and the team reads every word."""


class EmbeddedDatum(msgspec.Struct, frozen=True):
    """One line of *Add or remove embedded data fields*: a name and its value."""

    field: Annotated[str, Meta(min_length=1, max_length=200)]
    value: Annotated[str, Piped()]


class DistributeSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form."""

    mailing_list: str
    first_name: Annotated[str, Piped()]
    last_name: Annotated[str, Piped()]
    email: Annotated[str, Piped()]
    embedded_data: tuple[EmbeddedDatum, ...] = ()
    survey: str
    delay_seconds: Annotated[float, Meta(ge=0, le=366 * 86400)] = 0
    from_name: str = "Customer service"
    subject: str = DEFAULT_SUBJECT
    message: str = DEFAULT_MESSAGE


class DistributeSurveyTask:
    """The task type. Once for each run however often it is called: the invitation's id comes from the run."""

    name = "distribute-survey"
    label = "XM Directory: Distribute survey"
    repetition = Repetition.IDEMPOTENT
    configuration = DistributeSurvey

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(self, call: TaskCall[DistributeSurvey]) -> Done | Wait:
        """Make the invitation, wait until it is due, send it."""
        invitation, survey, contact_lookup_id, due = await self._invite(call)
        output = {
            "distributionId": invitation.id,
            "contactId": invitation.contact_id,
            "contactLookupId": contact_lookup_id,
        }
        if invitation.sent_at is not None:
            return Done({**output, "sentAt": invitation.sent_at.isoformat()})
        if not due:
            return Wait(invitation.send_at, "survey-scheduled", "the survey is to be sent later")
        settings = self._services.settings
        message = render_mail(
            invitation, survey, public_url=settings.public_url, mail_from=settings.mail_from
        )
        answer = await self._services.mail.send(message)
        async with self._services.database.transaction() as connection:
            await mark_sent(connection, invitation.id)
        return Done(
            {**output, "mailServer": answer[:200]},
            sent={
                "to": invitation.email,
                "subject": str(message["Subject"]),
                "messageId": str(message["Message-ID"]),
            },
        )

    async def _invite(self, call: TaskCall[DistributeSurvey]) -> tuple[Invitation, Survey, str, bool]:
        wanted = call.configuration
        if not wanted.email.strip():
            raise Skip(NO_ADDRESS)
        email = mail_address(wanted.email)
        if email is None:
            raise Skip(NOT_AN_ADDRESS)
        async with self._services.database.transaction() as connection:
            survey = await get_survey(connection, wanted.survey)
            if survey is None:
                raise Permanent(NO_SURVEY)
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
            invitation, due = await invite(
                connection,
                key=call.key,
                survey_id=survey.id,
                mailing_list_id=wanted.mailing_list,
                listed=listed,
                letter=Letter(wanted.from_name, wanted.subject, wanted.message),
                embedded_data=survey.definition.spell_embedded_data(
                    {datum.field: datum.value for datum in wanted.embedded_data}
                ),
                fields=call.fields,
                delay_seconds=wanted.delay_seconds,
            )
        return invitation, survey, listed.contact_lookup_id, due
