"""The events that arrived, and what came of each: those that started nothing, too."""

from typing import Any

from sqlalchemy import RowMapping, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.history.concerned_rows import concerned_columns, concerned_in, with_respondent
from afterword.workflows.history.models import ALL_EVENTS, EventFilters, EventPage, EventSummary
from afterword.workflows.history.personal import event_without_personal_data
from afterword.workflows.history.run_ranges import LARGEST_ID, Bounds

EVENTS_EXAMINED = 4000
"""Events that are looked at for one page of some status, where no index tells it."""
STARTED_NOTHING = {"ignored", "redelivered"}
WITHOUT_RUN = tables.event.c.status.in_([literal_column("'ignored'"), literal_column("'redelivered'")])
EVENT_COLUMNS = (
    "id",
    "type",
    "origin",
    "status",
    "reason_code",
    "reason_words",
    "redelivery_of",
    "found_in",
    "backfill_id",
    "received_at",
    "occurred_at",
    "conversation_id",
)


async def list_events(
    connection: AsyncConnection,
    filters: EventFilters = ALL_EVENTS,
    *,
    before_id: int | None = None,
    limit: int = 50,
    personal: bool = True,
) -> EventPage:
    """The newest events, or the newest of those older than ``before_id``, each with its runs."""
    bounds = Bounds(0, LARGEST_ID if before_id is None else max(0, min(before_id, LARGEST_ID)))
    page = _events_like(filters, bounds)
    horizon = await _horizon_of_events(connection, filters, bounds)
    told = page.limit(limit + 1).subquery("told")
    run = tables.run
    run_ids = select(func.array_agg(run.c.id)).where(run.c.event_id == told.c.id).scalar_subquery()
    own = [told.c[name] for name in EVENT_COLUMNS]
    query = (
        select(*own, run_ids.label("run_ids"), *concerned_columns(told))
        .select_from(with_respondent(told, told))
        .order_by(told.c.id.desc())
    )
    events = [_event_summary(row) for row in (await connection.execute(query)).mappings()]
    shown = events[:limit]
    return EventPage(
        tuple(shown if personal else map(event_without_personal_data, shown)),
        shown[-1].id if len(events) > limit else horizon,
    )


def _events_like(filters: EventFilters, bounds: Bounds) -> Select[Any]:
    """Events of a reason, or of no run, are found by an index; other statuses among the next few thousand."""
    event = tables.event
    page = select(event).where(event.c.id < bounds.before).order_by(event.c.id.desc())
    if filters.reason_code is not None:
        page = page.where(event.c.reason_code == filters.reason_code)
    if not filters.statuses:
        return page
    if set(filters.statuses) == STARTED_NOTHING:
        return page.where(WITHOUT_RUN)
    looked_at = page.limit(EVENTS_EXAMINED).subquery("looked_at")
    return select(looked_at).where(looked_at.c.status.in_(filters.statuses)).order_by(looked_at.c.id.desc())


async def _horizon_of_events(
    connection: AsyncConnection, filters: EventFilters, bounds: Bounds
) -> int | None:
    """The last event that was looked at, when that was not the last of all."""
    if not filters.statuses or set(filters.statuses) == STARTED_NOTHING:
        return None
    all_of_them = _events_like(EventFilters(reason_code=filters.reason_code), bounds)
    ids = all_of_them.with_only_columns(tables.event.c.id).limit(EVENTS_EXAMINED).subquery()
    last: int | None = await connection.scalar(
        select(func.min(ids.c.id)).having(func.count() == EVENTS_EXAMINED)
    )
    return last


def _event_summary(row: RowMapping) -> EventSummary:
    about = concerned_in(row["origin"], row)
    return EventSummary(
        id=row["id"],
        type=row["type"],
        origin=row["origin"],
        status=row["status"],
        reason_code=row["reason_code"],
        reason=row["reason_words"],
        redelivery_of=row["redelivery_of"],
        found_in=row["found_in"],
        backfill_id=row["backfill_id"],
        customer=about.customer,
        conversation_id=about.conversation_id,
        received_at=row["received_at"],
        occurred_at=row["occurred_at"],
        run_ids=tuple(sorted(row["run_ids"] or ())),
    )
