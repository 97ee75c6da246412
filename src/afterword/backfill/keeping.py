"""What a worker does by itself about closings that were missed.

It looks through each Gladly account's last hours at its start and once an hour, from where the last look ended, however
long ago that was; and through each gap that is known, such as the time for which a webhook was off. One worker at a
time does so for an account, behind everything else, and only for accounts whose closings would start a workflow.
"""

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import asyncpg
import structlog

from afterword.backfill import rows
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.outlook import workflows_by_account
from afterword.backfill.rows import Backfill, NotOurs
from afterword.backfill.slices import Span
from afterword.backfill.working import FAULT, PAUSES
from afterword.events.gaps import end_gap, settled_gaps
from afterword.events.models import gladly_account_of
from afterword.store.database import DATABASE_AWAY, Database, PlainConnection

log = structlog.get_logger()

ON_THEIR_WAY = timedelta(minutes=2)
"""Webhooks of so lately may still be on their way: they are not looked for."""
LOOKED_LATELY = timedelta(minutes=5)
"""At a worker's start no look is taken where the last one ended so lately."""
GAP_SETTLES = timedelta(minutes=1)
"""After a gap's end, until Gladly's list of events has all of it."""

KNOW_ACCOUNTS = """
INSERT INTO gladly_reading (account_id) SELECT id FROM connected_account WHERE kind = 'gladly'
ON CONFLICT (account_id) DO NOTHING
"""

LOOK_AT_START = """
UPDATE gladly_reading SET check_due_at = now() WHERE checked_until < now() - $1::interval AND check_due_at > now()
"""

LOOKS_DUE = """
UPDATE gladly_reading SET check_due_at = now() + $1::interval WHERE check_due_at <= now()
RETURNING account_id, begins_at, checked_until, now() AS now
"""

LOOK_SOON = "UPDATE gladly_reading SET check_due_at = now() + $2::interval WHERE account_id = $1"
NOTHING_TO_LOOK_FOR = (
    "UPDATE gladly_reading SET begins_at = now(), checked_until = now() WHERE account_id = $1"
)
ACCOUNTS = """
SELECT account_id FROM gladly_reading JOIN connected_account account ON account.id = account_id
WHERE account.delivery IS DISTINCT FROM 'none'
"""


class BackfillKeeper:
    """Begins what is due and does it; every worker may have one."""

    def __init__(
        self, database: Database, backfiller: Backfiller, *, every: timedelta, look_back: timedelta
    ) -> None:
        """``every`` is the time between two looks, ``look_back`` how far each goes back before the last one's end."""
        self._database = database
        self._backfiller = backfiller
        self._every = every
        self._look_back = look_back
        self._is_start = True

    async def tick(self) -> int:
        """Begin what is due, and work on what is open; answers how many backfills were worked on."""
        await self._begin_due()
        worked = 0
        while (backfill := await self._take_up()) is not None:
            await self._work_on(backfill)
            worked += 1
        return worked

    async def _begin_due(self) -> None:
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(KNOW_ACCOUNTS)
            if self._is_start:
                await connection.execute(LOOK_AT_START, LOOKED_LATELY)
                self._is_start = False
            await rows.let_go_unanswered(connection)
            looks = await connection.fetch(LOOKS_DUE, self._every)
            gaps = await settled_gaps(connection, GAP_SETTLES)
            if not looks and not gaps:
                return
            accounts = {row["account_id"] for row in await connection.fetch(ACCOUNTS)}
            wanted_since = await self._wanted_since(accounts)
            for look in looks:
                await self._begin_look(connection, look, wanted_since.get(look["account_id"]))
            for gap in gaps:
                account_id = gladly_account_of(gap.origin)
                if account_id in wanted_since:
                    span = Span(max(gap.since, wanted_since[account_id]), gap.until)
                    await self._begin_gap(connection, account_id, gap.id, span)

    async def _wanted_since(self, accounts: Collection[str]) -> Mapping[str, datetime]:
        """Those accounts whose closings start a workflow, and since when there is one."""
        async with self._database.transaction() as connection:
            workflows = await workflows_by_account(connection)
        return {
            account: min(one.created_at for one in ones)
            for account, ones in workflows.items()
            if account in accounts
        }

    async def _begin_look(
        self, connection: PlainConnection, look: asyncpg.Record, wanted_since: datetime | None
    ) -> None:
        account_id, until = look["account_id"], look["now"] - ON_THEIR_WAY
        if wanted_since is None:
            await connection.execute(NOTHING_TO_LOOK_FOR, account_id)
            return
        since = max(look["checked_until"] - self._look_back, look["begins_at"], wanted_since)
        if since >= until:
            return
        begun = await rows.begin(
            connection, account_id, Span(since, until), cause="regular", is_confirmed=True
        )
        if begun is None:  # another is under way
            await connection.execute(LOOK_SOON, account_id, min(LOOKED_LATELY, self._every))
            return
        await rows.let_go(connection, begun.id)

    async def _begin_gap(self, connection: PlainConnection, account_id: str, gap_id: int, span: Span) -> None:
        if span.since >= span.until:
            await end_gap(connection, gap_id, span.until, "left")
            return
        begun = await rows.begin(connection, account_id, span, cause="gap", is_confirmed=True, gap_id=gap_id)
        if begun is not None:
            log.info("backfill_of_gap_begun", backfill=begun.id, account=account_id, gap=gap_id)
            await rows.let_go(connection, begun.id)

    async def _take_up(self) -> Backfill | None:
        async with self._database.pool.acquire() as connection:
            return await rows.take_up(connection)

    async def _work_on(self, backfill: Backfill) -> None:
        try:
            await self._backfiller.work(backfill)
        except NotOurs:
            log.info("backfill_taken_over", backfill=backfill.id)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("backfill_fault", backfill=backfill.id)
            async with self._database.pool.acquire() as connection:
                with contextlib.suppress(NotOurs):
                    await rows.put_off(connection, backfill.id, PAUSES[-1], FAULT)
