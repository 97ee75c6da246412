"""What a source tells, held against what is known: which closings and reopenings are new, and when they were.

Pure. Sources differ in ids and clocks, and a report may tell a moment without its seconds; what they agree on is the
order in which a conversation was closed and opened again. So the two are laid side by side, in order, and what finds
no counterpart is new.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from afterword.events.closings import between
from afterword.events.models import FoundIn

A_MOMENT = timedelta(milliseconds=1)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """That a conversation was closed or opened again (``type``), as one source tells it.

    ``found_in`` is ``None`` for what was delivered. ``key`` is by what the source itself tells it from others.
    ``latest`` is how late it may have been, where the source tells no seconds.
    """

    type: str
    occurred_at: datetime
    found_in: FoundIn | None = None
    key: bytes | None = None
    latest: datetime | None = None


class Found(Told, frozen=True, kw_only=True):
    """The same with all that is needed to record it. ``body`` has a webhook's form."""

    conversation_id: str
    customer_id: str
    body: str


def new_among(found: Sequence[Found], known: Sequence[Told]) -> list[Found]:
    """What is new of what a source tells of one conversation, in the source's order.

    Each comes with a moment that keeps it in its place among what is known: a moment that was cut to the minute would
    otherwise stand before what came before it, and make one closing of two, or two of one.
    """
    if not known:
        return list(_in_place(found, {}))
    in_order = sorted(known, key=lambda told: told.occurred_at)
    return list(_in_place(found, {mine: in_order[other] for mine, other in _pairs(found, in_order)}))


def _in_place(found: Sequence[Found], counterparts: dict[int, Told]) -> Iterator[Found]:
    """What has no counterpart, each between its neighbours."""
    before: datetime | None = None
    for index, told in enumerate(found):
        if index in counterparts:
            before = counterparts[index].occurred_at
            continue
        at = told.occurred_at
        following = next((later for later in range(index, len(found)) if later in counterparts), None)
        if following is not None and at >= counterparts[following].occurred_at:
            at = counterparts[following].occurred_at - A_MOMENT * (following - index)
        if before is not None and at <= before:
            at = before + A_MOMENT
        before = at
        yield msgspec.structs.replace(told, occurred_at=at)


def _pairs(found: Sequence[Found], known: Sequence[Told]) -> list[tuple[int, int]]:
    """As many counterparts as possible, both in order (a longest common subsequence); of those the nearest in time."""
    best = [[(0, 0.0)] * (len(known) + 1) for _ in range(len(found) + 1)]
    for mine in reversed(range(len(found))):
        for other in reversed(range(len(known))):
            skipped = max(best[mine + 1][other], best[mine][other + 1])
            best[mine][other] = max(
                skipped, _taken(found[mine], known[other], best[mine + 1][other + 1]) or skipped
            )
    pairs = []
    mine = other = 0
    while mine < len(found) and other < len(known):
        if best[mine][other] == _taken(found[mine], known[other], best[mine + 1][other + 1]):
            pairs.append((mine, other))
            mine, other = mine + 1, other + 1
        elif best[mine][other] == best[mine + 1][other]:
            mine += 1
        else:
            other += 1
    return pairs


def _taken(found: Found, known: Told, rest: tuple[int, float]) -> tuple[int, float] | None:
    """How good it is to pair these two and ``rest`` after them; ``None`` when they cannot be the same."""
    if not _may_be_the_same(found, known):
        return None
    pairs, nearness = rest
    return pairs + 1, nearness - _apart(found, known).total_seconds()


def _apart(one: Told, other: Told) -> timedelta:
    """How far they are from each other at least, for all that their moments were cut."""
    earlier, later = sorted((one, other), key=lambda told: told.occurred_at)
    return max(later.occurred_at - (earlier.latest or earlier.occurred_at), timedelta(0))


def _may_be_the_same(found: Found, known: Told) -> bool:
    if found.type != known.type:
        return False
    if found.key is not None and found.key == known.key:
        return True
    if found.found_in == known.found_in:  # one source tells one thing once
        return found.found_in != "report" and found.occurred_at == known.occurred_at
    first, last = between(found.occurred_at, found.found_in, found.latest)
    known_first, known_last = between(known.occurred_at, known.found_in, known.latest)
    return first <= known_last and known_first <= last
