"""What a client asks before each call, so that all processes together keep the vendor's limit."""

from typing import Literal, Protocol

Use = Literal["live", "interactive", "backfill"]
"""Who calls: the runs of what happens now; a person who waits for the answer; what makes up for the past."""


class Budget(Protocol):
    """Turns to call, of as many budgets as there are names."""

    async def wait_for_turn(self, name: str, rate_per_second: float, burst: float, patience: float) -> None:
        """Return when the call may be made; raise Retry when that is more than ``patience`` seconds away."""

    async def penalise(self, name: str, seconds: float) -> None:
        """Let nobody call for so many seconds."""
