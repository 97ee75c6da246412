"""What one case is: closings of a conversation that follow each other closely enough."""

from collections.abc import Iterable
from datetime import datetime, timedelta


def case_of(
    closed_at: datetime, closings: Iterable[datetime], within: timedelta
) -> tuple[datetime, datetime]:
    """The first and the last closing of the case that a closing belongs to.

    Each closing within this time of the one before it carries the case on, however long it gets, and whether or not
    anybody was asked. Closings after this one count too: they may have been dealt with first.
    """
    moments = sorted({closed_at, *closings})
    here = moments.index(closed_at)
    first = last = here
    while first > 0 and moments[first] - moments[first - 1] <= within:
        first -= 1
    while last + 1 < len(moments) and moments[last + 1] - moments[last] <= within:
        last += 1
    return moments[first], moments[last]
