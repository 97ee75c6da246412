"""The mail that every API User gets when a webhook is deactivated, as Gladly documents; its words are ours."""

import sqlite3
from email.message import EmailMessage
from email.policy import SMTPUTF8

import structlog

from afterword_sandbox.company import users
from afterword_sandbox.mail.catcher import MailCatcher
from afterword_sandbox.options import Addresses
from afterword_sandbox.store import Store

SENDER = "notifications@gladly.example"

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class DeactivationNotice:
    """Writes to the API Users, into the mail catcher."""

    def __init__(self, store: Store, mails: MailCatcher, addresses: Addresses) -> None:
        self._store = store
        self._mails = mails
        self._addresses = addresses

    async def send(self, webhook: sqlite3.Row, reason: str) -> None:
        """Tell every active API User that a webhook was deactivated, and why; a mail that cannot be kept is logged."""
        recipients = [
            user.email for user in users.users(self._store) if user.is_active and "API_USER" in user.roles
        ]
        name = " ".join((webhook["name"] or webhook["url"]).split())
        mail = EmailMessage(policy=SMTPUTF8)
        if not recipients:
            return
        mail["From"] = f"Gladly <{SENDER}>"
        mail["To"] = ", ".join(recipients)
        mail["Subject"] = f"Your webhook {name} was deactivated"
        mail.set_content(
            f"Events could not be delivered to {webhook['url']} and were sent again as often as they may be.\n"
            f"At last: {reason}.\n\n"
            "It gets no more events. Mend the receiver, then enable the webhook again:\n"
            f"{self._addresses.sandbox_url}/settings/webhooks/{webhook['id']}\n"
        )
        try:
            await self._mails.store(SENDER, recipients, mail.as_bytes())
        except sqlite3.Error as error:
            log.error("notice_not_stored", error=str(error))  # noqa: TRY400 -- the database's words say it
