"""JSON Event endpoints: which address belongs to whom, and who may send to it."""

import hashlib

import msgspec
from cachetools import TTLCache
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import hash_token
from afterword.accounts.secrets import SecretBox
from afterword.store import tables
from afterword.store.database import Database

REMEMBER_SECONDS = 5.0
"""How long a process remembers an endpoint or a token; a revoked one is refused after at most this long."""


class Endpoint(msgspec.Struct, frozen=True):
    """A JSON Event endpoint. ``repeat_window`` in seconds: a body that comes again within it is a redelivery."""

    id: str
    person_id: str
    authentication_required: bool
    repeat_window: int


class Endpoints:
    """Finds endpoints and checks tokens; remembers both for a few seconds, refusals too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._endpoints: TTLCache[tuple[str, str], Endpoint | None] = TTLCache(4096, REMEMBER_SECONDS)
        self._tokens: TTLCache[tuple[str, bytes], bool] = TTLCache(4096, REMEMBER_SECONDS)

    async def by_url_token(self, url_token: str) -> Endpoint | None:
        """The endpoint of the newer form of address (``urlTokenId``)."""
        digest = url_token_digest(url_token)
        return await self._find("url_token_sha256 = $1", digest.hex(), digest)

    async def by_trigger(self, trigger_id: str) -> Endpoint | None:
        """The endpoint of the older form of address (``triggerId``)."""
        return await self._find("id = $1", trigger_id, trigger_id)

    async def _find(self, where: str, key: str, value: str | bytes) -> Endpoint | None:
        if (where, key) not in self._endpoints:
            row = await self._database.pool.fetchrow(
                "SELECT id, person_id, authentication_required, repeat_window_seconds"  # noqa: S608 - where is ours
                f" FROM json_event_endpoint WHERE {where}",
                value,
            )
            self._endpoints[where, key] = None if row is None else Endpoint(*row)
        return self._endpoints[where, key]

    async def accepts(self, endpoint: Endpoint, token: str | None) -> bool:
        """Tell whether this API token is one of the person whose endpoint it is."""
        if token is None:
            return False
        key = (endpoint.person_id, hash_token(token))
        if key not in self._tokens:
            found = await self._database.pool.fetchval(
                "SELECT EXISTS (SELECT FROM api_token WHERE person_id = $1 AND token_sha256 = $2)", *key
            )
            self._tokens[key] = bool(found)
        return self._tokens[key]


def url_token_digest(url_token: str) -> bytes:
    """What an address token is found by; the token itself is kept encrypted, to be copied again."""
    return hashlib.sha256(url_token.encode()).digest()


async def add_endpoint(
    connection: AsyncConnection, box: SecretBox, *, endpoint_id: str, person_id: str, url_token: str
) -> None:
    """Make an endpoint; it takes events from now on, whether or not a workflow wants them yet."""
    await connection.execute(
        insert(tables.json_event_endpoint).values(
            id=endpoint_id,
            person_id=person_id,
            url_token_sha256=url_token_digest(url_token),
            url_token=box.encrypt(url_token),
        )
    )
