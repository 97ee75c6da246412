"""Folders as the server's user sees them, and the private one for its socket.

When root has dropped to ``nobody``, the folders above the cluster may be closed to it, and we do not open
them. Linux lets a process reach a folder through a descriptor that it inherited, ``/proc/self/fd/N``,
whatever stands above it; so root opens the cluster and hands it down. Elsewhere the way has to be open
already.
"""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from afterword.outcomes import ConfigurationError
from afterword.store.postgres.account import Account

SHARED_TEMPORARY = Path("/tmp")  # noqa: S108 - what is made in it is private, and verified


class Entrance:
    """A folder opened for the server's user: ``path`` for us, ``name`` for it.

    Raises:
        ConfigurationError: that user cannot get there.
    """

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        if not account.dropped_to:
            self.name = str(path)
        elif sys.platform == "linux":
            self.name = f"/proc/self/fd/{self.descriptor}"
        elif is_reachable(path.parent, account):
            self.name = str(path)
        else:
            self.close()
            raise ConfigurationError(
                f"PostgreSQL does not run as root but as {account.name}, who cannot reach {path}. Choose a "
                "--data-dir whose parent folders are open to all, or start Afterword as an ordinary user."
            )

    def close(self) -> None:
        """Close our hold on the folder."""
        os.close(self.descriptor)

    def write(self, name: str, text: str, account: Account) -> None:
        """Replace one file in the folder, owned by the server's user.

        The folder belongs to that user, so nothing found in it is followed or overwritten: what it might
        have put there must not lead root astray.
        """
        new = f"{name}.new"
        self.remove(new)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(new, flags, 0o600, dir_fd=self.descriptor)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchown(descriptor, account.uid, account.gid)
            file.write(text)
        os.replace(new, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def read(self, name: str) -> str | None:
        """The text of one file in the folder; ``None`` when there is none. No link is followed."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, encoding="utf-8") as file:
            return file.read()

    def remove(self, name: str) -> None:
        """Remove one file from the folder, if it is there."""
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return


def is_reachable(path: Path, account: Account) -> bool:
    """Whether the modes of ``path`` and all folders above it let the account in to read."""
    resolved = path.resolve()
    return _lets_in(resolved, account, read=True) and all(
        _lets_in(folder, account, read=False) for folder in resolved.parents
    )


def _lets_in(path: Path, account: Account, *, read: bool) -> bool:
    status = path.stat()
    needed = (0o4 if read else 0) | (0o1 if stat.S_ISDIR(status.st_mode) else 0)
    if status.st_uid == account.uid:
        needed <<= 6
    elif status.st_gid == account.gid:
        needed <<= 3
    return status.st_mode & needed == needed


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """What to tell when the operating system does not let us use the database's files at ``path``."""
    return ConfigurationError(
        f"The database in {path} cannot be used: {error}. Make its files belong to the user who starts "
        "Afterword, or choose another --data-dir."
    )


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, open to nobody else."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot make the folder {folder}: {error.strerror}. Choose another --data-dir."
        ) from None


def socket_directory(database: Path) -> Path:
    """Where the server of the database folder ``database`` has its socket; every process finds the same.

    The path is short, since a socket's may have no more than 103 bytes on macOS, and it does not depend on
    TMPDIR.
    """
    key = hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:12]
    base = SHARED_TEMPORARY if os.access(SHARED_TEMPORARY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return base / f"afterword-{key}"


def is_private(folder: Path, uid: int) -> bool:
    """Whether ``folder`` is a real folder that belongs to ``uid`` and lets nobody else in."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and status.st_mode & 0o077 == 0


def make_socket_directory(folder: Path, account: Account) -> None:
    """Make the folder for the socket, or take the one that a former server left, when it is really ours.

    Raises:
        ConfigurationError: somebody else has put something in its place.
    """
    try:
        folder.mkdir(mode=0o700)
        if account.dropped_to:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        pass
    if not is_private(folder, account.uid):
        raise ConfigurationError(
            f"{folder} is not a private folder of the user {account.name}, so the database's socket would "
            "not be safe in it. Somebody else may have made it; remove it."
        )


def remove_sockets(folder: Path) -> None:
    """Remove what a server that is gone left in its folder for the socket."""
    for leftover in folder.iterdir():
        leftover.unlink()


def make_for_server(folder: Path, account: Account) -> None:
    """Make an empty folder that belongs to the server's user, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if account.dropped_to:
        os.chown(folder, account.uid, account.gid)
