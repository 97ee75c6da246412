"""What can be looked after: anything with the shape of :class:`Service`."""

import signal
from typing import Protocol

from afterword.log_files import LogFile


class ChildDiedError(Exception):
    """A child ended that should not have; the text says how, with its last words."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name


class Service(Protocol):
    """A child that can be looked after."""

    @property
    def name(self) -> str:
        """What it is called, in messages and by those that depend on it."""
        ...

    @property
    def log(self) -> LogFile:
        """Where its output goes."""
        ...

    async def start(self) -> None:
        """Start it and wait until it does its work; called again after each death.

        Raises:
            ChildDiedError: it ended before; it may be tried again. Any other error ends the whole.
        """
        ...

    async def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        ...

    async def stop(self) -> None:
        """Stop it in order, and leave nothing of it behind; also when it is not running."""
        ...

    def pids(self) -> list[int]:
        """Its main process; empty when it does not run."""
        ...


def last_words(status: int, log: LogFile) -> str:
    """How a child ended, and the last that it said; a negative ``status`` is a signal's."""
    end = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    words = log.last_lines()
    return f"it {end}; its last words ({log.path}):\n{words}" if words else f"it {end}"
