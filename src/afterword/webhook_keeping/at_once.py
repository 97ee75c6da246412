"""The webhook of one connected Gladly account, looked after at once: for a command or a page that somebody waits at."""

from afterword.accounts.connecting import Connector
from afterword.accounts.gladly_accounts import GladlyAccount
from afterword.accounts.secrets import SecretBox
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.webhook_keeping.keeping import WebhookKeeping
from afterword.webhook_keeping.states import Known


class Webhooks:
    """The webhooks of connected Gladly accounts, each by a client that is closed afterwards.

    ``moves`` is false for a command: its settings need not be those of the processes that Gladly reaches.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        box: SecretBox,
        connector: Connector,
        *,
        moves: bool = True,
    ) -> None:
        self._keeping = WebhookKeeping(database, box, public_url=settings.public_url, moves=moves)
        self._connector = connector

    async def keep(self, account: GladlyAccount) -> Known | None:
        """Look at an account's webhook, and put it right; how it is then. ``None``: it is to have none."""
        async with self._connector.gladly_client(account) as client:
            return await self._keeping.keep(account.id, client)

    async def remove(self, account: GladlyAccount) -> str | None:
        """Forget an account, and take its webhook away; why that is still there."""
        async with self._connector.gladly_client(account) as client:
            return await self._keeping.remove(account, client)
