"""JSON Event endpoints: the address that a JSON event has from the moment it is made, and what may be set of it.

An endpoint takes events whether or not a workflow wants them yet; they are kept. What is changed here is in force at
once: the processes that take events are told (:data:`ENDPOINTS_CHANNEL`).
"""

import hashlib
import uuid
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.secrets import SecretBox
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.identifiers import new_id

PATH = "/inbound-event/v1/events/json/triggers"
REPEAT_WINDOW_SECONDS = 600
ENDPOINTS_CHANNEL = "afterword_endpoints"


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as people set it up. ``address`` holds a secret; ``repeat_window`` is in seconds."""

    id: str
    address: str
    authentication_required: bool
    repeat_window: int
    person_id: str
    capturing_since: datetime | None


class NoSuchEndpoint(ConfigurationError):
    """There is no JSON event of this id, or its workflow was deleted."""

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(f"There is no JSON event {endpoint_id}, or its workflow was deleted.")


async def make_endpoint(connection: AsyncConnection, box: SecretBox, *, person_id: str) -> str:
    """Make the endpoint of a new JSON event, with an address that nobody can guess; answers its id.

    Senders authenticate with an API token of this person.
    """
    endpoint_id = new_id("OC")
    await add_endpoint(
        connection, box, endpoint_id=endpoint_id, person_id=person_id, url_token=new_url_token()
    )
    return endpoint_id


async def add_endpoint(
    connection: AsyncConnection,
    box: SecretBox,
    *,
    endpoint_id: str,
    person_id: str,
    url_token: str,
    authentication_required: bool = True,
    repeat_window: int = REPEAT_WINDOW_SECONDS,
) -> None:
    """Add an endpoint whose id and address are known; it takes events from now on.

    ``repeat_window`` is in seconds; 0 takes every body as a new event.

    Raises:
        ValueError: the window is negative.
    """
    if repeat_window < 0:
        raise ValueError("The window in which the same body is a redelivery has 0 seconds or more.")
    await connection.execute(
        insert(tables.json_event_endpoint).values(
            id=endpoint_id,
            person_id=person_id,
            url_token_sha256=url_token_digest(url_token),
            url_token=box.encrypt(url_token),
            authentication_required=authentication_required,
            repeat_window_seconds=repeat_window,
        )
    )
    await tell_of_change(connection)


async def get_endpoint(
    connection: AsyncConnection, box: SecretBox, endpoint_id: str, *, public_url: str
) -> EndpointSettings:
    """An endpoint with its address, to be copied; ``public_url`` is where Afterword is reached.

    Raises:
        NoSuchEndpoint: there is none.
    """
    found = await connection.execute(
        select(tables.json_event_endpoint).where(tables.json_event_endpoint.c.id == endpoint_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NoSuchEndpoint(endpoint_id)
    return EndpointSettings(
        id=row.id,
        address=address_of(public_url, box.decrypt(row.url_token)),
        authentication_required=row.authentication_required,
        repeat_window=row.repeat_window_seconds,
        person_id=row.person_id,
        capturing_since=row.capturing_since,
    )


async def endpoint_at(connection: AsyncConnection, address: str) -> str | None:
    """The id of the endpoint that an address leads to, whatever host stands in it; ``None``: it is none of ours."""
    url_token = parse_qs(urlsplit(address).query).get("urlTokenId", [""])[0]
    table = tables.json_event_endpoint
    found: str | None = await connection.scalar(
        select(table.c.id).where(table.c.url_token_sha256 == url_token_digest(url_token))
    )
    return found


async def regenerate_address(connection: AsyncConnection, box: SecretBox, endpoint_id: str) -> None:
    """Give an endpoint another address; the one that it had stops.

    Raises:
        NoSuchEndpoint: there is none.
    """
    url_token = new_url_token()
    await _change(
        connection,
        endpoint_id,
        url_token_sha256=url_token_digest(url_token),
        url_token=box.encrypt(url_token),
    )


async def require_authentication(connection: AsyncConnection, endpoint_id: str, *, required: bool) -> None:
    """Say whether the address alone is enough, or an API token has to come with each event.

    The older form of address, which holds no secret, needs the token always.

    Raises:
        NoSuchEndpoint: there is none.
    """
    await _change(connection, endpoint_id, authentication_required=required)


def address_of(public_url: str, url_token: str) -> str:
    """The address that senders use, in the vendor's newer form."""
    return f"{public_url.rstrip('/')}{PATH}?{urlencode({'urlTokenId': url_token})}"


def new_url_token() -> str:
    """The secret of an address, in the vendor's form."""
    return str(uuid.uuid4())


def url_token_digest(url_token: str) -> bytes:
    """What an address token is found by; the token itself is kept encrypted, to be copied again."""
    return hashlib.sha256(url_token.encode()).digest()


async def tell_of_change(connection: AsyncConnection) -> None:
    """Have every process that remembers endpoints look again, once this transaction is committed."""
    await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": ENDPOINTS_CHANNEL})


async def _change(connection: AsyncConnection, endpoint_id: str, **values: object) -> None:
    table = tables.json_event_endpoint
    changed = await connection.execute(update(table).where(table.c.id == endpoint_id).values(**values))
    if not changed.rowcount:
        raise NoSuchEndpoint(endpoint_id)
    await tell_of_change(connection)
