"""Connected accounts put to use: a client for each."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from cachetools import TTLCache
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.availability import AccountWatch, Availability
from afterword.accounts.gladly_accounts import GladlyAccount, get_gladly
from afterword.accounts.qualtrics_accounts import QualtricsAccount, get_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing_store import credentials_of
from afterword.accounts.web_service_accounts import WebServiceAccount, get_web_service
from afterword.gladly.client import GladlyClient
from afterword.gladly.finding import GladlyNames
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.budgets import Use, present_use
from afterword.outgoing.calls import Caller
from afterword.outgoing.watching import Watch
from afterword.qualtrics.client import QualtricsClient
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.translating import N_
from afterword.web_services.client import WebServiceClient

Account = TypeVar("Account", GladlyAccount, QualtricsAccount, WebServiceAccount)

NOT_CONNECTED = Reason("account-not-connected", N_("the connected account was removed"))
NO_JSON_EVENT = Reason(
    "json-event-address-missing",
    N_(
        "the connected Qualtrics account has no address of a JSON event; set it by "
        "`afterword accounts change … --json-event-url`"
    ),
)

REMEMBER_SECONDS = 5.0
"""How long a process remembers an account; a change is in force everywhere after at most this long."""


class QualtricsApp(msgspec.Struct, frozen=True, eq=False):
    """A connected Qualtrics account: ``client`` calls its API; here is its JSON Event endpoint."""

    client: QualtricsClient
    account: QualtricsAccount

    def leads_to(self, public_url: str) -> bool:
        """Whether its JSON event is one of the installation at this address, which counts what comes of it itself."""
        wanted, own = urlsplit(self.account.json_event_url or ""), urlsplit(public_url)
        return (wanted.scheme, wanted.netloc) == (own.scheme, own.netloc)

    async def send_json_event(self, fields: Mapping[str, str], *, idempotency_key: str) -> None:
        """Post the fields; raises the errors of ``qualtrics/errors.py``.

        Raises:
            Permanent: the account has no JSON event.
        """
        if self.account.json_event_url is None:
            raise Permanent(NO_JSON_EVENT)
        await self.client.send_json_event(
            self.account.json_event_url, fields, idempotency_key=idempotency_key
        )


class Known(msgspec.Struct, frozen=True):
    """A connected account as it was read, with the digest of what it is called with."""

    account: GladlyAccount | QualtricsAccount | WebServiceAccount
    credentials: bytes


class ConnectedAccounts:
    """A client for each connected account, kept for as long as the account stays as it is.

    Every call of a client passes ``availability``; ``gladly_names`` remembers what is called how. ``use`` is who calls,
    where nothing else is said.
    """

    def __init__(
        self, database: Database, box: SecretBox, budget: RateBudget, settings: Settings, *, use: Use = "live"
    ) -> None:
        self._database = database
        self._use: Use = use
        self._box = box
        self._budget = budget
        self._settings = settings
        self.availability = Availability(database)
        self.gladly_names = GladlyNames()
        self._gladly: dict[str, tuple[Known, GladlyClient]] = {}
        self._retired: list[GladlyClient | QualtricsClient] = []
        self._qualtrics: dict[str, tuple[Known, QualtricsClient]] = {}
        self.web_services = WebServiceClient(budget=budget, allow_private=settings.allow_private_addresses)
        self._known: TTLCache[str, Known] = TTLCache(1024, REMEMBER_SECONDS)
        self._reading: dict[str, asyncio.Lock] = {}

    async def gladly(self, account_id: str, use: Use | None = None) -> GladlyClient:
        """The client of a connected Gladly account, for calls of this use; without one, of the present use
        (:func:`afterword.outgoing.budgets.calling_for`), else of that of all accounts here.

        Raises:
            Permanent: there is none.
        """
        return (await self._gladly_client(account_id)).used_for(use or present_use() or self._use)

    async def _gladly_client(self, account_id: str) -> GladlyClient:
        account, credentials = await self._account(account_id, get_gladly)
        known = self._gladly.get(account_id)
        if known is not None and known[0] == Known(account, credentials):
            return known[1]
        client = GladlyClient(
            account.base_url,
            account.username,
            account.api_token,
            budget=self._budget,
            budget_name=account.organization_id or account_id,
            requests_per_second=self._settings.gladly_requests_per_second,
            use=self._use,
            caller=Caller(allow_private=self._settings.allow_private_addresses),
            watch=self._watch(account_id, credentials),
        )
        self._gladly[account_id] = (Known(account, credentials), client)
        if known is not None:  # its calls in hand are let finish
            self._retired.append(known[1])
        return client

    async def qualtrics(self, account_id: str) -> QualtricsApp:
        """A connected Qualtrics account.

        Raises:
            Permanent: there is none.
        """
        account, credentials = await self._account(account_id, get_qualtrics)
        known = self._qualtrics.get(account_id)
        if known is not None and known[0] == Known(account, credentials):
            return QualtricsApp(known[1], account)
        client = QualtricsClient(
            account.base_url,
            account.api_token,
            budget=self._budget,
            brand_id=account.brand_id,
            requests_per_minute=self._settings.qualtrics_requests_per_minute,
            caller=Caller(allow_private=self._settings.allow_private_addresses),
            watch=self._watch(account_id, credentials),
        )
        self._qualtrics[account_id] = (Known(account, credentials), client)
        if known is not None:  # its calls in hand are let finish
            self._retired.append(known[1])
        return QualtricsApp(client, account)

    async def web_service(self, account_id: str) -> tuple[WebServiceAccount, Watch]:
        """A connected account at a web service, and the watch over its calls.

        Raises:
            Permanent: there is none.
        """
        account, credentials = await self._account(account_id, get_web_service)
        return account, self._watch(account_id, credentials)

    async def close(self) -> None:
        """Close every client's connections."""
        await self.web_services.close()
        for gladly in [client for _, client in self._gladly.values()]:
            await gladly.close()
        for qualtrics in [client for _, client in self._qualtrics.values()]:
            await qualtrics.close()
        for retired in self._retired:
            await retired.close()

    def _watch(self, account_id: str, credentials: bytes) -> AccountWatch:
        """A watch over an account's calls; a refusal has the account read anew, which may have been changed."""
        return self.availability.watch(
            account_id, credentials, on_refusal=lambda: self._known.pop(account_id, None)
        )

    async def _account(
        self, account_id: str, get: Callable[[AsyncConnection, SecretBox, str], Awaitable[Account | None]]
    ) -> tuple[Account, bytes]:
        known = self._known.get(account_id)
        if known is None:
            async with self._reading.setdefault(account_id, asyncio.Lock()):
                known = self._known.get(account_id) or await self._read(account_id, get)
        return cast("Account", known.account), known.credentials

    async def _read(
        self, account_id: str, get: Callable[[AsyncConnection, SecretBox, str], Awaitable[Account | None]]
    ) -> Known:
        async with self._database.transaction() as connection:
            credentials = await credentials_of(connection, account_id)
            account = await get(connection, self._box, account_id)
        if account is None:
            raise Permanent(NOT_CONNECTED)
        known = self._known[account_id] = Known(account, credentials)
        return known
