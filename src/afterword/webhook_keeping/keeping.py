"""Webhooks kept as they are wanted: looked at, mended where they are ours, and what was found written down.

One at a time looks after an account's webhook, whoever it is (a worker, a command), under a lock that ends with its
transaction; so two never make one each. A call whose outcome nobody knows is not repeated: the next look finds what
came of it, by the address.
"""

import asyncio
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import remove_account
from afterword.accounts.gladly_accounts import GladlyAccount, change_gladly, get_gladly
from afterword.accounts.reaching import AddressNotReachable, check_reachable
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing_alerts import AccountName
from afterword.accounts.webhook_access import LOOK_AGAIN_SECONDS
from afterword.accounts.webhook_credentials import newest_only
from afterword.alerts.recording import record_alert, withdraw_alert
from afterword.events.gaps import note_gap
from afterword.events.models import gladly_origin
from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyInvalid, GladlyNotFound
from afterword.outcomes import Outcome, Reason
from afterword.store.database import Database, PlainConnection
from afterword.translating import said
from afterword.webhook_keeping.comparing import (
    Sight,
    credentials_digest,
    look,
    public_url_in,
    wanted,
    webhook_address,
)
from afterword.webhook_keeping.states import Known, forget_state, read_states, write_state
from afterword.webhook_keeping.telling import GIVES_UP_AFTER, News, news_after

log = structlog.get_logger()

NO_WEBHOOK = frozenset({"pull", "none"})
"""Ways in which events reach us, or do not, for which there is no webhook."""
LOOK_EVERY_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 5.0

RECORD_EVENT = """
INSERT INTO event (origin, type, occurred_at, body, status, reason_code, reason_words)
VALUES ($1, $2, $3, $4, 'ignored', $5, $6)
"""


class LeftAtGladly(Exception):
    """A webhook of ours could not be taken away; the text says why."""


class WebhookKeeping:
    """Looks after the webhooks of connected Gladly accounts, each by a client that is given.

    ``public_url`` is where Afterword is reached. A webhook that leads to where that was before is moved, unless
    ``moves`` is false: whoever does not know the address for certain leaves webhooks where they are.
    """

    def __init__(self, database: Database, box: SecretBox, *, public_url: str, moves: bool = True) -> None:
        self._database = database
        self._box = box
        self._public_url = public_url
        self._moves = moves

    async def keep(self, account_id: str, client: GladlyClient, *, wait: bool = True) -> Known | None:
        """Look at an account's webhook, put right what can be, and answer how it is now.

        ``None`` when there is no such account, when it is to have no webhook, or, without ``wait``, when somebody else
        is at it. What Gladly refuses, and that it does not answer, becomes the state's reason; no ``Outcome`` is
        raised.
        """
        async with self._database.transaction() as connection:
            if not await _lock(connection, account_id, wait=wait):
                return None
            account = await get_gladly(connection, self._box, account_id)
            if account is None:
                return None
            before = (await read_states(connection, account_id)).get(account_id)
            if account.delivery in NO_WEBHOOK:
                return await self._have_none(account, client, before)
            now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            after, wrong = await self._look(account, client, before, now)
            ended = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            news = news_after(_name(account), before, after, wrong, ended)
            if news.marks:
                after = msgspec.structs.replace(after, alerted_at=ended)
            await self._write(account, before, after, news, ended)
            if _is_old_login_over(account, after, now):
                await change_gladly(connection, self._box, account_id, webhook=newest_only(account.webhook))
        return after

    async def remove(self, account: GladlyAccount, client: GladlyClient) -> str | None:
        """Take away what we made at Gladly for an account, then forget the account, whether that succeeded or not.

        Answers why the webhook is still there; ``None`` when none of ours is left.
        """
        left = None
        async with self._database.transaction() as connection:
            await _lock(connection, account.id, wait=True)
            before = (await read_states(connection, account.id)).get(account.id)
            try:
                await self._take_away(account, client, before)
            except LeftAtGladly as error:
                left = str(error)
            await remove_account(connection, account.id)
        return left

    async def _look(
        self, account: GladlyAccount, client: GladlyClient, before: Known | None, now: datetime
    ) -> tuple[Known, Reason | None]:
        """How the webhook is, after mending; and what was wrong with it before."""
        known = before or Known(state="not-yet", since=now)
        url = webhook_address(self._public_url_of(account, known), account.id)
        try:
            sight = look(account, url, await client.webhooks(), before)
        except Outcome as error:
            return known.not_seen(error), None
        seen = msgspec.structs.replace(
            known,
            webhook_id=(sight.webhook and sight.webhook.id) or known.webhook_id,
            url=(account.delivery == "own" and known.url)
            or (sight.webhook and sight.webhook.url)
            or known.url,
            is_ours=account.delivery == "own",
            looked_at=now,
        )
        if account.delivery == "by-hand":
            return seen.settled(sight.wrong, now), sight.wrong
        try:
            mended = await self._mend(account, client, sight, seen, now)
        except AddressNotReachable as error:
            if sight.webhook is not None and sight.wrong is None:
                log.warning("webhook_not_moved", account=account.id, cause=str(error))
                return seen.settled(None, now), None  # it works where it is
            return seen.settled(_why_not_mended(error, url), now), sight.wrong
        except Outcome as error:
            return seen.settled(_why_not_mended(error, url), now), sight.wrong
        return mended.settled(None, now), sight.wrong

    def _public_url_of(self, account: GladlyAccount, known: Known) -> str:
        """Where Gladly reaches Afterword: as is set, or, where that is not certain, as it did when it last worked."""
        if self._moves or known.worked_at is None or known.url is None:
            return self._public_url
        return public_url_in(known.url, account.id) or self._public_url

    async def _mend(
        self, account: GladlyAccount, client: GladlyClient, sight: Sight, seen: Known, now: datetime
    ) -> Known:
        """Make, or change, until it is as wanted.

        Raises:
            Outcome: what Gladly answered.
            AddressNotReachable: it could not reach us.
        """
        public_url = self._public_url_of(account, seen)
        url = webhook_address(public_url, account.id)
        if sight.webhook is None or sight.changes is not None:
            check_reachable(public_url, "Gladly", account.base_url)
        if sight.webhook is None:
            webhook_id = await client.create_webhook(wanted(account, url))
            log.info("webhook_made", account=account.id, webhook=webhook_id)
        else:
            webhook_id = sight.webhook.id
            if sight.changes is not None:
                if sight.changes.credentials or sight.changes.headers:
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)  # from then on every web process takes them
                await client.update_webhook(webhook_id, sight.changes)
        for spare in sight.spare:
            await _delete(client, spare)
        digest = credentials_digest(account)
        return msgspec.structs.replace(
            seen,
            webhook_id=webhook_id,
            url=url,
            credentials_sha256=digest,
            credentials_put_at=now if digest != seen.credentials_sha256 else seen.credentials_put_at,
        )

    async def _have_none(
        self, account: GladlyAccount, client: GladlyClient, before: Known | None
    ) -> Known | None:
        """Take away the webhook of an account that is to have none; what cannot be now is tried again."""
        if before is None:
            return None
        try:
            await self._take_away(account, client, before)
        except LeftAtGladly as error:
            left = msgspec.structs.replace(
                before,
                reason=Reason("webhook-left", said("it could not be taken away: %(error)s", error=error)),
                tries=before.tries + 1,
            )
            async with self._database.pool.acquire() as connection:
                await write_state(connection, account.id, left, look_again_after=LOOK_EVERY_SECONDS)
            return left
        async with self._database.pool.acquire() as connection:
            await forget_state(connection, account.id)
        return None

    async def _take_away(self, account: GladlyAccount, client: GladlyClient, before: Known | None) -> None:
        """Disable and delete what we made, or took over.

        Raises:
            LeftAtGladly: it is still there.
        """
        if before is None or not before.is_ours:
            return
        url = webhook_address(self._public_url, account.id)
        try:
            sight = look(account, url, await client.webhooks(), before)
            for webhook_id in (*([] if sight.webhook is None else [sight.webhook.id]), *sight.spare):
                await _delete(client, webhook_id)
        except Outcome as error:
            raise LeftAtGladly(error.reason.words) from None

    async def _write(
        self, account: GladlyAccount, before: Known | None, after: Known, news: News, now: datetime
    ) -> None:
        """Write down how it is, with all that is told of it, in one transaction."""
        was = "unknown" if before is None else before.state
        if was != after.state or news.missed is not None:
            tell = log.info if before is None or before.state == "not-yet" else log.warning
            tell(
                "webhook_state_changed",
                account=account.id,
                before=was,
                after=after.state,
                cause=None if after.reason is None else after.reason.code,
            )
        pause = LOOK_EVERY_SECONDS
        if after.state != "works":
            pause = min(FIRST_PAUSE_SECONDS * 2 ** min(after.tries - 1, 10), LOOK_EVERY_SECONDS)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await write_state(connection, account.id, after, look_again_after=pause)
            await _tell(connection, account, after, news, now)


async def _tell(
    connection: PlainConnection, account: GladlyAccount, after: Known, news: News, now: datetime
) -> None:
    is_taken_back = news.withdraws_off and await withdraw_alert(
        connection, "webhook-off", _name(account).subject
    )
    if news.alert is not None and not is_taken_back:
        await record_alert(connection, news.alert)
    if news.missed is not None:
        await note_gap(connection, account.id, news.missed.since, news.missed.until, news.missed.reason)
    if news.event_type is not None and news.event_reason is not None:
        body = {"webhookId": after.webhook_id, "url": after.url, "reason": news.event_reason.code}
        await connection.execute(
            RECORD_EVENT,
            gladly_origin(account.id),
            news.event_type,
            now,
            msgspec.json.encode(body).decode(),
            news.event_reason.code,
            news.event_reason.words,
        )


def _why_not_mended(error: Outcome | AddressNotReachable, url: str) -> Reason:
    if isinstance(error, AddressNotReachable):
        return Reason("webhook-not-reachable", str(error).rstrip("."))
    if isinstance(error, GladlyInvalid):
        told = error.detail or error.code or "no reason given"
        return Reason(
            "webhook-refused",
            said(
                "Gladly refused it: %(said)s. Before it switches a webhook on it tries the address, "
                "%(url)s: see that `afterword web` is running and can be reached there from outside",
                said=told,
                url=url,
            ),
        )
    return error.reason


def _is_old_login_over(account: GladlyAccount, after: Known, now: datetime) -> bool:
    """Whether no delivery can come with the credentials before the newest any more."""
    return (
        account.delivery == "own"
        and max(len(account.webhook.basic), len(account.webhook.header_tokens)) > 1
        and after.state == "works"
        and after.credentials_put_at is not None
        and now - after.credentials_put_at > GIVES_UP_AFTER
    )


async def _delete(client: GladlyClient, webhook_id: str) -> None:
    """Gladly deletes no webhook that is switched on."""
    try:
        await client.disable_webhook(webhook_id)
        await client.delete_webhook(webhook_id)
    except GladlyNotFound:
        return


async def _lock(connection: AsyncConnection, account_id: str, *, wait: bool) -> bool:
    key = func.hashtextextended(f"webhook/{account_id}", 0)
    if wait:
        await connection.execute(select(func.pg_advisory_xact_lock(key)))
        return True
    return bool(await connection.scalar(select(func.pg_try_advisory_xact_lock(key))))


def _name(account: GladlyAccount) -> AccountName:
    return AccountName(account.id, "gladly", account.name)
