"""What the end of a backfill settles: how far its account was looked through, and the gap that it was to close."""

from afterword.backfill import rows
from afterword.backfill.rows import Backfill
from afterword.events.gaps import end_gap
from afterword.outcomes import Reason
from afterword.store.database import PlainConnection

LOOKED_THROUGH = """
UPDATE gladly_reading SET checked_until = greatest(checked_until, $2) WHERE account_id = $1
"""


async def settle(connection: PlainConnection, backfill: Backfill) -> None:
    """Note what comes of a backfill that ended, in the transaction that ends it.

    A look that a worker took by itself, and that found nothing, leaves no row. One that was stopped is settled too:
    somebody does not want it.
    """
    if backfill.cause == "asked":
        return
    await connection.execute(LOOKED_THROUGH, backfill.account_id, backfill.until)
    if backfill.gap_id is not None:
        is_whole = backfill.state == "finished" and not backfill.missing
        await end_gap(connection, backfill.gap_id, backfill.until, "closed" if is_whole else "left")
    if backfill.cause == "regular" and not backfill.recorded and not backfill.missing:
        await rows.forget(connection, backfill.id)


async def stop(connection: PlainConnection, backfill_id: int, reason: Reason) -> Backfill | None:
    """Stop a backfill, in a transaction; ``None`` when it was at its end."""
    stopped = await rows.finish(connection, backfill_id, "stopped", reason)
    if stopped is not None:
        await settle(connection, stopped)
    return stopped
