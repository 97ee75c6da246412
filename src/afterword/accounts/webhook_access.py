"""What the webhooks of each connected Gladly account have to come with; apart from the clients, which the web half
does not need.
"""

from cachetools import TTLCache

from afterword.accounts.gladly_accounts import get_gladly
from afterword.accounts.secrets import SecretBox
from afterword.gladly.webhooks import WebhookCredentials
from afterword.store.database import Database

REMEMBER_SECONDS = 5.0
"""How long a process remembers an account; one that was removed is refused after at most this long."""
LOOK_AGAIN_SECONDS = 0.5
"""How soon credentials that are not among those that are remembered are looked for again: they may be new."""


class WebhookAccess:
    """What deliveries of each Gladly account must prove."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._known: TTLCache[str, WebhookCredentials | None] = TTLCache(1024, REMEMBER_SECONDS)
        self._just_read: TTLCache[str, bool] = TTLCache(1024, LOOK_AGAIN_SECONDS)

    async def credentials(self, account_id: str) -> WebhookCredentials | None:
        """The credentials of this account; ``None`` when no such account is connected."""
        try:
            return self._known[account_id]
        except KeyError:
            return await self._read(account_id)

    async def newer_credentials(self, account_id: str) -> WebhookCredentials:
        """The credentials as they are now, for a delivery that came with others; none when they were just read."""
        if account_id in self._just_read:
            return WebhookCredentials()
        return await self._read(account_id) or WebhookCredentials()

    async def _read(self, account_id: str) -> WebhookCredentials | None:
        async with self._database.transaction() as connection:
            account = await get_gladly(connection, self._box, account_id)
        self._just_read[account_id] = True
        found = self._known[account_id] = None if account is None else account.webhook
        return found
