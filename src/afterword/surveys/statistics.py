"""What Responses amount to: shares with how sure they are. Pure."""

import math

import msgspec

from afterword.surveys.definitions import ScoreQuestion

Z_95 = 1.959964
"""Standard deviations to either side that hold 95 % of a normal distribution."""
SATISFIED_SHARE = 0.4
"""The upper two fifths of a scale are *satisfied*: 4 and 5 of 5, as CSAT is usually counted."""


class Interval(msgspec.Struct, frozen=True):
    """From where to where a share may really be, each from 0 to 1."""

    low: float
    high: float


class Share(msgspec.Struct, frozen=True):
    """So many of so many; ``of`` may be 0, and then nothing is known."""

    number: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1."""
        return self.number / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Where the true share is with 95 % certainty."""
        return wilson(self.number, self.of)


def wilson(number: int, of: int, z: float = Z_95) -> Interval | None:
    """Wilson's score interval of a share: right for few answers too, and never beyond 0 or 1 (E. B. Wilson, 1927).

    ``None`` for no answers at all.

    Raises:
        ValueError: there are more than all, or fewer than none.
    """
    if not 0 <= number <= of:
        raise ValueError(f"{number} of {of} is no share.")
    if of == 0:
        return None
    share, square = number / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    low = 0.0 if number == 0 else max(0.0, middle - half)
    high = 1.0 if number == of else min(1.0, middle + half)
    return Interval(low, high)


def satisfied_scores(question: ScoreQuestion) -> tuple[int, ...]:
    """The scores of a question that count as satisfied: the upper two fifths of its scale, and one at least."""
    scores = sorted(choice.recode for choice in question.choices)
    return tuple(scores[len(scores) - max(1, round(len(scores) * SATISFIED_SHARE)) :]) if scores else ()
