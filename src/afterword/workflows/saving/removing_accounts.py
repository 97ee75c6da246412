"""Forgetting a connected account: not while workflows use it, and with word of what is left at the vendor."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import AccountSummary, remove_account
from afterword.accounts.connecting import Connector
from afterword.accounts.secrets import SecretBox
from afterword.accounts.subscribing import list_subscriptions, notification_address
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.webhook_keeping.at_once import Webhooks
from afterword.webhook_keeping.comparing import known_address
from afterword.webhook_keeping.states import read_states
from afterword.workflows.saving.account_use import workflows_using


class AccountInUse(ConfigurationError):
    """Workflows use the account: their runs would fail without it."""

    def __init__(self, name: str, workflows: Sequence[str]) -> None:
        listed = ", ".join(repr(one) for one in workflows)
        super().__init__(
            _(
                "%(name)s is used by %(listed)s: their runs would fail. Change or delete them first",
                name=repr(name),
                listed=listed,
            )
        )
        self.workflows = tuple(workflows)


async def forget_account(
    settings: Settings,
    database: Database,
    box: SecretBox,
    account: AccountSummary,
    *,
    even_if_used: bool = False,
) -> list[str]:
    """Forget an account and its secrets; the webhook that was made for it goes too. What is left at the vendor.

    Raises:
        AccountInUse: workflows use it; nothing was changed.
        InvalidAccount: somebody else removed it meanwhile.
    """
    async with database.transaction() as connection:
        used_by = await workflows_using(connection, account.id)
        if used_by and not even_if_used:
            raise AccountInUse(account.name, used_by)
        left = await _left_at_the_vendor(connection, settings, account)
        if account.kind != "gladly":
            await remove_account(connection, account.id)
            return left
    return await _forget_gladly(settings, database, box, account)


async def _forget_gladly(
    settings: Settings, database: Database, box: SecretBox, summary: AccountSummary
) -> list[str]:
    connector = Connector(settings, database, box)
    account = await connector.gladly_account(summary)
    async with database.transaction() as connection:
        known = (await read_states(connection, account.id)).get(account.id)
    why = await Webhooks(settings, database, box, connector).remove(account)
    url = known_address(known, settings.public_url, account.id)
    left = [_("the API token of %(username)s", username=account.username)]
    if account.delivery == "by-hand":
        return [_("the webhook to %(url)s, which was made by hand", url=url), *left]
    return (
        left
        if why is None
        else [_("the webhook to %(url)s, which could not be taken away: %(why)s", url=url, why=why), *left]
    )


async def _left_at_the_vendor(
    connection: AsyncConnection, settings: Settings, account: AccountSummary
) -> list[str]:
    if account.kind == "web-service":
        return [_("the secret, where nothing else uses it")]
    subscribed = await list_subscriptions(connection, account.id)
    if account.base_url == settings.public_url.rstrip("/") and not subscribed:
        return [_("nothing: Surveys, their Responses and JSON events are Afterword's own, and stay")]
    address = notification_address(settings.public_url, account.id)
    return [
        *(
            _(
                "the event subscription %(subscription_id)s of %(survey_id)s",
                subscription_id=one.subscription_id,
                survey_id=one.survey_id,
            )
            for one in subscribed
        ),
        _("Web Service tasks in Qualtrics' workflows that call %(address)s", address=address),
        _("the API token, where nothing else uses it: making a new one in Qualtrics ends it"),
    ]
