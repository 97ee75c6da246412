"""What a worker does about previews: it takes up what somebody asked for, and lets go what is no longer needed."""

import contextlib

import structlog

from afterword.backfill.working import FAULT, PAUSES
from afterword.previewing import moments, rows
from afterword.previewing.previewer import Previewer
from afterword.previewing.rows import NotOurs, Preview
from afterword.store.database import DATABASE_AWAY, Database

log = structlog.get_logger()


class PreviewKeeper:
    """Does what is due; every worker may have one."""

    def __init__(self, database: Database, previewer: Previewer) -> None:
        self._database = database
        self._previewer = previewer

    async def tick(self) -> None:
        """Work on what is open."""
        while True:
            async with self._database.pool.acquire() as connection:
                preview = await rows.take_up(connection)
            if preview is None:
                return
            await self._work_on(preview)

    async def forget_old(self) -> None:
        """Let go what was read for counts that are long done."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            for account_id in await rows.let_go_old(connection):
                await moments.forget(connection, account_id)

    async def _work_on(self, preview: Preview) -> None:
        try:
            await self._previewer.work(preview)
        except NotOurs:
            log.info("preview_begun_anew", account=preview.account_id)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("preview_fault", account=preview.account_id)
            async with self._database.pool.acquire() as connection:
                with contextlib.suppress(NotOurs):
                    await rows.put_off(connection, preview, PAUSES[-1], FAULT)
