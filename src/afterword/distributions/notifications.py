"""A notification made into a mail: to people of the company, about what a customer said or what happened."""

import functools
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import jinja2
import msgspec

from afterword.distributions.messages import Envelope, compose, mjml_to_html, one_line
from afterword.store.identifiers import derived_id


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to whom, in plain text, values filled in; addresses are bare."""

    to: Sequence[str]
    cc: Sequence[str] = ()
    from_name: str
    reply_to: str = ""
    subject: str
    message: str


def notification_id(key: str) -> str:
    """The id of the one notification of this key; its Message-ID is made from it."""
    return derived_id("EMN", key)


def render_notification(
    notification: Notification, *, key: str, mail_from: str, date: datetime
) -> EmailMessage:
    """Make the mail: HTML and plain text. The same ``key`` gives the same Message-ID."""
    text = notification.message.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    envelope = Envelope(
        id=notification_id(key),
        mail_from=mail_from,
        from_name=notification.from_name,
        to=[("", address) for address in notification.to],
        cc=notification.cc,
        reply_to=notification.reply_to,
        subject=notification.subject,
        date=date,
    )
    return compose(envelope, text=f"{text}\n", html=_html(notification.subject, text))


def _html(subject: str, text: str) -> str:
    paragraphs = [part.strip("\n").split("\n") for part in text.split("\n\n") if part.strip()]
    return mjml_to_html(_template().render(subject=one_line(subject), paragraphs=paragraphs))


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("notification.mjml")
