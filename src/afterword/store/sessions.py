"""Sessions of people who are signed in, and counts of what failed, in the database: shared by all processes.

Keys are stored as their SHA-256 only: whoever reads the table, or a copy of it, cannot take a session over.
"""

import hashlib
from datetime import timedelta

from litestar.stores.base import Store

from afterword.store.database import Database

CLEARED = """
WITH expired AS (
    DELETE FROM login_session WHERE id IN (
        SELECT id FROM login_session WHERE expires_at <= now() AND id <> $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)
)
"""
"""What has expired goes with each write, so that nobody can fill the table by trying names."""

SET = f"""
{CLEARED}
INSERT INTO login_session (id, data, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
"""  # noqa: S608 - it is ours

GET = "SELECT data FROM login_session WHERE id = $1 AND (expires_at > now() OR expires_at IS NULL)"

RENEW = """
UPDATE login_session SET expires_at = now() + make_interval(secs => $2)
WHERE id = $1 AND expires_at > now()
"""

COUNT = f"""
{CLEARED}
INSERT INTO login_session (id, data, expires_at) VALUES ($1, '1', now() + make_interval(secs => $2))
ON CONFLICT (id) DO UPDATE SET
    data = CASE WHEN login_session.expires_at <= now() THEN excluded.data
                ELSE convert_to((convert_from(login_session.data, 'UTF8')::bigint + 1)::text, 'UTF8') END,
    expires_at = CASE WHEN login_session.expires_at <= now() THEN excluded.expires_at
                      ELSE login_session.expires_at END
RETURNING convert_from(data, 'UTF8')::bigint
"""  # noqa: S608 - it is ours

EXPIRES_IN = """
SELECT extract(epoch FROM expires_at - now())::float8 FROM login_session WHERE id = $1 AND expires_at > now()
"""


class DatabaseStore(Store):
    """Litestar's key-value store in the table ``login_session``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, key: str, value: str | bytes, expires_in: int | timedelta | None = None) -> None:
        """Store a value; ``expires_in`` is in seconds. What has expired meanwhile is cleared away."""
        content = value.encode() if isinstance(value, str) else value
        await self._database.pool.execute(SET, _id(key), content, _seconds(expires_in))

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        """The value, ``None`` when there is none or it has expired; it then lives ``renew_for`` seconds."""
        value: bytes | None = await self._database.pool.fetchval(GET, _id(key))
        if value is not None and renew_for is not None:
            await self._database.pool.execute(RENEW, _id(key), _seconds(renew_for))
        return value

    async def delete(self, key: str) -> None:
        """Forget a value."""
        await self._database.pool.execute("DELETE FROM login_session WHERE id = $1", _id(key))

    async def delete_all(self) -> None:
        """Forget everything: everybody is signed out."""
        await self._database.pool.execute("DELETE FROM login_session")

    async def exists(self, key: str) -> bool:
        """Tell whether there is a value that has not expired."""
        return await self.get(key) is not None

    async def expires_in(self, key: str) -> int | None:
        """Seconds until the value expires; ``None`` when there is none or it never does."""
        seconds = await self._database.pool.fetchval(EXPIRES_IN, _id(key))
        return None if seconds is None else int(seconds)

    async def count(self, key: str, *, within: int) -> int:
        """Count one more and answer the number; the count begins anew ``within`` seconds after its first.

        One statement: however many processes count at once, each gets its own number.
        """
        return int(await self._database.pool.fetchval(COUNT, _id(key), float(within)))


def _id(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _seconds(duration: int | timedelta | None) -> float | None:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration and float(duration)
