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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import REPLACED, Kind, audit
from afterword.accounts.secrets import SecretBox
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.identifiers import new_id

PATH = "/inbound-event/v1/events/json/triggers"
REPEAT_WINDOW_SECONDS = 600
ENDPOINTS_CHANNEL = "afterword_endpoints"

KIND: Kind = "json-event"

DROP_UNUSED = """
DELETE FROM json_event_endpoint WHERE id = :endpoint AND NOT EXISTS (
    SELECT FROM workflow JOIN workflow_revision revision
        ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
    WHERE workflow.deleted_at IS NULL AND revision.definition->'event'->>'endpoint' = :endpoint)
"""

LIST = """
SELECT endpoint.id, endpoint.authentication_required, person.name AS person, endpoint.created_at,
       coalesce(started.workflows, '[]') AS workflows
FROM json_event_endpoint endpoint JOIN person ON person.id = endpoint.person_id
LEFT JOIN (
    SELECT revision.definition->'event'->>'endpoint' AS endpoint_id, min(lower(workflow.name)) AS name,
           jsonb_agg(jsonb_build_object('id', workflow.id, 'name', workflow.name, 'is_on', workflow.is_on)
                     ORDER BY lower(workflow.name), workflow.id) AS workflows
    FROM workflow JOIN workflow_revision revision
      ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
    WHERE workflow.deleted_at IS NULL AND revision.definition->'event'->>'type' = 'json-event'
    GROUP BY 1
) AS started ON started.endpoint_id = endpoint.id
ORDER BY started.name NULLS FIRST, endpoint.created_at DESC, endpoint.id
"""


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as people set it up. ``address`` holds a secret; ``repeat_window`` is in seconds."""

    id: str
    address: str
    authentication_required: bool
    repeat_window: int
    person_id: str
    capturing_since: datetime | None


class StartedBy(msgspec.Struct, frozen=True):
    """A workflow that starts with an endpoint's events."""

    id: str
    name: str
    is_on: bool


class ListedEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as a list shows it, without its address; ``person`` is whose API tokens are asked for."""

    id: str
    authentication_required: bool
    person: str
    created_at: datetime
    workflows: tuple[StartedBy, ...]


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
    await audit(connection, KIND, "added", _subject(endpoint_id))
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


async def list_endpoints(connection: AsyncConnection) -> list[ListedEndpoint]:
    """Every endpoint with the workflows that start with it, those that none starts with first. One query."""
    rows = await connection.execute(text(LIST).columns(workflows=JSONB))
    return [msgspec.convert(dict(row), ListedEndpoint) for row in rows.mappings()]


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
    await audit(connection, KIND, "changed", _subject(endpoint_id), after={"address": REPLACED})


async def require_authentication(connection: AsyncConnection, endpoint_id: str, *, required: bool) -> None:
    """Say whether the address alone is enough, or an API token has to come with each event.

    The older form of address, which holds no secret, needs the token always.

    Raises:
        NoSuchEndpoint: there is none.
    """
    table = tables.json_event_endpoint
    before = await connection.scalar(
        select(table.c.authentication_required).where(table.c.id == endpoint_id).with_for_update()
    )
    await _change(connection, endpoint_id, authentication_required=required)
    names = {"authentication": before}, {"authentication": required}
    await audit(connection, KIND, "changed", _subject(endpoint_id), before=names[0], after=names[1])


async def drop_unused_endpoint(connection: AsyncConnection, endpoint_id: str) -> bool:
    """Have an endpoint's address be no more, unless a workflow starts with it; answers whether it is gone.

    The events that came to it stay.
    """
    gone = await connection.execute(text(DROP_UNUSED), {"endpoint": endpoint_id})
    if not gone.rowcount:
        return False
    await tell_of_change(connection)
    await audit(connection, KIND, "removed", _subject(endpoint_id))
    return True


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


def _subject(endpoint_id: str) -> tuple[str, str]:
    """An endpoint as the audit log names it."""
    return endpoint_id, f"JSON Event {endpoint_id}"


async def _change(connection: AsyncConnection, endpoint_id: str, **values: object) -> None:
    table = tables.json_event_endpoint
    changed = await connection.execute(update(table).where(table.c.id == endpoint_id).values(**values))
    if not changed.rowcount:
        raise NoSuchEndpoint(endpoint_id)
    await tell_of_change(connection)
