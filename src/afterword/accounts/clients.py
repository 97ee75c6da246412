"""Connected accounts put to use: a client for each."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar, cast

import msgspec
from cachetools import TTLCache
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import GladlyAccount, QualtricsAccount, get_gladly, get_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.gladly.client import GladlyClient
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.calls import Caller
from afterword.qualtrics.client import QualtricsClient
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database

Account = TypeVar("Account", GladlyAccount, QualtricsAccount)

NOT_CONNECTED = Reason("account-not-connected", "the connected account was removed")

REMEMBER_SECONDS = 5.0
"""How long a process remembers an account; a change is in force everywhere after at most this long."""


class QualtricsApp(msgspec.Struct, frozen=True, eq=False):
    """A connected Qualtrics account's JSON Event endpoint."""

    client: QualtricsClient
    account: QualtricsAccount

    async def send_json_event(self, fields: Mapping[str, str], *, idempotency_key: str) -> None:
        """Post the fields; raises the errors of ``qualtrics/errors.py``."""
        await self.client.send_json_event(
            self.account.json_event_url, self.account.api_token, fields, idempotency_key=idempotency_key
        )


class ConnectedAccounts:
    """A client for each connected account, kept for as long as the account stays as it is."""

    def __init__(self, database: Database, box: SecretBox, budget: RateBudget, settings: Settings) -> None:
        self._database = database
        self._box = box
        self._budget = budget
        self._settings = settings
        self._gladly: dict[str, tuple[GladlyAccount, GladlyClient]] = {}
        self._retired: list[GladlyClient] = []
        self._qualtrics = QualtricsClient(
            budget=budget,
            requests_per_minute=settings.qualtrics_requests_per_minute,
            caller=Caller(allow_private=settings.allow_private_addresses),
        )
        self._known: TTLCache[str, GladlyAccount | QualtricsAccount] = TTLCache(1024, REMEMBER_SECONDS)

    async def gladly(self, account_id: str) -> GladlyClient:
        """The client of a connected Gladly account.

        Raises:
            Permanent: there is none.
        """
        account = await self._account(account_id, get_gladly)
        known = self._gladly.get(account_id)
        if known is not None and known[0] == account:
            return known[1]
        client = GladlyClient(
            account.base_url,
            account.username,
            account.api_token,
            budget=self._budget,
            budget_name=account_id,
            requests_per_second=self._settings.gladly_requests_per_second,
            caller=Caller(allow_private=self._settings.allow_private_addresses),
        )
        self._gladly[account_id] = (account, client)
        if known is not None:  # its calls in hand are let finish
            self._retired.append(known[1])
        return client

    async def qualtrics(self, account_id: str) -> QualtricsApp:
        """The endpoint of a connected Qualtrics account.

        Raises:
            Permanent: there is none.
        """
        return QualtricsApp(self._qualtrics, await self._account(account_id, get_qualtrics))

    async def close(self) -> None:
        """Close every client's connections."""
        for client in [*self._retired, *(client for _, client in self._gladly.values())]:
            await client.close()
        await self._qualtrics.close()

    async def _account(
        self, account_id: str, get: Callable[[AsyncConnection, SecretBox, str], Awaitable[Account | None]]
    ) -> Account:
        known = self._known.get(account_id)
        if known is None:
            async with self._database.transaction() as connection:
                known = await get(connection, self._box, account_id)
            if known is None:
                raise Permanent(NOT_CONNECTED)
            self._known[account_id] = known
        return cast("Account", known)
