"""When Gladly may not have told us of closings: webhooks that do not work, and gaps."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import gladly_origin
from afterword.store import tables
from afterword.webhook_keeping.states import read_states
from afterword.workflows.explaining.wording import moment, quoted

LATEST_GAPS = 3
TOLD_FOR = timedelta(days=30)
ENDED_AS = {
    "open": "It is not backfilled yet",
    "closed": "It was backfilled",
    "left": "What is missing of it cannot be found any more",
}


async def when_not_told(connection: AsyncConnection) -> tuple[str, ...]:
    """A sentence for each webhook that does not work now, and for each of the latest gaps."""
    account, gap = tables.connected_account, tables.event_gap
    listed = await connection.execute(select(account.c.id, account.c.name).where(account.c.kind == "gladly"))
    names = {row.id: row.name for row in listed}
    off = [
        f"The webhook of the Gladly account {quoted(names[account_id])} does not work since {moment(known.since)}: "
        f"{known.because}."
        for account_id, known in (await read_states(connection)).items()
        if known.state != "works"
    ]
    by_origin = {gladly_origin(account_id): name for account_id, name in names.items()}
    latest = (
        select(gap)
        .where(gap.c.origin.in_(by_origin), gap.c.until > func.now() - TOLD_FOR)
        .order_by(gap.c.until.desc())
        .limit(LATEST_GAPS)
    )
    gaps = [
        f"From {moment(row.since)} to {moment(row.until)} closings of the Gladly account "
        f"{quoted(by_origin[row.origin])} may not have been told: {row.reason_words}. {ENDED_AS[row.state]}."
        for row in await connection.execute(latest)
    ]
    return (*off, *gaps)
