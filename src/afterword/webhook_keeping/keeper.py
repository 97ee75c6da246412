"""What a worker does for the webhooks, again and again: a look at each that is due."""

import asyncio

import structlog

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.secrets import SecretBox
from afterword.outcomes import Permanent
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.webhook_keeping.keeping import WebhookKeeping
from afterword.webhook_keeping.states import due_accounts

log = structlog.get_logger()

AT_ONCE = 2


class WebhookKeeper:
    """Keeps the webhooks of all connected Gladly accounts; every worker may have one, and one at a time looks.

    An account is called with the worker's own client, so that one which is down, or refuses its token, is left alone.
    """

    def __init__(
        self, database: Database, box: SecretBox, accounts: ConnectedAccounts, settings: Settings
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._keeping = WebhookKeeping(database, box, public_url=settings.public_url)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def tick(self) -> None:
        """Look at every webhook that is due."""
        async with self._database.pool.acquire() as connection:
            due = await due_accounts(connection)
        await asyncio.gather(*map(self._keep, due))

    async def _keep(self, account_id: str) -> None:
        async with self._turns:
            try:
                client = await self._accounts.gladly(account_id, "interactive")
            except Permanent:  # it was removed meanwhile
                return
            await self._keeping.keep(account_id, client, wait=False)
