"""When Gladly may not have told us of closings: webhooks that do not work, and gaps."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import gladly_origin
from afterword.store import tables
from afterword.translating import N_, retold, translated
from afterword.translating import gettext as _
from afterword.webhook_keeping.states import read_states
from afterword.workflows.explaining.wording import moment, quoted

LATEST_GAPS = 3
TOLD_FOR = timedelta(days=30)
ENDED_AS = {
    "open": N_("It is not backfilled yet"),
    "closed": N_("It was backfilled"),
    "left": N_("What is missing of it cannot be found any more"),
}


async def when_not_told(connection: AsyncConnection) -> tuple[str, ...]:
    """A sentence for each webhook that does not work now, and for each of the latest gaps."""
    account, gap = tables.connected_account, tables.event_gap
    listed = await connection.execute(select(account.c.id, account.c.name).where(account.c.kind == "gladly"))
    names = {row.id: row.name for row in listed}
    off = [
        _(
            "The webhook of the Gladly account %(account)s does not work since %(since)s: %(because)s.",
            account=quoted(names[account_id]),
            since=moment(known.since),
            because=retold(known.because),
        )
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
        _(
            "From %(since)s to %(until)s closings of the Gladly account %(account)s may not have been told: "
            "%(reason)s. %(ended)s.",
            since=moment(row.since),
            until=moment(row.until),
            account=quoted(by_origin[row.origin]),
            reason=retold(row.reason_words),
            ended=translated(ENDED_AS[row.state]),
        )
        for row in await connection.execute(latest)
    ]
    return (*off, *gaps)
