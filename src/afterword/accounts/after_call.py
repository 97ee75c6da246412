"""What a call changes of how its account stands: of the account as a whole, and of this call by itself."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from afterword.accounts.signs import Sign
from afterword.accounts.standing import (
    Policy,
    Random,
    Standing,
    after_acceptance,
    after_answer,
    after_failure,
    after_nothing,
    after_refusal,
    claim_probe,
)
from afterword.outcomes import Reason

WHOLE_ACCOUNT = ""
"""The call without a name: what stands there is the account's."""

Standings = Mapping[str, Standing]
"""How an account stands, by call."""
Changed = Mapping[str, Standing | None]
"""What stands otherwise than before; ``None`` where nothing is to be said any more."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How a call went, with the digest of the credentials that it was made with."""

    call: str
    sign: Sign
    reason: Reason | None
    credentials: bytes
    is_probe: bool


def blocking(standings: Standings, call: str) -> Standings:
    """What stands in the way of a call."""
    return {
        name: standings[name]
        for name in (WHOLE_ACCOUNT, call)
        if name in standings and standings[name].is_blocked
    }


def claim(standings: Standings, now: datetime, call: str, policy: Policy) -> Changed | None:
    """What a call that is about to be made as a probe changes; ``None`` when it is not its turn."""
    in_the_way = blocking(standings, call)
    if not in_the_way or not all(standing.probe_is_due(now) for standing in in_the_way.values()):
        return None
    return {name: claim_probe(standing, now, policy) for name, standing in in_the_way.items()}


def after_call(standings: Standings, now: datetime, told: Told, policy: Policy, random: Random) -> Changed:
    """What a call changes."""
    changed = dict(_signified(standings, now, told, policy, random))
    if told.is_probe:
        for name, standing in blocking(standings, told.call).items():
            if changed.get(name, standing) == standing:
                changed[name] = after_nothing(standing, now, policy=policy, random=random)
    return changed


def _signified(standings: Standings, now: datetime, told: Told, policy: Policy, random: Random) -> Changed:
    whole, single = standings.get(WHOLE_ACCOUNT), standings.get(told.call)
    match told.sign:
        case Sign.ACCEPTED if told.is_probe:
            return {
                WHOLE_ACCOUNT: after_acceptance(whole, now, is_of_one_call=False),
                told.call: after_acceptance(single, now, is_of_one_call=True),
            }
        case Sign.ACCEPTED | Sign.ANSWERED:
            return {WHOLE_ACCOUNT: after_answer(whole)}
        case Sign.DOWN:
            failed = after_failure(
                whole,
                now,
                told.reason,
                told.credentials,
                is_probe=told.is_probe,
                policy=policy,
                random=random,
            )
            return {WHOLE_ACCOUNT: failed}
        case Sign.REFUSED | Sign.NOT_PERMITTED:
            of_account = told.sign is Sign.REFUSED
            refused = after_refusal(
                whole if of_account else single,
                now,
                told.reason,
                told.credentials,
                is_probe=told.is_probe,
                policy=policy,
                random=random,
            )
            if of_account:
                return {WHOLE_ACCOUNT: refused}
            return {WHOLE_ACCOUNT: after_answer(whole), told.call: refused}
        case _:
            return {}
