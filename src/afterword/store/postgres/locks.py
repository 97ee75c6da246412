"""Locks on files, which the operating system gives back however their holder ends."""

import fcntl
import os
from pathlib import Path

from afterword.store.postgres.folders import unusable


class FileLock:
    """One file's lock (``flock``).

    It belongs to the *open file*, not to a process: a child that inherits :attr:`descriptor` holds it on
    after we have closed ours, and so do the child's children. That is how a server's lock tells the truth
    about the server.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock for ourselves alone; ``False`` when anybody holds it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with others who share it; ``False`` when somebody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Close our own hold on the file; nothing happens when there is none."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _try(self, kind: int) -> bool:
        if self.descriptor is None:
            self.descriptor = self._open()
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise unusable(self._path.parent, error) from error
