"""Connecting accounts: each is tried at the vendor before anything of it is saved.

What goes wrong is told at the field that caused it. The vendor's own ids of organisation and user tell whether an
account is connected already, and whether another token belongs to the same organisation.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from afterword.accounts.availability import Availability
from afterword.accounts.changing import change_gladly_token, change_qualtrics
from afterword.accounts.connected import (
    AccountSummary,
    GladlyAccount,
    InvalidAccount,
    Kind,
    QualtricsAccount,
    WebhookCredentials,
    add_gladly,
    add_qualtrics,
    find_same,
    get_gladly,
    get_qualtrics,
    gladly_address,
    json_event_address,
    qualtrics_address,
)
from afterword.accounts.secrets import SecretBox
from afterword.gladly import errors as gladly_errors
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Organization
from afterword.outcomes import Outcome
from afterword.outgoing.calls import Caller
from afterword.qualtrics import errors as qualtrics_errors
from afterword.qualtrics.client import QualtricsClient
from afterword.qualtrics.models import Whoami
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database

T = TypeVar("T")

WEBHOOK_USERNAME = "afterword"

FIELDS: Mapping[type[Outcome], str] = {
    gladly_errors.GladlyWrongCredentials: "api_token",
    gladly_errors.GladlyMissingPermission: "api_token",
    gladly_errors.GladlyUnreachable: "base_url",
    gladly_errors.GladlyNotFound: "base_url",
    gladly_errors.GladlyRedirected: "base_url",
    gladly_errors.GladlyUnexpected: "base_url",
    gladly_errors.GladlyUnreadable: "base_url",
    qualtrics_errors.QualtricsWrongCredentials: "api_token",
    qualtrics_errors.QualtricsMissingPermission: "api_token",
    qualtrics_errors.QualtricsUnreachable: "base_url",
    qualtrics_errors.QualtricsNotFound: "base_url",
    qualtrics_errors.QualtricsUnexpected: "base_url",
    qualtrics_errors.QualtricsUnreadable: "base_url",
}
"""Which field causes which error; with any other the vendor has trouble, and no field is wrong."""


class Connector:
    """Tries accounts, and saves those that work."""

    def __init__(self, settings: Settings, database: Database, box: SecretBox) -> None:
        self._settings = settings
        self._database = database
        self._box = box

    async def add_qualtrics(
        self, *, address: str, api_token: str, name: str | None = None, json_event_url: str | None = None
    ) -> tuple[QualtricsAccount, Whoami]:
        """Connect a Qualtrics account; without a name it is called as its brand.

        Raises:
            InvalidAccount: it does not work, or is connected already; nothing was saved.
        """
        base_url = qualtrics_address(address)
        if json_event_url is not None:
            json_event_url = json_event_address(json_event_url)
        whoami = await self._whoami(base_url, api_token)
        await self._refuse_same("qualtrics", whoami.brand_id, whoami.user_id)
        async with self._database.transaction() as connection:
            account = await add_qualtrics(
                connection,
                self._box,
                name=name or whoami.brand_id or whoami.user_id,
                api_token=api_token,
                json_event_url=json_event_url,
                base_url=base_url,
                brand_id=whoami.brand_id,
                user_id=whoami.user_id,
            )
        return account, whoami

    async def add_gladly(
        self, *, address: str, username: str, api_token: str, name: str | None = None
    ) -> tuple[GladlyAccount, Organization]:
        """Connect a Gladly account, with new credentials for its webhooks; without a name it is called as its
        organisation.

        Raises:
            InvalidAccount: it does not work, or is connected already; nothing was saved.
        """
        base_url = gladly_address(address if "://" in address else f"https://{address}")
        organization = await self._organization(base_url, username, api_token)
        await self._refuse_same("gladly", organization.id, username.casefold())
        webhook = WebhookCredentials(username=WEBHOOK_USERNAME, password=secrets.token_urlsafe(24))
        async with self._database.transaction() as connection:
            account = await add_gladly(
                connection,
                self._box,
                name=name or organization.name or organization.id,
                base_url=base_url,
                username=username,
                api_token=api_token,
                webhook=webhook,
                organization_id=organization.id,
            )
        return account, organization

    async def verify(self, summary: AccountSummary) -> Whoami | Organization:
        """Try an account as it is; if it works, what waits for it goes on.

        Raises:
            InvalidAccount: it does not work.
        """
        whose: Whoami | Organization
        if summary.kind == "gladly":
            gladly = await self._gladly(summary)
            whose = await self._organization(gladly.base_url, gladly.username, gladly.api_token)
        else:
            qualtrics = await self._qualtrics(summary)
            whose = await self._whoami(qualtrics.base_url, qualtrics.api_token)
        await Availability(self._database).note_works(summary.id)
        return whose

    async def rotate(self, summary: AccountSummary, api_token: str) -> Whoami | Organization:
        """Give an account another token, of the same organisation; what waits for the account goes on.

        Raises:
            InvalidAccount: it does not work, or is another organisation's; the account is as it was.
        """
        if summary.kind == "gladly":
            return await self._rotate_gladly(summary, api_token)
        account = await self._qualtrics(summary)
        whoami = await self._whoami(account.base_url, api_token)
        _refuse_other("brand", account.brand_id, whoami.brand_id)
        await self._refuse_same("qualtrics", whoami.brand_id, whoami.user_id, but=summary)
        async with self._database.transaction() as connection:
            await change_qualtrics(
                connection,
                self._box,
                summary.id,
                api_token=api_token,
                brand_id=whoami.brand_id,
                user_id=whoami.user_id,
            )
        return whoami

    async def move(self, summary: AccountSummary, address: str) -> Whoami:
        """Reach a Qualtrics account at another address, such as a nearer data centre.

        Raises:
            InvalidAccount: it does not work there, or is another brand's; the account is as it was.
        """
        account = await self._qualtrics(summary)
        base_url = qualtrics_address(address)
        whoami = await self._whoami(base_url, account.api_token)
        _refuse_other("brand", account.brand_id, whoami.brand_id)
        async with self._database.transaction() as connection:
            await change_qualtrics(connection, self._box, summary.id, base_url=base_url)
        return whoami

    @asynccontextmanager
    async def qualtrics_client(self, account: QualtricsAccount) -> AsyncIterator[QualtricsClient]:
        """A client of an account, for as long as the block lasts; it keeps the limits that all processes share."""
        client = self._client(account.base_url, account.api_token, account.brand_id)
        try:
            yield client
        finally:
            await client.close()

    async def _rotate_gladly(self, summary: AccountSummary, api_token: str) -> Organization:
        account = await self._gladly(summary)
        organization = await self._organization(account.base_url, account.username, api_token)
        _refuse_other("organization", summary.organization_id, organization.id)
        async with self._database.transaction() as connection:
            await change_gladly_token(connection, self._box, summary.id, api_token, organization.id)
        return organization

    async def _whoami(self, base_url: str, api_token: str) -> Whoami:
        client = self._client(base_url, api_token, None)
        try:
            return await _tried(client.whoami())
        finally:
            await client.close()

    def _client(self, base_url: str, api_token: str, brand_id: str | None) -> QualtricsClient:
        return QualtricsClient(
            base_url,
            api_token,
            budget=RateBudget(self._database.pool),
            brand_id=brand_id,
            requests_per_minute=self._settings.qualtrics_requests_per_minute,
            caller=self._caller(),
        )

    async def _organization(self, base_url: str, username: str, api_token: str) -> Organization:
        client = GladlyClient(
            base_url,
            username,
            api_token,
            budget=RateBudget(self._database.pool),
            budget_name=base_url,
            requests_per_second=self._settings.gladly_requests_per_second,
            use="interactive",
            caller=self._caller(),
        )
        try:
            return await _tried(client.organization())
        finally:
            await client.close()

    def _caller(self) -> Caller:
        return Caller(allow_private=self._settings.allow_private_addresses)

    async def _refuse_same(
        self, kind: Kind, organization_id: str | None, user_id: str, *, but: AccountSummary | None = None
    ) -> None:
        if organization_id is None:
            return
        async with self._database.transaction() as connection:
            same = await find_same(connection, kind, organization_id, user_id)
        if same is not None and (but is None or same.id != but.id):
            raise InvalidAccount(
                f"This is the account {same.name!r}, which is connected already: {user_id} of {organization_id}.",
                "api_token",
            )

    async def _qualtrics(self, summary: AccountSummary) -> QualtricsAccount:
        async with self._database.transaction() as connection:
            account = await get_qualtrics(connection, self._box, summary.id)
        if account is None:
            raise InvalidAccount(f"There is no Qualtrics account {summary.name!r}.")
        return account

    async def _gladly(self, summary: AccountSummary) -> GladlyAccount:
        async with self._database.transaction() as connection:
            account = await get_gladly(connection, self._box, summary.id)
        if account is None:
            raise InvalidAccount(f"There is no Gladly account {summary.name!r}.")
        return account


async def _tried(call: Awaitable[T]) -> T:
    try:
        return await call
    except Outcome as error:
        words = error.reason.words
        raise InvalidAccount(f"{words[:1].upper()}{words[1:]}.", FIELDS.get(type(error), "")) from None


def _refuse_other(what: str, own: str | None, other: str | None) -> None:
    if own is not None and own != other:
        raise InvalidAccount(
            f"This token belongs to the {what} {other}, and the account to {own}; add it as another account.",
            "api_token",
        )
