"""What *one closing* of a conversation is.

Gladly's event ids differ between its sources, so the definition does not hang on them: closings of a conversation
within 120 s of each other, with no reopening between, are one, whatever their ids and whatever order they arrive in.
Nor do the sources' clocks agree to the last second; of what was found in another source it is unsure when exactly it
was (:func:`between`), and where that leaves open whether two closings are one, they are.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from afterword.events.models import FoundIn

ONE_CLOSING_WITHIN = timedelta(seconds=120)

CLOCKS_DIFFER_BY = timedelta(seconds=2)
"""Between what Gladly's records say of one moment."""
CUT_TO_THE_MINUTE = timedelta(seconds=60)
LOOK_AROUND = ONE_CLOSING_WITHIN + CUT_TO_THE_MINUTE + 2 * CLOCKS_DIFFER_BY
"""How far from a closing another can be told that is the same."""


class Closing(msgspec.Struct, frozen=True):
    """A conversation was closed, as event ``event_id`` tells.

    ``found_in`` is the source, ``None`` for a delivery; ``latest`` is how late it may have been, where the source tells
    no seconds.
    """

    event_id: int
    closed_at: datetime
    found_in: FoundIn | None = None
    latest: datetime | None = None

    @property
    def between(self) -> tuple[datetime, datetime]:
        """The first and the last moment at which another source may tell of the same."""
        return between(self.closed_at, self.found_in, self.latest)


def latest_of(at: datetime, found_in: FoundIn | None) -> datetime | None:
    """How late what a source tells at ``at`` may have been; ``None`` where that is exact.

    Whether Gladly's report tells seconds is not documented: one of its moments that has none may have been cut.
    """
    may_be_cut = found_in == "report" and at.second == 0 and at.microsecond == 0
    return at + CUT_TO_THE_MINUTE if may_be_cut else None


def between(
    at: datetime, found_in: FoundIn | None, latest: datetime | None = None
) -> tuple[datetime, datetime]:
    """The first and the last moment at which another source may tell of what this one tells at ``at``."""
    if found_in is None:
        return at, at
    return at - CLOCKS_DIFFER_BY, (latest or at) + CLOCKS_DIFFER_BY


def sort_out(
    accepted: Iterable[Closing], candidates: Iterable[Closing], reopenings: Iterable[datetime]
) -> dict[int, int | None]:
    """Tell for each candidate of one conversation which accepted closing it repeats, or ``None`` for a new one.

    A candidate found new is accepted at once, so that the candidates after it are held against it too. The accepted
    closing, not its repeats, is what the 120 s are counted from: repeats cannot stretch them.
    """
    known = list(accepted)
    reopened = sorted(reopenings)
    verdicts: dict[int, int | None] = {}
    for candidate in sorted(candidates, key=lambda closing: (closing.closed_at, closing.event_id)):
        same = next((closing for closing in known if _are_one(closing, candidate, reopened)), None)
        verdicts[candidate.event_id] = None if same is None else same.event_id
        if same is None:
            known.append(candidate)
    return verdicts


def _are_one(one: Closing, other: Closing, reopened: list[datetime]) -> bool:
    """Whether they may be one: what is told by one source is exact in itself."""
    earlier, later = sorted((one, other), key=lambda closing: closing.closed_at)
    begin, end = earlier.closed_at, later.closed_at
    if one.found_in != other.found_in:
        _, begin = earlier.between
        end, _ = later.between
    return end - begin <= ONE_CLOSING_WITHIN and not any(begin < moment < end for moment in reopened)
