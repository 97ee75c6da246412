"""The channels that alerts go by: a mail, and a post to a web service.

The mail and the posted body are the same to the byte each time they are tried, with the same ``Message-ID`` and
``Idempotency-Key``, so that who gets one twice can tell. A post is signed as the Standard Webhooks specification has it
(https://www.standardwebhooks.com), for which there are libraries in most languages; the time that is signed with it is
the attempt's.
"""

import base64
import binascii
import hashlib
import hmac
import time
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from uuid import UUID

import msgspec
from email_validator import EmailNotValidError, validate_email

from afterword.alerts.recording import Kind
from afterword.outcomes import ConfigurationError, Outcome
from afterword.outgoing.addresses import InvalidAddress, parse_address
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable
from afterword.settings import Settings

LONGEST_SUBJECT = 150
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES = range(24, 65)


class ToldAlert(msgspec.Struct, frozen=True):
    """An alert as it goes out."""

    key: UUID
    kind: Kind
    subject: str
    words: str
    count: int
    first_at: datetime
    last_at: datetime
    decided_at: datetime


class NotDelivered(Exception):
    """A channel did not take an alert; the text says why, without an address or a secret."""


class Channel(Protocol):
    """A way out for alerts."""

    @property
    def name(self) -> str:
        """Stable; what deliveries are kept under."""

    async def send(self, alert: ToldAlert, /) -> None:
        """Hand an alert over.

        Raises:
            NotDelivered: it was not taken.
        """

    async def close(self) -> None:
        """Close what is held open."""


class SendsMail(Protocol):
    """What the mail channel sends by."""

    async def send(self, message: EmailMessage, /) -> object:
        """Hand the mail over.

        Raises:
            Outcome: it was not taken.
        """


class MailChannel:
    """Alerts as mail."""

    name = "mail"

    def __init__(self, mail: SendsMail, *, to: list[Address], mail_from: str, public_url: str) -> None:
        self._mail = mail
        self._to = to
        self._from = mail_from
        self._public_url = public_url

    async def send(self, alert: ToldAlert) -> None:
        """Send it as one mail to all addresses."""
        try:
            await self._mail.send(self.render(alert))
        except Outcome as error:
            raise NotDelivered(error.reason.words) from None

    def render(self, alert: ToldAlert) -> EmailMessage:
        """The mail, the same to the byte each time."""
        message = EmailMessage()
        message["From"] = Address("Afterword", addr_spec=self._from)
        message["To"] = self._to
        message["Subject"] = _cut(f"Afterword: {alert.words}")
        message["Date"] = format_datetime(alert.decided_at)
        message["Message-ID"] = f"<alert.{alert.key}@{self._from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{alert.words}.\n\n{_times(alert)}\nAfterword at {self._public_url}\n")
        return message

    async def close(self) -> None:
        """Nothing is held open."""


class WebServiceChannel:
    """Alerts as JSON, posted to an address."""

    name = "web-service"

    def __init__(self, url: str, *, secret: bytes | None, public_url: str, allow_private: bool) -> None:
        self._url = url
        self._secret = secret
        self._public_url = public_url
        self._caller = Caller(allow_private=allow_private)

    async def send(self, alert: ToldAlert) -> None:
        """Post it; any answer but 2xx is a refusal."""
        body = self.render(alert)
        try:
            answer = await self._caller.call("POST", self._url, headers=self._headers(alert, body), body=body)
        except (Unreachable, BrokenOff) as error:
            raise NotDelivered(str(error)) from None
        if not 200 <= answer.status < 300:  # noqa: PLR2004
            raise NotDelivered(f"the web service answered with status {answer.status}")

    def render(self, alert: ToldAlert) -> bytes:
        """The body, the same to the byte each time. ``text`` is what chat programs show."""
        return msgspec.json.encode(
            {
                "id": str(alert.key),
                "type": f"afterword.{alert.kind}",
                "timestamp": alert.decided_at,
                "text": f"Afterword: {alert.words}",
                "data": {
                    "kind": alert.kind,
                    "subject": alert.subject,
                    "words": alert.words,
                    "count": alert.count,
                    "firstAt": alert.first_at,
                    "lastAt": alert.last_at,
                    "installation": self._public_url,
                },
            }
        )

    def _headers(self, alert: ToldAlert, body: bytes) -> dict[str, str]:
        key, now = str(alert.key), str(int(time.time()))
        headers = {"Idempotency-Key": key, "webhook-id": key, "webhook-timestamp": now}
        if self._secret is not None:
            signed = hmac.digest(self._secret, f"{key}.{now}.".encode() + body, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
        return headers

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()


def channels_of(settings: Settings, mail: SendsMail) -> list[Channel]:
    """The channels that are set.

    Raises:
        ConfigurationError: an address or the secret is none.
    """
    channels: list[Channel] = []
    if settings.alert_email:
        to = [_mail_address(text.strip()) for text in settings.alert_email.split(",") if text.strip()]
        channels.append(
            MailChannel(mail, to=to, mail_from=settings.mail_from, public_url=settings.public_url)
        )
    if settings.alert_url:
        channels.append(
            WebServiceChannel(
                _checked_url(settings.alert_url),
                secret=_secret(settings.alert_secret),
                public_url=settings.public_url,
                allow_private=settings.allow_private_addresses,
            )
        )
    return channels


def _mail_address(text: str) -> Address:
    try:
        return Address(addr_spec=validate_email(text, check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise ConfigurationError(f"settings: alert_email: {error}") from None


def _checked_url(url: str) -> str:
    try:
        parse_address(url, "alert_url")
    except InvalidAddress as error:
        raise ConfigurationError(f"settings: {error}") from None
    return url


def _secret(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) not in SECRET_BYTES:
        raise ConfigurationError(
            "settings: alert_secret: 24 to 64 bytes in base64 are needed; `openssl rand -base64 32` makes such."
        )
    return secret


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SUBJECT else text[: LONGEST_SUBJECT - 1] + "…"


def _times(alert: ToldAlert) -> str:
    first, last = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (alert.first_at, alert.last_at))
    if alert.count == 1:
        return first
    return f"{alert.count} times, first {first}, last {last}"
