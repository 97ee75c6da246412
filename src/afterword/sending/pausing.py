"""The one switch: while sending is paused, nothing that asks a customer goes out, of whatever workflow."""

from datetime import datetime

import msgspec
import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import audit
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.translating import gettext as _

log = structlog.get_logger()

ALL = ("", "All sending")
"""What the audit log calls it."""
LONGEST_NAME = 200
LONGEST_WHY = 500


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Sending is paused: since when, by whom, and why if they said so."""

    since: datetime
    by: str
    why: str = ""


async def current_pause(connection: AsyncConnection) -> Pause | None:
    """The pause that is in force; ``None`` while sending goes on."""
    table = tables.sending_pause
    row = (await connection.execute(select(table.c.since, table.c.by_whom, table.c.why))).one_or_none()
    return None if row is None else Pause(since=row.since, by=row.by_whom, why=row.why)


async def pause(connection: AsyncConnection, *, by: str, why: str = "") -> bool:
    """Pause all sending; false when it was paused already, which leaves it as it was.

    What is being sent at this moment is finished; after that nothing goes out.

    Raises:
        ConfigurationError: the reason is too long.
    """
    why = " ".join(why.split())
    if len(why) > LONGEST_WHY:
        raise ConfigurationError(
            _("Why sending is paused is told in at most %(longest_why)s characters.", longest_why=LONGEST_WHY)
        )
    paused = await connection.execute(
        insert(tables.sending_pause)
        .values(id=1, by_whom=by[:LONGEST_NAME], why=why)
        .on_conflict_do_nothing(index_elements=[tables.sending_pause.c.id])
    )
    if paused.rowcount:
        log.info("sending_paused", by=by)
        await audit(connection, "sending", "paused", ALL, after={"why": why} if why else None)
    return bool(paused.rowcount)


async def resume(connection: AsyncConnection, *, by: str) -> bool:
    """Let sending go on; what was held for the pause is let go within seconds. False when it was not paused."""
    resumed = await connection.execute(delete(tables.sending_pause))
    if resumed.rowcount:
        log.info("sending_resumed", by=by)
        await audit(connection, "sending", "resumed", ALL)
    return bool(resumed.rowcount)
