"""Log files of child processes: written by the child itself, kept small by whoever looks after it.

A child gets the file, not a pipe, so that it can go on writing when the parent is gone or busy.
"""

import os
from pathlib import Path

LIMIT_BYTES = 5_000_000
TAIL_BYTES = 8_000


class LogFile:
    """One child's log, ``NAME.log``; its content goes to ``NAME.log.1`` when it is over ``limit`` bytes."""

    def __init__(self, path: Path, *, limit: int = LIMIT_BYTES) -> None:
        self.path = path
        self._limit = limit
        self._beginning_of_this_run = 0

    def open(self) -> int:
        """A new file descriptor to append to, for a child that starts now; the caller closes it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.trim()
        self._beginning_of_this_run = os.fstat(descriptor).st_size
        return descriptor

    def trim(self) -> None:
        """Move the content aside when it is over the limit.

        The child holds the file open, so it is copied and emptied, not renamed; lines that are written
        between the two steps are lost.
        """
        if not self.path.exists() or self.path.stat().st_size <= self._limit:
            return
        with self.path.open("r+b") as file:
            file.seek(-self._limit, os.SEEK_END)
            self.path.with_name(self.path.name + ".1").write_bytes(file.read(self._limit))
            file.truncate(0)
        self._beginning_of_this_run = 0

    def last_lines(self, count: int = 10) -> str:
        """The last lines that the present child wrote; empty when it wrote nothing."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(min(size, max(self._beginning_of_this_run, size - TAIL_BYTES)))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.rstrip().splitlines()[-count:])
