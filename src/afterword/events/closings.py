"""What *one closing* of a conversation is.

Gladly's event ids differ between its sources, so the definition does not hang on them: closings of a conversation
within 120 s of each other, with no reopening between, are one, whatever their ids and whatever order they arrive in.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

ONE_CLOSING_WITHIN = timedelta(seconds=120)


class Closing(msgspec.Struct, frozen=True):
    """A conversation was closed, as event ``event_id`` tells."""

    event_id: int
    closed_at: datetime


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
    earlier, later = sorted((one.closed_at, other.closed_at))
    return later - earlier <= ONE_CLOSING_WITHIN and not any(earlier < moment < later for moment in reopened)
