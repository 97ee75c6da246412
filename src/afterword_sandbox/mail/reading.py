"""Takes a mail apart, however broken it is: headers, plain text and HTML, as texts."""

from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser, BytesParser

import msgspec


class MailContent(msgspec.Struct, frozen=True):
    """What is shown of a mail; a part that it lacks is None. Header names are spelled as they came."""

    sender: str
    subject: str
    headers: dict[str, list[str]]
    text: str | None
    html: str | None


def _clean(value: object) -> str:
    """Make a text that can be stored: bytes that were no UTF-8 come out as replacement characters."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _header_values(raw: bytes) -> list[tuple[str, str]]:
    """Decode every header; one that cannot be decoded is given as it came."""
    plain = BytesHeaderParser(policy=policy.compat32).parsebytes(raw)
    values = []
    for name, value in plain.raw_items():
        try:
            decoded = str(
                policy.default.header_factory(name, _clean(value).replace("\r", "").replace("\n", ""))
            )
        except (ValueError, LookupError, IndexError, AttributeError, TypeError, MessageError):
            decoded = _clean(value)
        values.append((_clean(name), _clean(decoded)))
    return values


def _part_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return _clean(part.get_payload())
    try:
        return payload.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
    except (LookupError, UnicodeDecodeError):
        return payload.decode("utf-8", "replace").replace("\r\n", "\n")


def _bodies(raw: bytes) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    try:
        message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
        for part in message.walk():
            kind = part.get_content_type()
            attached = part.get_content_disposition() == "attachment"
            if kind in {"text/plain", "text/html"} and not attached and kind not in found:
                found[kind] = _part_text(part)
    except (ValueError, LookupError, IndexError, AttributeError, TypeError, MessageError, RecursionError):
        found.setdefault("text/plain", raw.decode("utf-8", "replace"))
    return found.get("text/plain"), found.get("text/html")


def read_mail(raw: bytes) -> MailContent:
    """Take a mail apart; never raises for what a sender wrote."""
    headers: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for name, value in _header_values(raw):
        headers.setdefault(name, []).append(value)
        first.setdefault(name.lower(), value)
    text, html = _bodies(raw)
    return MailContent(first.get("from", ""), first.get("subject", ""), headers, text, html)
