"""The mail by which somebody sees that mail works."""

from datetime import UTC, datetime

from afterword.distributions.notifications import Notification, render_notification
from afterword.distributions.sending import Mailer
from afterword.settings import Settings
from afterword.translating import N_, gettext, translated

SUBJECT = N_("Mail from Afterword works")
MESSAGE = N_("""Hello %(name)s,

this is the test that was asked for in Afterword. That you read it shows that mail goes out, from %(mail_from)s.

Surveys come the same way.""")


async def send_test_message(mailer: Mailer, settings: Settings, *, to: str, name: str) -> datetime:
    """Send it; answers when the mail server took it.

    Raises:
        Retry, Permanent: the mail server did not take it.
    """
    now = datetime.now(UTC)
    notification = Notification(
        to=[to],
        from_name="Afterword",
        subject=translated(SUBJECT),
        message=gettext(MESSAGE, name=name, mail_from=settings.mail_from),
    )
    key = f"test/{to}/{now.isoformat()}"
    await mailer.send(render_notification(notification, key=key, mail_from=settings.mail_from, date=now))
    return datetime.now(UTC)
