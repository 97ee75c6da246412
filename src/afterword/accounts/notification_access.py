"""What notifications of each connected Qualtrics account have to come with; apart from the clients, which the web half
does not need.
"""

from cachetools import TTLCache

from afterword.accounts.qualtrics_accounts import get_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database

REMEMBER_SECONDS = 5.0
"""How long a process remembers an account; one that was removed is refused after at most this long."""
LOOK_AGAIN_SECONDS = 0.5
"""How soon a secret that is not among those that are remembered is looked for again: it may be new."""


class NotificationAccess:
    """The secrets that are valid for each Qualtrics account."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._known: TTLCache[str, tuple[str, ...] | None] = TTLCache(1024, REMEMBER_SECONDS)
        self._just_read: TTLCache[str, bool] = TTLCache(1024, LOOK_AGAIN_SECONDS)

    async def secrets(self, account_id: str) -> tuple[str, ...] | None:
        """The account's secrets, newest first; ``None`` when no such account is connected."""
        try:
            return self._known[account_id]
        except KeyError:
            return await self._read(account_id)

    async def newer_secrets(self, account_id: str) -> tuple[str, ...]:
        """The secrets as they are now, for one who came with another; none when they were just read."""
        if account_id in self._just_read:
            return ()
        return await self._read(account_id) or ()

    async def _read(self, account_id: str) -> tuple[str, ...] | None:
        async with self._database.transaction() as connection:
            account = await get_qualtrics(connection, self._box, account_id)
        self._just_read[account_id] = True
        found = self._known[account_id] = None if account is None else account.notification_secrets
        return found
