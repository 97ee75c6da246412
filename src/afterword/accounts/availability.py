"""Whether a connected account can be called: asked before every call, told after it.

While an account answers, nothing is asked of the database: a look at how all accounts stand, at most a second old, is
shared by the calls of a process. What fails is written at once. An account that is down (its breaker is open), and a
token that is refused, hold the runs that need it: they wait, use up no attempt, and one probe at a time finds out
whether it goes again. ``standing.py`` has the rules; ``workflows/running/holds.py`` lets the runs go then.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from afterword.accounts.after_call import (
    WHOLE_ACCOUNT,
    Changed,
    Standings,
    Told,
    after_call,
    blocking,
    claim,
)
from afterword.accounts.signs import Sign, sign_of
from afterword.accounts.standing import Policy, Random, Standing, after_acceptance
from afterword.accounts.standing_alerts import moment
from afterword.accounts.standing_store import Change, Everything, StandingStore
from afterword.outcomes import Outcome, Reason, Retry
from afterword.store.database import Database
from afterword.translating import N_, said

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 1.0
ANSWERED_LATELY_SECONDS = 30.0
"""While another call of the account was answered so lately, one that fails is taken for slow by itself."""
READ_AGAIN_SECONDS = 1.0

TOKEN_REPLACED = Reason(
    "account-token-replaced",
    N_("the account was changed while it was called; the run goes on with what it has now"),
)


class Availability:
    """How the connected accounts stand, as one process knows it.

    ``random`` answers numbers from 0 to 1, ``monotonic`` seconds; tests give their own.
    """

    def __init__(
        self,
        database: Database,
        *,
        policy: Policy | None = None,
        random: Random = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy or Policy()
        self.random = random
        self._store = StandingStore(database)
        self._monotonic = monotonic
        self._known: Everything | None = None
        self._looked_at = 0.0
        self._looking = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._answered: dict[tuple[str, str], float] = {}

    def watch(
        self,
        account_id: str,
        credentials: bytes,
        *,
        on_refusal: Callable[[], object] = lambda: None,
    ) -> "AccountWatch":
        """A watch over the calls of an account with these credentials (:func:`standing_store.credentials_of`).

        ``on_refusal`` is called when the credentials are refused.
        """
        return AccountWatch(self, account_id, credentials, on_refusal)

    async def note_works(self, account_id: str) -> None:
        """Somebody tried the account past any watch, and it took the token: what waits for it goes on."""
        credentials = await self._store.credentials(account_id)
        if credentials is not None:
            await self.change(account_id, credentials, _works)

    async def standings(self, account_id: str, credentials: bytes) -> tuple[Standings, datetime]:
        """How an account stands, at most a second old, and the database's clock."""
        known = self._known
        if known is None or self._is_old():
            async with self._looking:
                known = self._known
                if known is None or self._is_old():
                    known = await self._store.read_all()
                    self._known, self._looked_at = known, self._monotonic()
        now = known.now + timedelta(seconds=self._monotonic() - self._looked_at)
        mine = known.standings.get(account_id, {})
        return {call: standing for call, standing in mine.items() if standing.credentials == credentials}, now

    async def change(self, account_id: str, credentials: bytes, change: Change) -> Standings | None:
        """Change how an account stands; ``None`` when the credentials are no longer its own.

        One change at a time in each process: they wait for the same lock, and would keep connections meanwhile.
        """
        async with self._changing:
            standings = await self._store.change(account_id, credentials, change)
        if self._known is not None:
            self._known = Everything({**self._known.standings, account_id: standings or {}}, self._known.now)
        return standings

    async def keep(self, *, down_alert_seconds: float) -> None:
        """What is to be done once in a while, by any worker: forget what is outdated, tell of what is down for long."""
        for account_id, state in await self._store.forget_outdated(
            failing=self.policy.longest_gap, permitted=self.policy.permitted
        ):
            log.info("account_standing_forgotten", account=account_id, state=state)
        await self._store.tell_of_long_down(down_alert_seconds)

    def note_answer(self, account_id: str, call: str) -> None:
        """A call was answered."""
        self._answered[account_id, call] = self._monotonic()

    def is_slow_by_itself(self, account_id: str, call: str) -> bool:
        """Whether other calls of the account are answered while this one fails."""
        self._answered.pop((account_id, call), None)
        since = self._monotonic() - ANSWERED_LATELY_SECONDS
        return any(account == account_id and at >= since for (account, _), at in self._answered.items())

    def _is_old(self) -> bool:
        return self._monotonic() - self._looked_at >= LOOK_EVERY_SECONDS


class AccountWatch:
    """Watches the calls of one account, made with the same credentials (:class:`afterword.outgoing.watching.Watch`)."""

    def __init__(
        self,
        availability: Availability,
        account_id: str,
        credentials: bytes,
        on_refusal: Callable[[], object],
    ) -> None:
        self._availability = availability
        self._account_id = account_id
        self._credentials = credentials
        self._on_refusal = on_refusal

    async def before(self, call: str, /) -> bool:
        """Let the call be made, as a probe when one is due.

        Raises:
            Retry: the account is down or its token is refused; the run is to be held.
        """
        standings, now = await self._availability.standings(self._account_id, self._credentials)
        if not blocking(standings, call):
            return False
        if claim(standings, now, call, self._availability.policy) is None:
            raise self._hold(standings, call)
        return await self._claim(call)

    async def after(self, call: str, error: Outcome | None, /, *, is_probe: bool) -> None:
        """Count how the call went.

        Raises:
            Retry: the failure is the account's, which is down or refuses its token; the run is to be held.
        """
        sign = sign_of(error)
        if sign in {Sign.ACCEPTED, Sign.ANSWERED}:
            self._availability.note_answer(self._account_id, call)
        elif (
            sign is Sign.DOWN
            and not is_probe
            and self._availability.is_slow_by_itself(self._account_id, call)
        ):
            return
        told = Told(
            call=call,
            sign=sign,
            reason=None if error is None else error.reason,
            credentials=self._credentials,
            is_probe=is_probe,
        )
        standings = await self._tell(told)
        if sign in {Sign.REFUSED, Sign.NOT_PERMITTED}:
            self._on_refusal()
        if sign not in {Sign.DOWN, Sign.REFUSED, Sign.NOT_PERMITTED}:
            return
        if standings is None and sign is not Sign.DOWN:
            raise Retry(TOKEN_REPLACED, after=READ_AGAIN_SECONDS, tried=False)
        if standings is not None and blocking(standings, call):
            raise self._hold(standings, call, error)

    async def _claim(self, call: str) -> bool:
        """Be the probe, or find out that another is, or that none is needed any more."""
        policy = self._availability.policy
        is_mine = False

        def change(standings: Standings, now: datetime) -> Changed:
            nonlocal is_mine
            claimed = claim(standings, now, call, policy)
            is_mine = claimed is not None
            return claimed or {}

        standings = await self._availability.change(self._account_id, self._credentials, change)
        if standings is None:
            self._on_refusal()
            raise Retry(TOKEN_REPLACED, after=READ_AGAIN_SECONDS, tried=False)
        if not is_mine and blocking(standings, call):
            raise self._hold(standings, call)
        if is_mine:
            log.info("account_probed", account=self._account_id, call=call)
        return is_mine

    async def _tell(self, told: Told) -> Standings | None:
        """Write what the call changes, if anything, and answer how the account stands then."""
        policy, random = self._availability.policy, self._availability.random
        standings, now = await self._availability.standings(self._account_id, self._credentials)
        foreseen = after_call(standings, now, told, policy, random)
        if not told.is_probe and all(standings.get(call) == standing for call, standing in foreseen.items()):
            return standings
        before: Standings = {}

        def change(standings: Standings, now: datetime) -> Changed:
            nonlocal before
            before = standings
            return after_call(standings, now, told, policy, random)

        after = await self._availability.change(self._account_id, self._credentials, change)
        if after is not None:
            _log_changes(self._account_id, before, after, told)
        return after

    def _hold(self, standings: Standings, call: str, error: Outcome | None = None) -> Retry:
        name, standing = next(iter(blocking(standings, call).items()))
        return Retry(
            _reason(self._account_id, standing),
            tried=False,
            outcome_unknown=isinstance(error, Retry) and error.outcome_unknown,
            waiting_for=waiting_for(self._account_id, name),
        )


def _works(standings: Standings, now: datetime) -> Changed:
    whole = standings.get(WHOLE_ACCOUNT)
    return {WHOLE_ACCOUNT: after_acceptance(whole, now, is_of_one_call=False)}


def waiting_for(account_id: str, call: str) -> str:
    """What a run waits for that is held for an account, or for one call of it."""
    return f"account/{account_id}/{call}" if call else f"account/{account_id}"


def _reason(account_id: str, standing: Standing) -> Reason:
    cause = f": {standing.reason.words}" if standing.reason else ""
    values = {"account": account_id, "since": standing.since.isoformat()}
    if standing.reason:
        values["cause"] = standing.reason.code
    since = moment(standing.since)
    if standing.state == "open":
        words = said(
            "the account has not answered since %(since)s%(cause)s; the run goes on when it does",
            since=since,
            cause=cause,
        )
        return Reason("account-down", words, values)
    words = said(
        "the account's token is refused since %(since)s%(cause)s; the run goes on when "
        "it has another, or this one is accepted again",
        since=since,
        cause=cause,
    )
    return Reason("account-refused", words, values)


def _log_changes(account_id: str, before: Standings, after: Standings, told: Told) -> None:
    for call in before.keys() | after.keys():
        was, is_now = (
            standings[call].state if call in blocking(standings, call) else "answering"
            for standings in (before, after)
        )
        if was != is_now:
            log.warning(
                "account_standing_changed",
                account=account_id,
                call=call or "any",
                before=was,
                after=is_now,
                cause=told.reason.code if told.reason else "answered",
            )
