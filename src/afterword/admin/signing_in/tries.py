"""What may be tried a few times and no more: passwords and codes. Counted in the database, for all processes alike."""

from afterword.store.sessions import DatabaseStore

FAILURES_ALLOWED = 10
FAILURES_WITHIN_SECONDS = 300


class TriedTooOften(Exception):
    """Nothing was tried; ``seconds`` from now on it may be again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Tries:
    """Counts what is tried, under a name for what and by whom."""

    def __init__(self, store: DatabaseStore) -> None:
        self._store = store

    async def count(self, name: str) -> None:
        """Count one more try.

        Raises:
            TriedTooOften: there were too many.
        """
        if await self._store.count(name, within=FAILURES_WITHIN_SECONDS) > FAILURES_ALLOWED:
            raise TriedTooOften(max(1, await self._store.expires_in(name) or 0))

    async def forget(self, name: str) -> None:
        """Begin to count anew: it went well."""
        await self._store.delete(name)
