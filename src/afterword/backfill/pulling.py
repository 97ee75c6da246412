"""Pull: Gladly's list of events read every few seconds, where no webhook can come in.

One worker at a time reads an account's, from where it was. Where it was is told by the events' own times, so that no
two clocks need agree; a little is read again each time, since events appear late, and what is known is not recorded
again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import structlog

from afterword.backfill import events_source, found_rows
from afterword.backfill.backfilling import fresh_among
from afterword.backfill.finding import Found
from afterword.backfill.slices import EVENTS_ARE_KEPT, EVENTS_MARGIN
from afterword.events.gaps import note_gap
from afterword.events.models import gladly_origin
from afterword.events.recording import notify_inbox
from afterword.gladly.client import GladlyClient
from afterword.outcomes import Outcome, Reason, Retry
from afterword.store.database import DATABASE_AWAY, Database, PlainConnection
from afterword.translating import N_

log = structlog.get_logger()

OVERLAP = timedelta(seconds=60)
"""Read again each time: Gladly's list is up to 15 s behind."""
LONGEST_PAUSE_SECONDS = 300.0
READING_SECONDS = 60.0
"""After so long a worker that reads and says nothing is taken for dead; a second one beside it does no harm."""

DUE = """
UPDATE gladly_reading SET pull_due_at = now() + make_interval(secs => $1)
FROM connected_account account
WHERE account.id = gladly_reading.account_id AND account.delivery = 'pull' AND gladly_reading.pull_due_at <= now()
RETURNING account_id, pulled_until, pulled_at, pull_failures, now() AS now
"""

READ_UNTIL = """
UPDATE gladly_reading SET pulled_until = greatest(pulled_until, $2), pulled_at = coalesce($3, pulled_at)
WHERE account_id = $1
"""

NEXT = """
UPDATE gladly_reading SET pull_failures = $2, pull_due_at = now() + make_interval(secs => $3) WHERE account_id = $1
"""

PAUSED = Reason(
    "pull-paused",
    N_(
        "Gladly's list of events was not read for longer than it goes back; what is missing is looked for in "
        "its records"
    ),
)

ClientOf = Callable[[str], Awaitable[GladlyClient]]


class PullKeeper:
    """Reads the accounts that are due; every worker may have one."""

    def __init__(self, database: Database, client_of: ClientOf, *, every_seconds: float) -> None:
        """``every_seconds`` is the pause between two readings of an account."""
        self._database = database
        self._client_of = client_of
        self._every = every_seconds

    async def tick(self) -> int:
        """Read every account that is due; answers how many."""
        due = await self._database.pool.fetch(DUE, READING_SECONDS)
        await asyncio.gather(*(self._pull_or_say_why_not(row) for row in due))
        return len(due)

    async def _pull_or_say_why_not(self, row: asyncpg.Record) -> None:
        """What goes wrong with one account is not to keep the others, or the worker, from their work."""
        try:
            await self._pull(row)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("pull_fault", account=row["account_id"])

    async def _pull(self, row: asyncpg.Record) -> None:
        account_id, failures, pause = row["account_id"], 0, self._every
        since = await self._begin(row)
        heard = _Heard()
        try:
            await heard.listen(await self._client_of(account_id), since)
        except Outcome as error:
            failures = row["pull_failures"] + 1
            pause = _pause(self._every, failures, error)
            log.warning("gladly_not_pulled", account=account_id, cause=error.reason.code, failures=failures)
        async with self._database.pool.acquire() as connection, connection.transaction():
            recorded = await self._record(connection, account_id, heard)
            await connection.execute(
                READ_UNTIL, account_id, heard.newest, row["now"] if not failures else None
            )
            await connection.execute(NEXT, account_id, failures, pause)
        if recorded:
            await notify_inbox(self._database)

    async def _begin(self, row: asyncpg.Record) -> datetime:
        """Where to read from; what lies further back than the list goes becomes a gap."""
        now: datetime = row["now"]
        floor = now - EVENTS_ARE_KEPT + EVENTS_MARGIN
        if row["pulled_at"] is None:
            return now - OVERLAP
        if row["pulled_at"] < floor:
            async with self._database.pool.acquire() as connection, connection.transaction():
                await note_gap(connection, row["account_id"], row["pulled_at"] - OVERLAP, floor, PAUSED)
        until: datetime = row["pulled_until"] or row["pulled_at"]
        return max(floor, until - OVERLAP)

    async def _record(self, connection: PlainConnection, account_id: str, heard: "_Heard") -> int:
        origin = gladly_origin(account_id)
        fresh = await fresh_among(connection, origin, heard.found, None)
        return await found_rows.record(connection, origin, fresh, None) if fresh else 0


def _pause(every: float, failures: int, error: Outcome) -> float:
    """Seconds until an account that could not be read is tried again: longer each time, and as long as it asks."""
    longer = min(every * 2.0 ** min(failures, 20), max(every, LONGEST_PAUSE_SECONDS))
    return max(longer, (error.after if isinstance(error, Retry) else None) or 0.0)


class _Heard:
    """What one reading brought, also when it broke off: events come in the order of their times."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.newest: datetime | None = None

    async def listen(self, client: GladlyClient, since: datetime) -> None:
        async for one in events_source.hear(client, since, None):
            if one.found is not None:
                self.found.append(one.found)
            if one.at is not None:
                self.newest = one.at if self.newest is None else max(self.newest, one.at)
