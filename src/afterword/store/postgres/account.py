"""The user that the server runs as.

PostgreSQL refuses to run as root. Started by root, everything of PostgreSQL runs as ``nobody``, who owns
the cluster's folder and nothing else; its parents stay closed to it (see ``folders.py``). Started by anyone
else, it runs as they.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from afterword.outcomes import ConfigurationError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user of the operating system. ``dropped_to`` tells that we are root and it is not."""

    uid: int
    gid: int
    name: str
    dropped_to: bool


def own_account() -> Account:
    """The user that this process runs as.

    Raises:
        ConfigurationError: the user has no name; PostgreSQL knows users by name.
    """
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ConfigurationError(
            f"The user id {uid} has no name in this system's list of users, and PostgreSQL needs one. Add it "
            "(in a container: a line in /etc/passwd), or set AFTERWORD_DATABASE_URL to another PostgreSQL."
        ) from None
    return Account(uid, os.getegid(), entry.pw_name, dropped_to=False)


def server_account(cluster: Path | None) -> Account:
    """The user that the server is to run as: ourselves, or for root the owner of ``cluster``, or ``nobody``.

    Raises:
        ConfigurationError: there is no such user, or the cluster belongs to somebody else.
    """
    ours = own_account()
    owner = cluster.stat().st_uid if cluster else None
    if ours.uid != 0:
        if owner not in (None, ours.uid):
            raise ConfigurationError(
                f"The database in {cluster} belongs to the user id {owner}; start Afterword as that user."
            )
        return ours
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and this system has no user {owner or UNPRIVILEGED} to run it "
            "as. Start Afterword as an ordinary user, or set AFTERWORD_DATABASE_URL to another PostgreSQL."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, dropped_to=True)
