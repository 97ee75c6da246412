"""What the conversations that were looked at amount to: how many are asked of all, and why others are not. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from afterword.outcomes import Reason
from afterword.surveys.statistics import wilson


class Weighed(msgspec.Struct, frozen=True):
    """What would have become of one customer's conversations.

    ``asked`` is of how many the customer would have been asked, ``waited`` how many of these after quiet hours, and
    ``reasons`` how many each reason kept from it.
    """

    conversations: int
    asked: int
    waited: int = 0
    reasons: Mapping[str, int] = {}


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """How many conversations a reason kept from being asked about; ``is_exact`` unless it was estimated."""

    code: str
    words: str
    number: int
    is_exact: bool = True


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many conversations were closed, and of how many the Customer would have been asked.

    Of ``looked_at`` Gladly was asked for what the records do not tell. Where these are not all that mattered, ``asked``
    and some of the reasons are estimates, and with 95 % certainty ``asked`` is between ``low`` and ``high``.
    ``waited`` is how many of those asked would have been after quiet hours.
    """

    conversations: int
    asked: int
    low: int
    high: int
    waited: int
    looked_at: int
    reasons: tuple[Excluded, ...]

    @property
    def is_exact(self) -> bool:
        """Whether nothing was estimated."""
        return self.low == self.high == self.asked

    @property
    def share(self) -> float:
        """Of how many of the conversations the Customer would have been asked, from 0 to 1."""
        return self.asked / self.conversations if self.conversations else 0.0


def count(
    excluded: Mapping[str, int], weighed: Sequence[Weighed], rest: int, words: Mapping[str, Reason]
) -> Count:
    """Put together what is known of all conversations with what was seen of some customers'.

    ``excluded`` are those that the records alone exclude, by reason, ``rest`` how many are left; ``weighed`` are the
    customers that were looked at, with ``words`` for each reason's code.
    """
    looked_at = sum(one.conversations for one in weighed)
    seen: Counter[str] = Counter()
    for one in weighed:
        seen.update(one.reasons)
    asked = sum(one.asked for one in weighed)
    is_exact = looked_at >= rest
    scaled = _scaled({"": asked, **seen}, rest)
    low, high = (asked, asked) if is_exact else _interval(weighed, rest)
    reasons = Counter(excluded)
    reasons.update({code: number for code, number in scaled.items() if code})
    listed = [
        Excluded(
            code=code,
            words=words[code].words if code in words else code,
            number=number,
            is_exact=is_exact or code not in seen,
        )
        for code, number in reasons.most_common()
        if number
    ]
    waited = sum(one.waited for one in weighed)
    if not is_exact:
        waited = round(waited * rest / looked_at) if looked_at else 0
    return Count(
        conversations=sum(excluded.values()) + rest,
        asked=scaled[""],
        low=min(low, scaled[""]),
        high=max(high, scaled[""]),
        waited=min(waited, scaled[""]),
        looked_at=looked_at,
        reasons=tuple(listed),
    )


def _scaled(seen: Mapping[str, int], rest: int) -> dict[str, int]:
    """What was seen, in proportion, so that it adds up to all (the largest remainders are rounded up)."""
    total = sum(seen.values())
    if total in {0, rest}:
        return dict(seen)
    shares = {code: number * rest / total for code, number in seen.items()}
    whole = {code: math.floor(share) for code, share in shares.items()}
    by_remainder = sorted(shares, key=lambda code: (whole[code] - shares[code], code))
    for code in by_remainder[: rest - sum(whole.values())]:
        whole[code] += 1
    return whole


def _interval(weighed: Sequence[Weighed], rest: int) -> tuple[int, int]:
    """Of how many of ``rest`` conversations the customer would have been asked, with 95 % certainty.

    Customers were drawn, and a customer's conversations are alike: what was seen counts for fewer, by the design effect
    of the ratio estimate. The more of all was seen, the surer it is (finite population correction). Wilson's interval
    is then that of so many independent draws.
    """
    seen, asked = sum(one.conversations for one in weighed), sum(one.asked for one in weighed)
    if not seen:
        return 0, rest
    share = asked / seen
    worth = float(seen)
    if 0 < asked < seen and len(weighed) > 1:
        residuals = sum((one.asked - share * one.conversations) ** 2 for one in weighed)
        variance = residuals * len(weighed) / (len(weighed) - 1) / seen**2
        worth = min(worth, share * (1 - share) / variance) if variance else worth
    else:
        worth = float(len(weighed))
    worth = max(1.0, worth / max(1.0 - seen / rest, 1e-9))
    draws = max(1, round(worth))
    interval = wilson(min(draws, round(share * draws)), draws)
    low, high = (0.0, 1.0) if interval is None else (interval.low, interval.high)
    unseen = rest - seen
    return max(asked, math.floor(low * rest)), min(asked + unseen, math.ceil(high * rest))


def words_of(reasons: Iterable[Reason]) -> dict[str, Reason]:
    """The first of each code."""
    found: dict[str, Reason] = {}
    for reason in reasons:
        found.setdefault(reason.code, reason)
    return found
