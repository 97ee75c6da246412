"""The partitions of the search table: each holds the words of a range of runs, with an index of its own.

An index over words knows no order, so that the newest runs with a common word could only be found by reading all that
have it. In a table of ranges the newest range is searched first, and most searches end there. A range that is empty is
dropped whole.
"""

from collections.abc import Iterator

import asyncpg
import structlog

from afterword.store.database import Database, PlainConnection

log = structlog.get_logger()

PARTITION_RUNS = 250_000
"""Runs in a partition. Measured at ten million: smaller ones make rare words slower, larger ones common words."""
LOCK_PATIENCE = "SET LOCAL lock_timeout = '200ms'"
ANOTHER_IS_FIRST = (asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError)
"""How PostgreSQL tells it, by the moment at which two make the same table: its name, its row type, or its entry."""

EXISTING = """
SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'run_search'::regclass ORDER BY child.relname
"""


def partition_of(run_id: int) -> int:
    """The number of the partition that a run's words are in."""
    return run_id // PARTITION_RUNS


def name_of(number: int) -> str:
    """What a partition is called."""
    return f"run_search_{number:06d}"


def number_of(name: str) -> int:
    """The number of a partition of that name."""
    return int(name.rpartition("_")[2])


async def existing(connection: PlainConnection) -> set[int]:
    """The numbers of the partitions that there are."""
    return {number_of(row["name"]) for row in await connection.fetch(EXISTING)}


async def make_ahead(database: Database, first: int, last: int) -> None:
    """Make sure that these runs have partitions, and those that come after them, too.

    Attaching one takes a lock that neither searches nor the keeper's writes wait for.
    """
    async with database.pool.acquire() as connection:
        wanted = set(range(partition_of(first), partition_of(last) + 2))
        for number in sorted(wanted - await existing(connection)):
            try:
                async with connection.transaction():
                    await connection.execute(LOCK_PATIENCE)
                    for statement in making(number):
                        await connection.execute(statement)
            except ANOTHER_IS_FIRST:
                continue
            log.info("search_partition_made", partition=number)


def making(number: int) -> Iterator[str]:
    """The statements that make a partition."""
    name, first = name_of(number), number * PARTITION_RUNS
    yield f"CREATE TABLE {name} (LIKE run_search INCLUDING DEFAULTS)"
    yield (
        f"ALTER TABLE run_search ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({first + PARTITION_RUNS})"
    )


async def drop_empty(database: Database, before_run: int) -> int:
    """Drop the partitions all of whose runs are older than this one and gone; answers how many.

    One that is searched at this moment stays for the next time.
    """
    dropped = 0
    async with database.pool.acquire() as connection:
        for number in sorted(await existing(connection)):
            first = number * PARTITION_RUNS
            if first + PARTITION_RUNS > before_run:
                break
            if await connection.fetchval(
                "SELECT EXISTS (SELECT FROM run WHERE id >= $1 AND id < $2)", first, first + PARTITION_RUNS
            ):
                continue
            try:
                async with connection.transaction():
                    await connection.execute(LOCK_PATIENCE)
                    await connection.execute(f"DROP TABLE {name_of(number)}")
            except asyncpg.LockNotAvailableError:
                return dropped
            dropped += 1
            log.info("search_partition_dropped", partition=number)
    return dropped
