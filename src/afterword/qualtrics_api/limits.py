"""How often the API may be called: Qualtrics' own limits a minute, so that clients are held here as they are there.

Counted in each web process by itself, for all callers together as with Qualtrics' brand; a call over the limit costs no
query.
"""

import math
import time
from collections.abc import Callable, Iterator

from afterword.qualtrics import envelope
from afterword.qualtrics_api.answers import Refused

EVERYTHING = "everything"
PER_MINUTE = {EVERYTHING: 3000, "one response": 240, "event subscriptions": 120}
LIMITS_OF_PATHS = {
    "/API/v3/surveys/{survey_id:str}/responses/{response_id:str}": "one response",
    "/API/v3/eventsubscriptions": "event subscriptions",
    "/API/v3/eventsubscriptions/{subscription_id:str}": "event subscriptions",
}
"""By route; the limit on everything holds for every call besides."""
MINUTE = 60.0

TOO_MANY = envelope.Refusal(429, "AFTERWORD_429", "Too many requests.")
"""The code that Qualtrics gives is not known."""


class Limits:
    """Counts calls in minutes that begin with the first call after the one before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}

    def check(self, path_template: str) -> None:
        """See whether another call of this route may be made.

        Raises:
            Refused: it would be one too many; with ``Retry-After`` in seconds.
        """
        now = self._clock()
        for name, began, calls in self._minutes(path_template, now):
            if calls >= PER_MINUTE[name]:
                seconds = max(1, math.ceil(began + MINUTE - now))
                words = (
                    f"Too many requests: {PER_MINUTE[name]} a minute for {name}. Try again in {seconds} s."
                )
                raise Refused(TOO_MANY, words, headers={"Retry-After": str(seconds)})

    def count(self, path_template: str) -> None:
        """Count a call of this route."""
        for name, began, calls in self._minutes(path_template, self._clock()):
            self._counts[name] = (began, calls + 1)

    def _minutes(self, path_template: str, now: float) -> Iterator[tuple[str, float, int]]:
        """Each limit that holds for the route, when its minute began, and how many calls there were in it."""
        narrower = LIMITS_OF_PATHS.get(path_template)
        for name in (EVERYTHING,) if narrower is None else (EVERYTHING, narrower):
            began, calls = self._counts.get(name, (now, 0))
            yield (name, now, 0) if now - began >= MINUTE else (name, began, calls)
