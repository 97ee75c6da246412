"""HTTP Basic authentication: the API user's address and the API token, compared in constant time."""

import base64
import binascii
import hmac

from afterword_sandbox.errors import refusal


def _parse(header: str | None) -> tuple[bytes, bytes]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        user, _, token = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, token


def authenticate(header: str | None, username: str, api_token: str) -> None:
    """Check an ``Authorization`` header; raises 401. Both parts are always compared."""
    given_user, given_token = _parse(header)
    same_user = hmac.compare_digest(given_user, username.encode())
    same_token = hmac.compare_digest(given_token, api_token.encode())
    if not (same_user and same_token):
        raise refusal(
            401,
            "invalid",
            "authentication failed: send HTTP Basic with the API user's address and the API token",
            attr="Authorization",
            headers={"WWW-Authenticate": 'Basic realm="Gladly"'},
        )
