"""What every mail of ours is made of: its headers in order, text and HTML, the same to the byte each time."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

import msgspec

from afterword.piped_text import escaping

SUBJECT_LENGTH = 250
NAME_LENGTH = 120
BODY_LINE_LENGTH = 76
"""Characters of a line in quoted-printable (RFC 2045, 6.7)."""

NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes to whom about what.

    ``id`` is what the Message-ID is made from: the same id, the same mail. Addresses are those of
    ``directory.contacts.mail_address``; texts may hold anything, and are made fit for headers here.
    """

    id: str
    mail_from: str
    from_name: str
    to: Sequence[tuple[str, str]]
    """Names and addresses."""
    cc: Sequence[str] = ()
    reply_to: str = ""
    subject: str
    date: datetime
    unfolded: Mapping[str, str] = {}
    """More headers, of ours alone, that have no place to fold them at."""
    plain: Mapping[str, str] = {}
    """More headers, of ours alone."""


def compose(envelope: Envelope, *, text: str, html: str) -> EmailMessage:
    """Make the mail."""
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=BODY_LINE_LENGTH))
    sender = Address(addr_spec=envelope.mail_from)
    message["From"] = Address(one_line(envelope.from_name)[:NAME_LENGTH], addr_spec=envelope.mail_from)
    message["To"] = [
        Address(one_line(name)[:NAME_LENGTH], addr_spec=address) for name, address in envelope.to
    ]
    if envelope.cc:
        message["Cc"] = [Address(addr_spec=address) for address in envelope.cc]
    if envelope.reply_to:
        message["Reply-To"] = Address(addr_spec=envelope.reply_to)
    message["Subject"] = one_line(envelope.subject)[:SUBJECT_LENGTH]
    message["Date"] = envelope.date
    _add_unfolded(message, "Message-ID", f"<{envelope.id}@{sender.domain or 'localhost'}>")
    for name, value in envelope.unfolded.items():
        _add_unfolded(message, name, value)
    for name, value in envelope.plain.items():
        message[name] = value
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{envelope.id}")
    return message


def plain_text(message: EmailMessage) -> str:
    """The mail as people without HTML read it."""
    part = message.get_body(("plain",))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def mjml_to_html(mjml: str) -> str:
    """A mail's HTML of its MJML, without fonts from elsewhere; what XML cannot hold is replaced."""
    import mrml  # noqa: PLC0415

    mjml = NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", mjml)
    return str(mrml.to_html(mjml, None, mrml.RenderOptions(fonts={})).content)


one_line = escaping.header
"""A text made fit for a header, whoever wrote it."""


class UnfoldedHeader(str):
    """A header's value that has no place to fold it at; the email package would break it up into encoded words."""

    __slots__ = ("name",)

    name: str

    def fold(self, *, policy: policy.Policy) -> str:
        """The header as it is sent, under whatever policy."""
        return f"{self.name}: {self}{policy.linesep}"


def _add_unfolded(message: EmailMessage, name: str, value: str) -> None:
    header = UnfoldedHeader(value)
    header.name = name
    message[name] = header
