"""HTTP Basic authentication: the address of a user with the role API User, and one of that user's API tokens."""

import base64
import binascii

from aiohttp import web

from afterword_sandbox.company import tokens
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.tokens import Caller
from afterword_sandbox.company.users import ROLES
from afterword_sandbox.errors import refusal
from afterword_sandbox.store import Store

_CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


def _parse(header: str | None) -> tuple[str, str]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, token = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return "", ""
    return user.decode(errors="replace"), token.decode(errors="surrogateescape")


def authenticate(request: web.Request, store: Store) -> None:
    """Find out who calls; raises 401, and 403 for a user who is no API User."""
    caller = tokens.caller(store, *_parse(request.headers.get("Authorization")))
    if caller is None:
        raise refusal(
            401,
            "invalid",
            "authentication failed: send HTTP Basic with the API user's address and the API token",
            attr="Authorization",
            headers={"WWW-Authenticate": 'Basic realm="Gladly"'},
        )
    request[_CALLER] = caller
    require(request, "API_USER")


def require(request: web.Request, role: str) -> None:
    """Raise 403 unless the user who calls has a role."""
    if role not in request[_CALLER].roles:
        raise refusal(403, "invalid", f"the user of this API token does not have the role {ROLES[role]}")


def actor(request: web.Request) -> Actor:
    """Return who calls, as the initiator of what is done."""
    return request[_CALLER].actor
