"""A survey's mail as it would be, for somebody of the company: its links lead to a preview, and nothing is stored."""

from datetime import UTC, datetime
from email.message import EmailMessage

from afterword.distributions.invitations import Invitation, Letter
from afterword.distributions.mail import Links, render_mail
from afterword.settings import Settings
from afterword.store.identifiers import new_id
from afterword.surveys.definitions import Survey

SOMEBODY = "Ada Lovelace"


def render_trial(
    survey: Survey, letter: Letter, settings: Settings, *, to: str, name: str = SOMEBODY
) -> EmailMessage:
    """Make the mail; Embedded Data and fields are empty, as no Conversation stands behind it.

    Raises:
        Permanent: its text asks for a value that only a real event has.
    """
    first, _, last = name.partition(" ")
    now = datetime.now(UTC)
    invitation = Invitation(
        id=new_id("EMD"),
        survey_id=survey.id,
        contact_id="",
        link_token="preview",  # noqa: S106 - no link holds it
        email=to,
        first_name=first,
        last_name=last,
        embedded_data={},
        fields={},
        from_name=letter.from_name,
        subject=letter.subject,
        message=letter.message,
        created_at=now,
        send_at=now,
        sent_at=None,
    )
    preview = f"{settings.public_url.rstrip('/')}/surveys/{survey.id}/preview?by=mail"
    return render_mail(
        invitation,
        survey,
        public_url=settings.public_url,
        mail_from=settings.mail_from,
        leading_to=Links(survey=preview, opt_out=preview),
    )
