"""When a task is tried again: one pure function."""

from collections.abc import Callable

SCHEDULE = (0.0, 5.0, 30.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0)
"""Seconds before the second, third, … attempt: ten attempts in all, the last about two days after the first."""

JITTER = 0.2
FLOOR_AFTER_UNKNOWN_OUTCOME = 1.0
"""Seconds to leave the other side to finish what it may still be doing."""


def delay_before_next(
    attempt: int,
    *,
    asked_for: float | None,
    outcome_unknown: bool,
    random: Callable[[], float],
    scale: float = 1.0,
) -> float | None:
    """Seconds to wait after attempt number ``attempt`` (from 1) failed; ``None`` when that was the last.

    ``asked_for`` is what the vendor said (``Retry-After``): it is obeyed in full, never shortened. ``random`` answers
    a number from 0 to 1; waits are spread by a fifth so that what failed together does not return together.
    """
    if attempt > len(SCHEDULE):
        return None
    scheduled = SCHEDULE[attempt - 1] * scale
    if outcome_unknown:
        scheduled = max(scheduled, FLOOR_AFTER_UNKNOWN_OUTCOME * scale)
    spread = scheduled * (1 + JITTER * (2 * random() - 1))
    return max(spread, asked_for or 0.0)
