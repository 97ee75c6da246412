"""JSON Event endpoints: which address belongs to whom, and who may send to it."""

import hashlib
import re

import msgspec
from cachetools import TTLCache
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import TokenUses, hash_token
from afterword.accounts.secrets import SecretBox
from afterword.store import tables
from afterword.store.database import Database

REMEMBER_SECONDS = 5.0
"""How long a process remembers an endpoint or a token; a revoked one is refused after at most this long."""
REPEAT_WINDOW_SECONDS = 600
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Endpoint(msgspec.Struct, frozen=True):
    """A JSON Event endpoint. ``repeat_window`` in seconds: a body that comes again within it is a redelivery."""

    id: str
    person_id: str
    authentication_required: bool
    repeat_window: int


class Endpoints:
    """Finds endpoints and checks tokens; remembers both for a few seconds, refusals too.

    ``uses`` is told of the tokens that were accepted.
    """

    def __init__(self, database: Database, uses: TokenUses) -> None:
        self._database = database
        self._uses = uses
        self._endpoints: TTLCache[tuple[str, str], Endpoint | None] = TTLCache(4096, REMEMBER_SECONDS)
        self._tokens: TTLCache[tuple[str, bytes], bool] = TTLCache(4096, REMEMBER_SECONDS)

    async def by_url_token(self, url_token: str) -> Endpoint | None:
        """The endpoint of the newer form of address (``urlTokenId``)."""
        digest = url_token_digest(url_token)
        return await self._find("url_token_sha256 = $1", digest.hex(), digest)

    async def by_trigger(self, trigger_id: str) -> Endpoint | None:
        """The endpoint of the older form of address (``triggerId``)."""
        return await self._find("id = $1", trigger_id, trigger_id) if can_be_id(trigger_id) else None

    async def _find(self, where: str, key: str, value: str | bytes) -> Endpoint | None:
        try:
            return self._endpoints[where, key]
        except KeyError:
            row = await self._database.pool.fetchrow(
                "SELECT id, person_id, authentication_required, repeat_window_seconds"  # noqa: S608 - where is ours
                f" FROM json_event_endpoint WHERE {where}",
                value,
            )
        found = None if row is None else Endpoint(*row)
        self._endpoints[where, key] = found
        return found

    async def accepts(self, endpoint: Endpoint, token: str | None) -> bool:
        """Tell whether this API token is one of the person whose endpoint it is."""
        if token is None:
            return False
        key = (endpoint.person_id, hash_token(token))
        try:
            return self._tokens[key]
        except KeyError:
            found = await self._database.pool.fetchval(
                "SELECT EXISTS (SELECT FROM api_token WHERE person_id = $1 AND token_sha256 = $2)", *key
            )
        self._tokens[key] = bool(found)
        if found:
            self._uses.note(key[1])
        return bool(found)


def can_be_id(text: str) -> bool:
    """Tell whether this may be an id of ours; what cannot be one is not looked up, and not remembered."""
    return ID.fullmatch(text) is not None


def url_token_digest(url_token: str) -> bytes:
    """What an address token is found by; the token itself is kept encrypted, to be copied again."""
    return hashlib.sha256(url_token.encode()).digest()


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
    """Make an endpoint; it takes events from now on, whether or not a workflow wants them yet.

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
