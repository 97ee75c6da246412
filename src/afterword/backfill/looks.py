"""How far each connected Gladly account was looked through, for people to see."""

from datetime import datetime

import msgspec

from afterword.accounts.connected import Delivery
from afterword.store.database import PlainConnection

LOOKS = """
SELECT account_id, account.name AS account, account.delivery, checked_until, check_due_at, pulled_at, pull_failures
FROM gladly_reading JOIN connected_account account ON account.id = account_id
WHERE account.delivery IS DISTINCT FROM 'none' ORDER BY account.name
"""


class AccountLook(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account was looked through for closings that were missed, and when it is the next time.

    ``pulled_at`` is when its list of events was last read, where that is done in place of a webhook, and
    ``pull_failures`` how often it could not be since.
    """

    account_id: str
    account: str
    delivery: Delivery | None
    checked_until: datetime
    check_due_at: datetime
    pulled_at: datetime | None
    pull_failures: int


async def list_looks(connection: PlainConnection) -> list[AccountLook]:
    """Every account that a worker looks through."""
    return [AccountLook(**dict(row)) for row in await connection.fetch(LOOKS)]
