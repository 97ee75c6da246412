"""What a client asks before each call, so that all processes together keep the vendor's limit."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

import msgspec

Use = Literal["live", "interactive", "backfill"]
"""Who calls: the runs of what happens now; a person who waits for the answer; what makes up for the past."""


_present_use: ContextVar[Use | None] = ContextVar("present_use", default=None)


@contextmanager
def calling_for(use: Use) -> Iterator[None]:
    """Let what is called within the block, by this task and those that it starts, be for this use."""
    token = _present_use.set(use)
    try:
        yield
    finally:
        _present_use.reset(token)


def present_use() -> Use | None:
    """What :func:`calling_for` said; ``None`` where it said nothing."""
    return _present_use.get()


class Turn(msgspec.Struct, frozen=True):
    """A turn to call that has come, of a budget whose turns are evenly spaced.

    ``per_second`` is the rate that the budget keeps now. ``busy_seconds`` tells for how long its turns have been taken
    one after the other without a gap: in that time no more than ``busy_seconds * per_second + 1`` were.
    """

    per_second: float
    busy_seconds: float = 0.0


class Budget(Protocol):
    """Turns to call, of as many budgets as there are names."""

    async def wait_for_turn(
        self,
        name: str,
        rate_per_second: float,
        burst: float,
        patience: float,
        *,
        use: Use | None = None,
        most_per_second: float | None = None,
    ) -> Turn:
        """Return when the call may be made; raise Retry when that is more than ``patience`` seconds away.

        With a ``use`` it shares the budget fairly with the other uses. The vendor may have told another rate
        (:meth:`adopt`); ``most_per_second`` is then the most that is made use of, without it ``rate_per_second``.
        """

    async def adopt(self, name: str, rate_per_second: float) -> None:
        """Keep another rate from now on, in all processes: the vendor tells it."""

    async def penalise(self, name: str, seconds: float) -> None:
        """Let nobody call for so many seconds: the vendor asked for it."""

    async def pause(self, name: str, seconds: float) -> None:
        """Let nobody call for so many seconds, as a call would be refused: a wait like any other."""

    def at_once(self, name: str, most: int, patience: float) -> AbstractAsyncContextManager[None]:
        """Be one of at most so many at once within the block; raise Retry when none ends within ``patience``."""
