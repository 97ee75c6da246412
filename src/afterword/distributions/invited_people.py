"""The mail to somebody who was invited to Afterword, or who is to choose another password."""

from datetime import UTC, datetime

import msgspec

from afterword.accounts.people import Person
from afterword.distributions.notifications import Notification, render_notification
from afterword.distributions.sending import Mailer
from afterword.settings import Settings

SUBJECT = "Your way into Afterword"
MESSAGE = """Hello {name},

{by} invites you to Afterword, which asks customers how it went after support conversations.

Choose a password here, and you are in:

{link}

The link works once, until tomorrow at this time. If you did not expect this mail, do nothing."""


class Invited(msgspec.Struct, frozen=True):
    """Who is invited, by which link, and the name of who does."""

    person: Person
    link: str
    by: str


async def send_invitation(mailer: Mailer, settings: Settings, invited: Invited) -> None:
    """Send it.

    Raises:
        Retry, Permanent: the mail server did not take it.
    """
    notification = Notification(
        to=[invited.person.email],
        from_name="Afterword",
        subject=SUBJECT,
        message=MESSAGE.format(name=invited.person.name, by=invited.by, link=invited.link),
    )
    message = render_notification(
        notification, key=invited.link, mail_from=settings.mail_from, date=datetime.now(UTC)
    )
    await mailer.send(message, secrets=(invited.link,))
