"""What the webhooks of each connected Gladly account have to come with; apart from the clients, which the web half
does not need.
"""

from cachetools import TTLCache

from afterword.accounts.connected import GladlyAccount, get_gladly
from afterword.accounts.secrets import SecretBox
from afterword.gladly.webhooks import BasicCredentials, HeaderToken, WebhookCredentials
from afterword.store.database import Database

REMEMBER_SECONDS = 5.0
"""How long a process remembers an account; a change is in force everywhere after at most this long."""


class WebhookAccess:
    """What deliveries of each Gladly account must prove."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._known: TTLCache[str, WebhookCredentials | None] = TTLCache(1024, REMEMBER_SECONDS)

    async def credentials(self, account_id: str) -> WebhookCredentials | None:
        """The credentials of this account; ``None`` when no such account is connected."""
        try:
            return self._known[account_id]
        except KeyError:
            async with self._database.transaction() as connection:
                account = await get_gladly(connection, self._box, account_id)
        expected = None if account is None else _expected(account)
        self._known[account_id] = expected
        return expected


def _expected(account: GladlyAccount) -> WebhookCredentials:
    told = account.webhook
    basic = () if told.username is None else (BasicCredentials(told.username, told.password or ""),)
    header = () if told.header_name is None else (HeaderToken(told.header_name, told.header_token or ""),)
    return WebhookCredentials(basic=basic, header_tokens=header)
