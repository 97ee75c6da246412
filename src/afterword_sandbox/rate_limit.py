"""Gladly's limit: so many requests a second for each HTTP method, summed over the whole organization."""

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
