"""What a rule can say."""

from datetime import datetime, timedelta

import msgspec

from afterword.outcomes import Reason

HOUR = 3600.0


class Postponed(msgspec.Struct, frozen=True):
    """Not now: ask again at ``until``."""

    until: datetime
    reason: Reason


Verdict = Reason | Postponed | None
"""Why the customer is not to be asked, or not yet; ``None`` when the rule has nothing against it."""


def hours(length: timedelta) -> str:
    """A length of time in hours, as it is shown: ``47.5``."""
    return f"{length.total_seconds() / HOUR:.1f}".removesuffix(".0")


def number(value: float) -> str:
    """A number as somebody set it: ``24``, ``0.5``."""
    return f"{value:g}"
