"""How a connected account stands, and how that changes with each call: pure functions, no clock, no database.

Down is what has failed several times in a row, over more than a moment, with no answer between: calls that were in
flight together fail together, and a second later all may be well. What is down or refused is tried by one probe at a
time, less and less often. A refusal of everything (401) is the account's; one of a single call (403) is that call's,
so that what is permitted goes on.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from afterword.outcomes import Reason

State = Literal["failing", "open", "refused", "permitted"]
"""*failing* is still called; *open* and *refused* are not. *permitted* is a call that was refused and then was not:
what is refused of it now is about one thing, not about the token.
"""

Random = Callable[[], float]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the breaker; all times in seconds."""

    failures: int = 5
    """So many in a row open it …"""
    spread: float = 2.0
    """… when the first and the last are at least so far apart …"""
    longest_gap: float = 600.0
    """… and none came later than so after the one before."""
    first_probe: float = 10.0
    longest_pause_down: float = 300.0
    longest_pause_refused: float = 1800.0
    jitter: float = 0.2
    probe_patience: float = 60.0
    """A probe of which nothing was heard for so long is given up: its process died."""
    permitted: float = 600.0
    """For so long after a call turned out to be permitted, its refusals are about one thing."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account or one call of it stands; ``credentials`` is a digest of those that it is about."""

    state: State
    credentials: bytes
    since: datetime
    failures: int = 0
    last_failed_at: datetime | None = None
    next_probe_at: datetime | None = None
    probes_failed: int = 0
    run_let_go_at: datetime | None = None
    reason: Reason | None = None
    alerted_at: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether nothing but probes is called."""
        return self.state in {"open", "refused"}

    def probe_is_due(self, now: datetime) -> bool:
        """Whether a probe may be made."""
        return self.is_blocked and (self.next_probe_at is None or self.next_probe_at <= now)


def claim_probe(standing: Standing, now: datetime, policy: Policy) -> Standing:
    """A probe is about to be made: no other until it was heard of, or given up."""
    return msgspec.structs.replace(
        standing, next_probe_at=now + timedelta(seconds=policy.probe_patience), run_let_go_at=None
    )


def after_failure(
    standing: Standing | None,
    now: datetime,
    reason: Reason | None,
    credentials: bytes,
    *,
    is_probe: bool,
    policy: Policy,
    random: Random,
) -> Standing:
    """The other side was not there, or not able."""
    if standing is not None and standing.is_blocked:
        return _probed_in_vain(standing, now, policy, random) if is_probe else standing
    if standing is None or standing.state != "failing" or _is_long_ago(standing, now, policy):
        standing = Standing(state="failing", credentials=credentials, since=now)
    counted = msgspec.structs.replace(
        standing, failures=standing.failures + 1, last_failed_at=now, reason=reason
    )
    spread = (now - standing.since).total_seconds()
    if counted.failures < policy.failures or spread < policy.spread:
        return counted
    opened = msgspec.structs.replace(counted, state="open")
    return _next_probe(opened, now, policy, random)


def after_refusal(
    standing: Standing | None,
    now: datetime,
    reason: Reason | None,
    credentials: bytes,
    *,
    is_probe: bool,
    policy: Policy,
    random: Random,
) -> Standing:
    """The token was refused, or this call to it."""
    if standing is not None and standing.state == "refused":
        return _probed_in_vain(standing, now, policy, random) if is_probe else standing
    if standing is not None and standing.state == "permitted" and not has_expired(standing, now, policy):
        return standing
    refused = Standing(state="refused", credentials=credentials, since=now, reason=reason)
    return _next_probe(refused, now, policy, random)


def after_answer(standing: Standing | None) -> Standing | None:
    """The other side answered, whatever it said: it is there. Whether it takes the token is another matter."""
    return None if standing is None or standing.state in {"failing", "open"} else standing


def after_acceptance(standing: Standing | None, now: datetime, *, is_of_one_call: bool) -> Standing | None:
    """A probe did what it was to do: the other side is there and takes the token.

    Of any other call that would not follow: it may have been asked before the refusal.
    """
    if standing is None or standing.state == "permitted":
        return standing
    if standing.state == "refused" and is_of_one_call:
        return Standing(state="permitted", credentials=standing.credentials, since=now)
    return None


def after_nothing(standing: Standing, now: datetime, *, policy: Policy, random: Random) -> Standing:
    """A probe told nothing about this: it makes room for the next."""
    return _next_probe(standing, now, policy, random) if standing.is_blocked else standing


def has_expired(standing: Standing, now: datetime, policy: Policy) -> bool:
    """Whether it no longer says anything."""
    if standing.state == "failing":
        return _is_long_ago(standing, now, policy)
    return standing.state == "permitted" and now - standing.since > timedelta(seconds=policy.permitted)


def _is_long_ago(standing: Standing, now: datetime, policy: Policy) -> bool:
    last = standing.last_failed_at or standing.since
    return now - last > timedelta(seconds=policy.longest_gap)


def _probed_in_vain(standing: Standing, now: datetime, policy: Policy, random: Random) -> Standing:
    counted = msgspec.structs.replace(standing, probes_failed=standing.probes_failed + 1)
    return _next_probe(counted, now, policy, random)


def _next_probe(standing: Standing, now: datetime, policy: Policy, random: Random) -> Standing:
    longest = policy.longest_pause_refused if standing.state == "refused" else policy.longest_pause_down
    pause = min(policy.first_probe * 2 ** min(standing.probes_failed, 30), longest)
    spread = pause * (1 - policy.jitter * random())
    return msgspec.structs.replace(
        standing, next_probe_at=now + timedelta(seconds=spread), run_let_go_at=None
    )
