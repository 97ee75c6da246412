"""JSON Event endpoints as the door knows them: which address belongs to whom, and who may send to it.

They are made and changed in ``workflows/starting/endpoints.py``.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Literal

import asyncpg
import msgspec
from cachetools import TTLCache

from afterword.accounts.api_tokens import TokenUses, hash_token
from afterword.accounts.scopes import SENDS_JSON_EVENTS, allows
from afterword.store.database import CONNECTION_LOST, Database
from afterword.workflows.starting.endpoints import ENDPOINTS_CHANNEL, url_token_digest

REMEMBER_SECONDS = 5.0
"""How long a process remembers a token, and an endpoint if nothing tells it of changes; then what was revoked is
refused after at most this long.
"""
RECONNECT_SECONDS = 1.0
Admittance = Literal["admitted", "unknown", "for other things"]
"""What comes of an API token: it is let in, is none of this endpoint's, or is without the scope."""
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
        self._changes = 0
        self._tokens: TTLCache[tuple[str, bytes], Admittance] = TTLCache(4096, REMEMBER_SECONDS)

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
            changes = self._changes
            row = await self._database.pool.fetchrow(
                "SELECT id, person_id, authentication_required, repeat_window_seconds"  # noqa: S608 - where is ours
                f" FROM json_event_endpoint WHERE {where}",
                value,
            )
        found = None if row is None else Endpoint(*row)
        if changes == self._changes:
            self._endpoints[where, key] = found
        return found

    @contextlib.asynccontextmanager
    async def kept_true(self, _: object = None) -> AsyncIterator[None]:
        """While this lasts, a change of an endpoint is in force at once, if the database can tell of it."""
        listening = asyncio.create_task(self._listen()) if self._database.can_listen else None
        try:
            yield
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.wait([listening])

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(*CONNECTION_LOST, asyncpg.PostgresError):
                await self._listen_once()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._database.url)
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(ENDPOINTS_CHANNEL, lambda *_: self._forget())
            self._forget()
            await lost.wait()
        finally:
            await connection.close(timeout=2)

    def _forget(self) -> None:
        """Remember no endpoint, nor what is being looked up at this moment."""
        self._changes += 1
        self._endpoints.clear()

    async def admits(self, endpoint: Endpoint, token: str) -> Admittance:
        """Tell whether this API token is one of the person whose endpoint it is, and for JSON events."""
        key = (endpoint.person_id, hash_token(token))
        try:
            return self._tokens[key]
        except KeyError:
            row = await self._database.pool.fetchrow(
                "SELECT scopes FROM api_token WHERE person_id = $1 AND token_sha256 = $2", *key
            )
        admittance = _admittance(row)
        self._tokens[key] = admittance
        if admittance == "admitted":
            self._uses.note(key[1])
        return admittance


def _admittance(row: asyncpg.Record | None) -> Admittance:
    if row is None:
        return "unknown"
    return "admitted" if allows(row["scopes"], SENDS_JSON_EVENTS) else "for other things"


def can_be_id(text: str) -> bool:
    """Tell whether this may be an id of ours; what cannot be one is not looked up, and not remembered."""
    return ID.fullmatch(text) is not None
