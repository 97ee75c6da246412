"""A cluster: the folder that one major version of PostgreSQL keeps its databases in. Made here, and
configured.

A cluster lies in the database folder under the number of its major version. It is made beside, as
``18.new``, and gets its name when it is complete, so that one with a name is always whole.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from afterword.store.postgres.account import Account
from afterword.store.postgres.folders import Entrance, make_for_server
from afterword.store.postgres.probe import PORT
from afterword.store.postgres.programs import Programs

ADMINISTRATOR = "postgres"
ROLE = DATABASE = "afterword"
FIRST_WITH_BUILTIN_LOCALE = 17
FIRST_WITH_IO_METHOD = 18
MAP = "afterword"
CUSTOM = "custom.conf"
UNFINISHED = ".new"


def newest_cluster(database: Path) -> tuple[int, Path] | None:
    """The major version and folder of the cluster in use, if there is one yet."""
    numbers = [int(entry.name) for entry in database.iterdir() if entry.name.isdecimal()]
    return (max(numbers), database / str(max(numbers))) if numbers else None


def leftovers(database: Path, major: int) -> list[Path]:
    """What can go once the cluster ``major`` has answered: older ones, and those never completed."""
    return [
        entry
        for entry in database.iterdir()
        if entry.name.endswith(UNFINISHED) or (entry.name.isdecimal() and int(entry.name) < major)
    ]


def unfinished(database: Path, major: int) -> Path:
    """Where a cluster lies while it is made."""
    return database / f"{major}{UNFINISHED}"


async def create(
    programs: Programs, folder: Path, major: int, account: Account, *, durable: bool
) -> Entrance:
    """Make a new, empty cluster in ``folder``, in place of what an interrupted attempt left."""
    make_for_server(folder, account)
    entrance = Entrance(folder, account)
    await programs.run(
        *("initdb", "-D", entrance.name, "--username", ADMINISTRATOR, "--auth", "peer", "--encoding", "UTF8"),
        *("--data-checksums", "--no-instructions", *_locale(major), *unsynced(durable=durable)),
        entrances=[entrance],
    )
    return entrance


def unsynced(*, durable: bool) -> list[str]:
    """The option that spares initdb and pg_upgrade the wait for the disk, where nothing is to last anyway."""
    return [] if durable else ["--no-sync"]


async def populate(programs: Programs, entrance: Entrance) -> None:
    """Make our role and our database in a new cluster; in single-user mode: no server need start for it."""
    await programs.run(
        *("postgres", "--single", "-D", entrance.name, ADMINISTRATOR),
        entrances=[entrance],
        text=f"CREATE ROLE {ROLE} LOGIN;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n",
    )


def give_name(database: Path, major: int) -> None:
    """Let the cluster that is now complete be the one of its version, at once and lastingly."""
    unfinished(database, major).rename(database / str(major))
    parent = os.open(database, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def configure(
    entrance: Entrance, account: Account, *, major: int, sockets: Path, users: Sequence[str], durable: bool
) -> None:
    """Write the cluster's settings, and who may log in: the ``users`` of the operating system, through the
    socket.

    What a former server left that could stop a new one, or mislead anybody, is removed: the caller holds
    the lock, so there is no server.
    """
    lines = [f"{name} = {value}" for name, value in _settings(major, durable=durable).items()]
    if (custom := entrance.read(CUSTOM)) is not None:
        entrance.write(CUSTOM, custom, account)  # so that the server's user can read what another has written
        lines.append(f"include '{CUSTOM}'")
    lines += [f"port = {PORT}", f"unix_socket_directories = '{sockets}'"]
    entrance.write("postgresql.conf", HEADER + "\n".join(lines) + "\n", account)
    entrance.write("pg_hba.conf", f"local all all peer map={MAP}\n", account)
    entrance.write("pg_ident.conf", "".join(_may_log_in(user) for user in users), account)
    entrance.remove("postmaster.pid")


def _may_log_in(user: str) -> str:
    quoted = user.replace('"', '""')
    return "".join(f'{MAP} "{quoted}" {role}\n' for role in (ROLE, ADMINISTRATOR))


def _locale(major: int) -> list[str]:
    """The same order of text on every system: that of the code points."""
    if major >= FIRST_WITH_BUILTIN_LOCALE:
        return ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    return ["--locale", "C", "--lc-ctype", "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"]


def _settings(major: int, *, durable: bool) -> dict[str, str]:
    """For a laptop: small, durable, reachable through the socket alone, with no process that nobody needs."""
    settings = {
        "listen_addresses": "''",
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": "128MB",
        "huge_pages": "off",
        "jit": "off",
        # Docker gives 64 MB of shared memory, which queries on several cores overrun.
        "max_parallel_workers_per_gather": "0",
        "max_parallel_maintenance_workers": "0",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on",
        "full_page_writes": "on" if durable else "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "update_process_title": "off",
        "logging_collector": "off",
        "log_checkpoints": "off",
        "log_line_prefix": "'%m [%p] '",
        "log_error_verbosity": "terse",  # the details of an error quote personal data
        "log_timezone": "UTC",
        "timezone": "UTC",
        "lc_messages": "C",
    }
    if major >= FIRST_WITH_IO_METHOD:
        settings["io_method"] = "sync"
    if sys.platform == "darwin":
        settings["wal_sync_method"] = "fsync_writethrough"  # plain fsync stops at the disk's cache there
    return settings


HEADER = f"# Written by Afterword at each start. Settings of your own go into {CUSTOM}, beside this file.\n"
