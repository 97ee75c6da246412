"""Gladly's limits, summed over the whole organization: so many requests a second for each HTTP method, and for reports
so many a minute and two at once.
"""

import time
from collections.abc import Callable


class RateLimit:
    """Counts requests by method in the present second, as the names of Gladly's headers say."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.time) -> None:
        self.per_second = per_second
        self._clock = clock
        self._second = 0
        self._used: dict[str, int] = {}

    def _begin_second(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._used.clear()

    def take(self, method: str) -> bool:
        """Count a request; False when it is over the limit."""
        self._begin_second()
        used = self._used.get(method, 0)
        if used >= self.per_second:
            return False
        self._used[method] = used + 1
        return True

    def headers(self, method: str) -> dict[str, str]:
        """Return the headers that every response of Gladly's API carries."""
        self._begin_second()
        return {
            "Ratelimit-Limit-Second": str(self.per_second),
            "Ratelimit-Remaining-Second": str(self.per_second - self._used.get(method, 0)),
        }


class ReportLimit:
    """Counts reports in the present minute, and those that are being made."""

    AT_ONCE = 2

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.time) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._used = 0
        self._under_way = 0

    def begin(self) -> float | None:
        """Count a report; the seconds to wait instead when it is over the limit. One that began has to `end`."""
        moment = self._clock()
        if int(moment // 60) != self._minute:
            self._minute, self._used = int(moment // 60), 0
        if self._under_way >= self.AT_ONCE:
            return 1.0
        if self._used >= self.per_minute:
            return 60 - moment % 60
        self._used += 1
        self._under_way += 1
        return None

    def end(self) -> None:
        """Note that a report was made, or was given up."""
        self._under_way -= 1
