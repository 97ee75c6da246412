"""How each connected account is: whether it can be called, and, of Gladly's, whether it tells us of closings."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import AccountSummary, list_accounts
from afterword.accounts.standing_store import Blocked, blocked_accounts
from afterword.translating import N_
from afterword.webhook_keeping.states import Known, read_states

State = Literal["works", "waits", "broken"]
"""``waits``: it has not worked so far, which may be a matter of minutes."""

BLOCKED_WORDS = {"open": N_("does not answer"), "refused": N_("refuses the token")}


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A connected account and how it is: in ``words``, why if it does not work, and since when.

    ``seen_at`` is the last proof that we have of it: when its webhook was last seen to work.
    """

    account: AccountSummary
    state: State
    words: str
    because: str = ""
    since: datetime | None = None
    seen_at: datetime | None = None


async def accounts_health(connection: AsyncConnection) -> list[AccountHealth]:
    """Every connected account, by kind and name; in three queries, however many there are."""
    accounts = await list_accounts(connection)
    blocked = await blocked_accounts(connection)
    webhooks = await read_states(connection)
    return [health_of(one, blocked.get(one.id), webhooks.get(one.id)) for one in accounts]


def health_of(account: AccountSummary, blocked: Blocked | None, webhook: Known | None) -> AccountHealth:
    """How an account is, of what is known of it. Pure."""
    if blocked is not None:
        return AccountHealth(
            account=account,
            state="broken",
            words=BLOCKED_WORDS[blocked.state],
            because=blocked.because,
            since=blocked.since,
        )
    if account.kind != "gladly" or account.delivery == "none":
        return AccountHealth(account=account, state="works", words=N_("works"))
    if account.delivery == "pull":
        return AccountHealth(
            account=account, state="works", words=N_("works; asked for closings, no webhook")
        )
    if webhook is None:
        return AccountHealth(
            account=account,
            state="waits",
            words=N_("webhook not looked at yet"),
            because=N_("a worker looks each minute"),
        )
    if webhook.state == "works":
        return AccountHealth(
            account=account, state="works", words=N_("works, and its webhook too"), seen_at=webhook.worked_at
        )
    not_yet = webhook.state == "not-yet"
    return AccountHealth(
        account=account,
        state="waits" if not_yet else "broken",
        words=N_("webhook not working yet") if not_yet else N_("webhook off"),
        because=webhook.because,
        since=webhook.since,
        seen_at=webhook.worked_at,
    )
