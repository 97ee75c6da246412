"""What Gladly's own headers tell of its limit, and what follows from it.

Every answer says how many requests a second the organization has for the method, and how many are left in the present
second. When that second began is not said; but where the number left goes up from one request to the next, one began
between them.
"""

import bisect
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from afterword.outgoing.budgets import Turn

LIMIT = "Ratelimit-Limit-Second"
REMAINING = "Ratelimit-Remaining-Second"
SECOND = 1.0
LEFT_TO_OTHERS = 1
MOST_REMEMBERED = 64
HIGHEST_LIMIT = 100_000


class Request(msgspec.Struct, frozen=True, order=True):
    """A request that was answered: when it was sent (seconds of any clock), and how many were left after it."""

    sent: float
    remaining: int


class Told(msgspec.Struct, frozen=True):
    """What an answer's headers say; ``None`` for what they do not."""

    limit: int | None
    remaining: int | None


def read_headers(headers: Mapping[str, str]) -> Told:
    """Read the headers; what makes no sense is left out."""
    limit = _number(headers.get(LIMIT))
    return Told(limit if limit and limit <= HIGHEST_LIMIT else None, _number(headers.get(REMAINING)))


class Seconds:
    """The requests of the last second as one process knows them, by method."""

    def __init__(self) -> None:
        self._answered: defaultdict[str, list[Request]] = defaultdict(list)

    def until_next(self, method: str, told: Told, turn: Turn, sent: float, now: float) -> float:
        """Hear of an answer; answer for how many seconds nobody should call, as it would be refused: mostly 0.

        It is more than that only where other programs use the limit, too, and have left no more than the one request
        that they may take next. What we use ourselves is no reason: our even spacing leads past the second by itself.
        """
        if told.remaining is None:
            return 0.0
        remembered = self._answered[method]
        request = Request(sent, told.remaining)
        bisect.insort(remembered, request)  # answers may come in another order than they were asked for
        del remembered[:-MOST_REMEMBERED]
        if told.limit is None or told.remaining > LEFT_TO_OTHERS:
            return 0.0
        began, before = _this_second(remembered, request)
        since = max(before, sent - turn.busy_seconds - 1 / turn.per_second)
        ours_at_most = round((sent - since) * turn.per_second)
        used = told.limit - told.remaining
        return 0.0 if ours_at_most >= used else max(0.0, began + SECOND - now)


def _this_second(requests: list[Request], last: Request) -> tuple[float, float]:
    """When the first request of ``last``'s second that we know was sent, and the one before it, if there was any."""
    began = last
    for request in reversed(requests[: bisect.bisect_left(requests, last)]):
        is_of_it = request.remaining > began.remaining and last.sent - request.sent < SECOND
        if not is_of_it:
            return began.sent, request.sent
        began = request
    return began.sent, float("-inf")


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004
