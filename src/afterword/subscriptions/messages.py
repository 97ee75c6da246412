"""What a subscriber is sent: a form, plain or signed.

Plain, the message's fields are the form's. With a shared key the form has ``Topic``, ``HMAC`` and ``MSG``: the message
as JSON, and the HMAC-SHA512 of exactly that text in lower-case hexadecimal digits (Qualtrics' form, recomputed from
published samples).
"""

import hashlib
import hmac
from urllib.parse import quote, urlencode

import msgspec

from afterword.qualtrics.envelope import BRAND

FORM = "application/x-www-form-urlencoded"


def make_form(topic: str, message: str, shared_key: str | None) -> bytes:
    """The body of a call; ``message`` is a JSON object of texts."""
    full_topic = f"{BRAND}.{topic}"
    if shared_key is None:
        fields = {"Topic": full_topic, **msgspec.json.decode(message, type=dict[str, str])}
    else:
        fields = {"Topic": full_topic, "HMAC": sign(message, shared_key), "MSG": message}
    return urlencode(fields, quote_via=quote).encode()


def sign(message: str, shared_key: str) -> str:
    """What proves that a message is ours."""
    return hmac.new(shared_key.encode(), message.encode(), hashlib.sha512).hexdigest()
