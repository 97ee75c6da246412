"""Connecting accounts: each is tried at the vendor before anything of it is saved.

What goes wrong is told at the field that caused it. The vendor's own ids of organisation and user tell whether an
account is connected already, and whether another token belongs to the same organisation.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from afterword.accounts.availability import Availability
from afterword.accounts.connected import AccountSummary, Delivery, InvalidAccount, Kind, find_same, note_tried
from afterword.accounts.gladly_accounts import (
    GladlyAccount,
    add_gladly,
    change_gladly,
    get_gladly,
    gladly_address,
)
from afterword.accounts.qualtrics_accounts import (
    QualtricsAccount,
    add_qualtrics,
    change_qualtrics,
    get_qualtrics,
    json_event_address,
    qualtrics_address,
)
from afterword.accounts.secrets import SecretBox
from afterword.accounts.trying import tried
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Organization
from afterword.gladly.webhooks import WebhookCredentials
from afterword.outgoing.calls import Caller
from afterword.qualtrics.client import QualtricsClient
from afterword.qualtrics.models import Whoami
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.translating import gettext as _


class ConnectedAlready(InvalidAccount):
    """The vendor's account is connected as ``account``."""

    def __init__(self, account: AccountSummary, whose: str) -> None:
        super().__init__(
            _(
                "This is the account %(account_name)s, which is connected already: %(whose)s.",
                account_name=repr(account.name),
                whose=whose,
            ),
            "api_token",
        )
        self.account = account


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
            await note_tried(connection, account.id)
        return account, whoami

    async def add_gladly(
        self,
        *,
        address: str,
        username: str,
        api_token: str,
        name: str | None = None,
        delivery: Delivery = "own",
        webhook: WebhookCredentials | None = None,
    ) -> tuple[GladlyAccount, Organization]:
        """Connect a Gladly account; without a name it is called as its organisation, and without credentials its
        webhook gets new ones. The webhook itself is not looked at.

        Raises:
            InvalidAccount: it does not work, or is connected already; nothing was saved.
        """
        base_url = _typed_gladly_address(address)
        organization = await self._organization(base_url, username, api_token)
        await self._refuse_same("gladly", organization.id, username.casefold())
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
                delivery=delivery,
            )
            await note_tried(connection, account.id)
        return account, organization

    async def verify(self, summary: AccountSummary) -> Whoami | Organization:
        """Try an account as it is; if it works, what waits for it goes on.

        Raises:
            InvalidAccount: it does not work.
        """
        whose: Whoami | Organization
        if summary.kind == "gladly":
            gladly = await self.gladly_account(summary)
            whose = await self._organization(gladly.base_url, gladly.username, gladly.api_token)
        else:
            qualtrics = await self._qualtrics(summary)
            whose = await self._whoami(qualtrics.base_url, qualtrics.api_token)
        await Availability(self._database).note_works(summary.id)
        async with self._database.transaction() as connection:
            await note_tried(connection, summary.id)
        return whose

    async def rotate(
        self, summary: AccountSummary, api_token: str, *, expected: str | None = None
    ) -> Whoami | Organization:
        """Give an account another token, of the same organisation; what waits for the account goes on.

        ``expected`` is the state (``changing.state_of``) that the account was in when it was shown.

        Raises:
            ChangedMeanwhile: it is in another state by now.
            InvalidAccount: it does not work, or is another organisation's; the account is as it was.
        """
        if summary.kind == "gladly":
            return await self._change_gladly(summary, expected, api_token=api_token)
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
                expected=expected,
            )
            await note_tried(connection, summary.id)
        return whoami

    async def move(
        self, summary: AccountSummary, address: str, *, expected: str | None = None
    ) -> Whoami | Organization:
        """Reach an account at another address, such as a nearer data centre; ``expected`` is as for :meth:`rotate`.

        Raises:
            ChangedMeanwhile: it is in another state by now.
            InvalidAccount: it does not work there, or is another brand's or organization's; the account is as it was.
        """
        if summary.kind == "gladly":
            return await self._change_gladly(summary, expected, base_url=_typed_gladly_address(address))
        account = await self._qualtrics(summary)
        base_url = qualtrics_address(address)
        whoami = await self._whoami(base_url, account.api_token)
        _refuse_other("brand", account.brand_id, whoami.brand_id)
        async with self._database.transaction() as connection:
            await change_qualtrics(connection, self._box, summary.id, base_url=base_url, expected=expected)
            await note_tried(connection, summary.id)
        return whoami

    @asynccontextmanager
    async def qualtrics_client(self, account: QualtricsAccount) -> AsyncIterator[QualtricsClient]:
        """A client of an account, for as long as the block lasts; it keeps the limits that all processes share."""
        client = self._client(account.base_url, account.api_token, account.brand_id)
        try:
            yield client
        finally:
            await client.close()

    async def gladly_account(self, summary: AccountSummary) -> GladlyAccount:
        """A Gladly account with its secrets.

        Raises:
            InvalidAccount: there is none.
        """
        async with self._database.transaction() as connection:
            account = await get_gladly(connection, self._box, summary.id)
        if account is None:
            raise InvalidAccount(
                _("There is no Gladly account %(summary_name)s.", summary_name=repr(summary.name))
            )
        return account

    @asynccontextmanager
    async def gladly_client(self, account: GladlyAccount) -> AsyncIterator[GladlyClient]:
        """A client of an account, for as long as the block lasts; it keeps the limits that all processes share."""
        client = self._gladly_client(
            account.base_url, account.username, account.api_token, account.organization_id or account.id
        )
        try:
            yield client
        finally:
            await client.close()

    async def _change_gladly(
        self,
        summary: AccountSummary,
        expected: str | None,
        *,
        base_url: str | None = None,
        api_token: str | None = None,
    ) -> Organization:
        """Try the account with what is given, and with what it has for the rest; then save what is given."""
        account = await self.gladly_account(summary)
        organization = await self._organization(
            account.base_url if base_url is None else base_url,
            account.username,
            account.api_token if api_token is None else api_token,
        )
        _refuse_other("organization", summary.organization_id, organization.id)
        async with self._database.transaction() as connection:
            await change_gladly(
                connection,
                self._box,
                summary.id,
                base_url=base_url,
                api_token=api_token,
                organization_id=organization.id,
                expected=expected,
            )
            await note_tried(connection, summary.id)
        return organization

    async def _whoami(self, base_url: str, api_token: str) -> Whoami:
        client = self._client(base_url, api_token, None)
        try:
            return await tried(client.whoami())
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
        client = self._gladly_client(base_url, username, api_token, base_url)
        try:
            return await tried(client.organization())
        finally:
            await client.close()

    def _gladly_client(self, base_url: str, username: str, api_token: str, budget_name: str) -> GladlyClient:
        return GladlyClient(
            base_url,
            username,
            api_token,
            budget=RateBudget(self._database.pool),
            budget_name=budget_name,
            requests_per_second=self._settings.gladly_requests_per_second,
            use="interactive",
            caller=self._caller(),
        )

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
            raise ConnectedAlready(same, f"{user_id} of {organization_id}")

    async def _qualtrics(self, summary: AccountSummary) -> QualtricsAccount:
        async with self._database.transaction() as connection:
            account = await get_qualtrics(connection, self._box, summary.id)
        if account is None:
            raise InvalidAccount(
                _("There is no Qualtrics account %(summary_name)s.", summary_name=repr(summary.name))
            )
        return account


def whose(owner: Whoami | Organization) -> str:
    """Whom an account belongs to, in words."""
    if isinstance(owner, Whoami):
        user = owner.user_name or owner.user_id
        return _("%(user)s of %(brand)s", user=user, brand=owner.brand_id or _("an unnamed brand"))
    return owner.name or owner.id


def _typed_gladly_address(text: str) -> str:
    return gladly_address(text if "://" in text else f"https://{text}")


def _refuse_other(what: str, own: str | None, other: str | None) -> None:
    if own is not None and own != other:
        raise InvalidAccount(
            _(
                "This token belongs to the %(what)s %(other)s, and the account to %(own)s; add it as another account.",
                what=what,
                other=other,
                own=own,
            ),
            "api_token",
        )
