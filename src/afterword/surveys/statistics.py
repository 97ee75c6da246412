"""What Responses amount to: shares with how sure they are. Pure."""

import math
from collections.abc import Mapping

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


class Scores(msgspec.Struct, frozen=True):
    """How often each score was given; scores that nobody gave are left out."""

    numbers: Mapping[int, int] = {}

    @property
    def total(self) -> int:
        """How many scores were given."""
        return sum(self.numbers.values())

    @property
    def average(self) -> float | None:
        """The mean score; ``None`` when there is none."""
        total = self.total
        return sum(score * number for score, number in self.numbers.items()) / total if total else None

    def share_of(self, *scores: int) -> Share:
        """How many of all gave one of these."""
        return Share(sum(self.numbers.get(score, 0) for score in scores), self.total)

    def __add__(self, other: "Scores") -> "Scores":
        """Both together."""
        both = self.numbers.keys() | other.numbers.keys()
        return Scores({one: self.numbers.get(one, 0) + other.numbers.get(one, 0) for one in sorted(both)})
