"""From one major version to a newer one, by PostgreSQL's own ``pg_upgrade``.

The data is copied: the old cluster stays as it is until the new one is complete, and goes when that has
answered. An upgrade that was cut off is done again from the start.
"""

from pathlib import Path

from afterword.store.postgres import cluster
from afterword.store.postgres.account import Account, own_account
from afterword.store.postgres.folders import Entrance
from afterword.store.postgres.probe import PORT
from afterword.store.postgres.programs import Programs


async def upgrade(
    old_programs: Programs,
    new_programs: Programs,
    *,
    old_major: int,
    new_major: int,
    database: Path,
    account: Account,
    sockets: Path,
    durable: bool,
) -> None:
    """Make the cluster ``new_major`` out of the cluster ``old_major``.

    Raises:
        ProgramError: pg_upgrade could not do it; the old cluster is as it was.
    """
    old = Entrance(database / str(old_major), account)
    try:
        place = cluster.unfinished(database, new_major)
        new = await cluster.create(new_programs, place, new_major, account, durable=durable)
        try:
            if (custom := old.read(cluster.CUSTOM)) is not None:
                new.write(cluster.CUSTOM, custom, account)
            for entrance, major in ((old, old_major), (new, new_major)):
                cluster.configure(
                    entrance,
                    account,
                    major=major,
                    sockets=sockets,
                    users=[account.name, own_account().name],
                    durable=durable,
                )
            await _recover(old_programs, old)
            await _copy_over(old_programs, new_programs, old, new, sockets, durable=durable)
            new.remove("delete_old_cluster.sh")
        finally:
            new.close()
    finally:
        old.close()
    cluster.give_name(database, new_major)


async def _recover(programs: Programs, old: Entrance) -> None:
    """Finish what a crash left open; pg_upgrade wants a cluster that was shut down in order."""
    arguments = ("--single", "-D", old.name, cluster.ADMINISTRATOR)
    await programs.run("postgres", *arguments, entrances=[old])


async def _copy_over(
    old_programs: Programs,
    new_programs: Programs,
    old: Entrance,
    new: Entrance,
    sockets: Path,
    *,
    durable: bool,
) -> None:
    await new_programs.run(
        *("pg_upgrade", "--old-bindir", str(old_programs.folder), "--new-bindir", str(new_programs.folder)),
        *("--old-datadir", old.name, "--new-datadir", new.name, "--username", cluster.ADMINISTRATOR),
        *("--old-port", str(PORT), "--new-port", str(PORT), "--socketdir", str(sockets)),
        *cluster.unsynced(durable=durable),
        entrances=[old, new],
        cwd=new.path,
    )
