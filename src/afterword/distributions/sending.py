"""Handing mail to the mail server."""

import time
from collections.abc import Callable, Iterable
from email.message import EmailMessage

import aiosmtplib
import msgspec

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.exchanges import Exchange, record_exchange
from afterword.outgoing.masking import without_secrets
from afterword.settings import Settings
from afterword.translating import N_, said

TIMEOUT_SECONDS = 30.0
ACCEPTED = 250
FOR_GOOD = 500
"""From this reply code on SMTP means it for good; below, for now."""

RECIPIENT_REFUSED = "mail-recipient-refused"


class Taken(msgspec.Struct, frozen=True):
    """The server's own words on taking a mail, and the recipients for whom it did not take it."""

    words: str
    refused: tuple[str, ...] = ()


class Mailer:
    """Sends mail by the mail server of the settings; one for each process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage, secrets: Iterable[str] = ()) -> Taken:
        """Hand the mail over; it is taken when the server takes it for anybody.

        ``secrets`` are what must not stand in what is recorded of it.

        Raises:
            Retry: the server is away or says *later*; ``outcome_unknown`` when the connection broke off after the mail
                was on its way. The same mail may then be sent again: its Message-ID is the same.
            Permanent: the server refuses it for good.
        """
        began = time.perf_counter()
        try:
            taken = await self._send(message)
        except Outcome as error:
            self._record(message, began, secrets, error=error.reason.words)
            raise
        self._record(message, began, secrets, taken=taken)
        return taken

    def _record(
        self,
        message: EmailMessage,
        began: float,
        secrets: Iterable[str],
        *,
        taken: Taken | None = None,
        error: str = "",
    ) -> None:
        """Keep the envelope and the subject for run history, and nothing of the text."""
        told = [f"{name}: {message[name]}" for name in ("From", "To", "Cc", "Subject") if message[name]]
        record_exchange(
            Exchange(
                method="SMTP",
                address=f"{self._settings.smtp_host}:{self._settings.smtp_port}",
                request=without_secrets("\n".join(told), secrets),
                status=None if taken is None else ACCEPTED,
                answer="" if taken is None else taken.words,
                error=error,
                milliseconds=round((time.perf_counter() - began) * 1000),
            )
        )

    async def _send(self, message: EmailMessage) -> Taken:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=TIMEOUT_SECONDS,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _not_connected(error) from None
        try:
            refused, words = await client.send_message(message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _not_taken(error) from None
        finally:
            client.close()
        return Taken(words, tuple(refused))


def _not_connected(error: Exception) -> Outcome:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and error.code >= FOR_GOOD:
        return Permanent(
            Reason(
                "mail-server-refuses-us",
                said(
                    "the mail server refuses our user name or password (%(code)s); correct them in the "
                    "settings",
                    code=error.code,
                ),
            )
        )
    return Retry(
        Reason(
            "mail-server-unreachable",
            said("the mail server cannot be reached: %(type)s", type=type(error).__name__),
        )
    )


def _not_taken(error: Exception) -> Outcome:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=refused) if refused:
            code = min(refusal.code for refusal in refused)
            return _answered(code, RECIPIENT_REFUSED, "the mail server refuses every recipient")
        case aiosmtplib.SMTPResponseException(code=code):
            return _answered(code, "mail-refused", "the mail server refuses the mail")
        case aiosmtplib.SMTPServerDisconnected() | aiosmtplib.SMTPTimeoutError() | OSError():
            return Retry(
                Reason(
                    "mail-connection-lost",
                    N_("the mail server broke off before it said that it took the mail"),
                ),
                outcome_unknown=True,
            )
        case _:
            return Permanent(
                Reason(
                    "mail-not-possible", said("the mail cannot be sent: %(type)s", type=type(error).__name__)
                )
            )


def _answered(code: int, reason_code: str, words: str) -> Outcome:
    kind: Callable[[Reason], Outcome] = Permanent if code >= FOR_GOOD else Retry
    return kind(Reason(reason_code, f"{words} (code {code})", {"code": str(code)}))
