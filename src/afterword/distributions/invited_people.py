"""The mail to somebody who was invited to Afterword, or who is to choose another password."""

from datetime import UTC, datetime

import msgspec

from afterword.accounts.people import Person
from afterword.distributions.notifications import Notification, render_notification
from afterword.distributions.sending import Mailer
from afterword.settings import Settings
from afterword.translating import N_, gettext, speaking, spoken, translated

SUBJECT = N_("Your way into Afterword")
MESSAGE = N_("""Hello %(name)s,

%(by)s invites you to Afterword, which asks customers how it went after support conversations.

Choose a password here, and you are in:

%(link)s

The link works once, until tomorrow at this time. If you did not expect this mail, do nothing.""")


class Invited(msgspec.Struct, frozen=True):
    """Who is invited, by which link, and the name of who does."""

    person: Person
    link: str
    by: str


async def send_invitation(mailer: Mailer, settings: Settings, invited: Invited) -> None:
    """Send it, in the language that the person chose, else in that of who invites.

    Raises:
        Retry, Permanent: the mail server did not take it.
    """
    with speaking(invited.person.language or spoken()):
        notification = Notification(
            to=[invited.person.email],
            from_name="Afterword",
            subject=translated(SUBJECT),
            message=gettext(MESSAGE, name=invited.person.name, by=invited.by, link=invited.link),
        )
    message = render_notification(
        notification, key=invited.link, mail_from=settings.mail_from, date=datetime.now(UTC)
    )
    await mailer.send(message, secrets=(invited.link,))
