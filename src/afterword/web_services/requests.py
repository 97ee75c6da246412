"""What a call of a web service is, and which addresses it may go to."""

import base64
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from afterword.outgoing.addresses import InvalidAddress, is_localhost, literal_address, parse_address
from afterword.translating import N_

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

REPEATABLE: frozenset[Method] = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Twice is once, by the meaning that HTTP gives them (RFC 9110, 9.2.2)."""

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
DOT_SEGMENT = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
FIELD = "address"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a web service is told so that it knows us, and the addresses that may hear it: ``base_url`` and below.

    ``authentication`` *basic* is ``username`` with ``secret``; *bearer* is ``secret`` alone; *header* is ``secret`` in
    the header ``header_name``; *none* tells nothing.
    """

    base_url: str
    authentication: Literal["none", "basic", "bearer", "header"]
    secret: str = ""
    username: str = ""
    header_name: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.authentication!r}, …)"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it."""
        match self.authentication:
            case "none":
                return {}
            case "basic":
                return {"Authorization": f"Basic {self._login}"}
            case "bearer":
                return {"Authorization": f"Bearer {self.secret}"}
            case "header":
                return {self.header_name: self.secret}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, in each form that it is sent in."""
        return (self.secret, self._login)

    @property
    def _login(self) -> str:
        return base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()

    def cover(self, address: SplitResult) -> bool:
        """Whether an address may hear the secret."""
        ours = urlsplit(self.base_url)
        path = ours.path.rstrip("/")
        return _origin(ours) == _origin(address) and (
            address.path == path or address.path.startswith(f"{path}/")
        )


class WebRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call: ``address`` as it is called, query included."""

    method: Method
    address: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout_seconds: float = 15.0
    credentials: Credentials | None = None


def address_with_query(address: str, query: Mapping[str, str]) -> str:
    """The address with values added to its query, encoded."""
    if not query:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query, quote_via=quote)}"


def check_base_url(text: str) -> str:
    """An address that credentials are for, without a slash at its end.

    Raises:
        InvalidAddress: it is none, or has a query.
    """
    parts = parse_address(text, "base_url")
    if parts.query or "?" in text or DOT_SEGMENT.search(parts.path):
        raise InvalidAddress("base_url", N_("leave the query and parts such as /../ out of the address"))
    return text.rstrip("/")


def check_address(address: str, credentials: Credentials | None, *, allow_private: bool) -> None:
    """See that an address may be called, and that it may hear the credentials.

    Who may write a workflow must not thereby reach what only this machine reaches: an address within a private network
    needs ``allow_private``, or an administrator who connected an account there.

    Raises:
        InvalidAddress: it may not.
    """
    parts = parse_address(address, FIELD)
    if DOT_SEGMENT.search(parts.path):
        raise InvalidAddress(
            FIELD, N_("leave parts such as /../ out of the address, and out of the values in it")
        )
    if credentials is not None:
        if not credentials.cover(parts):
            raise InvalidAddress(
                FIELD, N_("it is not below the connected account's address, so its secret is not sent")
            )
    elif not allow_private and _is_private(parts.hostname or ""):
        raise InvalidAddress(
            FIELD,
            N_("it is in a private network; an account connected for it, or a setting, makes it callable"),
        )


def _is_private(host: str) -> bool:
    literal = literal_address(host)
    return is_localhost(host) if literal is None else not literal.is_global


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
