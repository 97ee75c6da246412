"""Which runs: filters made into queries that read little, whatever is asked for.

Every filter goes over an index that begins with it and is ordered by the run's number, so that a page is the first rows
of a range; several workflows or statuses are as many such ranges, merged. These indexes answer exactly: status;
workflow, with or without status or reason; reason; conversation; customer; problem; event. A range of time is a range
of numbers, and so is a revision: it was the current one from when it was saved until the next was. What no index
answers (*running* within one workflow, *succeeded* in any, the type of the event, two filters that each have an index
of its own) is looked for among the next few thousand runs of the narrowest range; a page that ends there says so, and
the next one goes on.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.history.models import RunFilters
from afterword.workflows.history.run_ranges import Bounds
from afterword.workflows.running.moves import RunStatus

EXAMINED_FIRST = 250
"""Runs that are looked at together where no index answers; then twice as many, or as many as there is time for."""
LEAST_EXAMINED = 25
ENOUGH_SECONDS = 0.02

COLUMNS = (
    "id",
    "event_id",
    "workflow_id",
    "revision",
    "status",
    "reason_code",
    "conversation_id",
    "customer_id",
    "problem_id",
)

BY_INDEX = text("""
SELECT set_config('random_page_cost', '0', true), set_config('seq_page_cost', '0', true),
       set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
""")
"""PostgreSQL takes the index that holds no other runs than those, as all indexes cost it the same. By itself it may go
through all runs in order, in the hope to meet the right ones soon: there may be none of this workflow and status.
"""

Residual = Callable[[FromClause], ColumnElement[bool]]


class Asked(msgspec.Struct, frozen=True):
    """A page that is asked for: at most ``limit`` runs of these workflows (``None``: any) that the filters fit."""

    filters: RunFilters
    workflow_ids: Sequence[str] | None
    bounds: Bounds
    limit: int
    examined: int = 0
    """Runs that are looked at, where no index answers; 0 for as many as there is time for."""


class Found(msgspec.Struct, frozen=True):
    """Runs by number, the newest first, and how far was looked: all from ``horizon`` on, ``None`` for all there are."""

    ids: tuple[int, ...]
    horizon: int | None = None


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to runs: ranges of an index, and what the runs in them have to be like besides."""

    equal: tuple[ColumnElement[bool], ...] = ()
    workflow_ids: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    residuals: tuple[Residual, ...] = ()

    @property
    def ranges(self) -> int:
        """How many ranges there are."""
        return len(self.workflow_ids or ("any",)) * len(self.statuses or ("any",))

    def examined(self, altogether: int) -> int:
        """How many runs of each range are looked at."""
        return max(LEAST_EXAMINED, altogether // self.ranges)


async def filter_runs(connection: AsyncConnection, asked: Asked) -> Found:
    """The newest runs that are like that, as far as was looked."""
    await connection.execute(BY_INDEX)
    ways = _ways(asked.filters, asked.workflow_ids)
    ids: list[int] = []
    bounds, examined, began = asked.bounds, EXAMINED_FIRST, time.monotonic()
    ends = began + ENOUGH_SECONDS
    while ways:
        more = replace(asked, bounds=bounds, limit=asked.limit - len(ids), examined=examined)
        found = await _look_at_some(connection, ways, more)
        ids += found.ids
        now = time.monotonic()
        examined = examined_next(examined, took=now - began, left=ends - now)
        if found.horizon is None or len(ids) >= asked.limit or not examined:
            return Found(tuple(ids), found.horizon)
        bounds, began = replace(bounds, before=found.horizon), now
    return Found(())


def examined_next(examined: int, *, took: float, left: float) -> int:
    """How many runs to look at next, after so many took so many seconds: twice as many, or as many as there is time
    left for; 0 when that is not worth it.
    """
    affordable = int(examined * left / took) if took > 0 else 2 * examined
    return min(2 * examined, affordable) if affordable >= LEAST_EXAMINED else 0


async def _look_at_some(connection: AsyncConnection, ways: Sequence[_Way], asked: Asked) -> Found:
    found = union_all(*(_page(way, asked) for way in ways)).subquery()
    newest = select(found.c.id).order_by(found.c.id.desc()).limit(asked.limit)
    ids = (await connection.scalars(newest)).all()
    horizons = [_horizon(way, asked) for way in ways if way.residuals]
    if not horizons:
        return Found(tuple(ids))
    ends = union_all(*horizons).subquery()
    horizon: int | None = await connection.scalar(select(func.max(ends.c.horizon)))
    return Found(tuple(one for one in ids if horizon is None or one >= horizon), horizon)


def is_like(asked: Asked, run: FromClause) -> list[ColumnElement[bool]]:
    """What a run has to be like, without regard to indexes."""
    residuals = [*_all_residuals(asked.filters, asked.workflow_ids), *_times(asked.filters)]
    return [residual(run) for residual in residuals]


def _all_residuals(filters: RunFilters, workflow_ids: Sequence[str] | None) -> list[Residual]:
    named = (
        ("event_id", filters.event_id),
        ("conversation_id", filters.conversation_id),
        ("customer_id", filters.customer_id),
        ("problem_id", filters.problem_id),
        ("reason_code", filters.reason_code),
    )
    residuals = [_equals(name, value) for name, value in named if value is not None]
    if filters.statuses:
        residuals.append(lambda run: run.c.status.in_(filters.statuses))
    if workflow_ids is not None and (filters.workflow_id is not None or filters.survey_id is not None):
        residuals.append(lambda run: run.c.workflow_id.in_(workflow_ids))
    return [*residuals, *_beside(filters)]


def _ways(filters: RunFilters, workflow_ids: Sequence[str] | None) -> list[_Way]:
    run = tables.run
    for name in ("event_id", "conversation_id", "customer_id", "problem_id"):
        value = getattr(filters, name)
        if value is not None:
            rest = replace(filters, **{name: None})
            return [_Way(equal=(run.c[name] == value,), residuals=tuple(_all_residuals(rest, workflow_ids)))]
    if workflow_ids is not None and not workflow_ids:
        return []
    beside = tuple(_beside(filters))
    if filters.reason_code is not None:
        statuses = filters.statuses or get_args(RunStatus)
        by_reason = (run.c.reason_code == filters.reason_code,)
        return [_Way(equal=by_reason, workflow_ids=workflow_ids, statuses=statuses, residuals=beside)]
    if filters.statuses:
        return list(_by_status(filters.statuses, workflow_ids, beside))
    return [_Way(workflow_ids=workflow_ids, residuals=beside)]


def _by_status(
    statuses: Sequence[RunStatus], workflow_ids: Sequence[str] | None, beside: tuple[Residual, ...]
) -> "list[_Way]":
    run = tables.run
    ways = []
    if workflow_ids is None:
        indexed = [status for status in statuses if status != "succeeded"]
        if indexed:
            not_succeeded = run.c.status != literal_column("'succeeded'")
            ways.append(_Way(equal=(not_succeeded,), statuses=indexed, residuals=beside))
    else:
        not_under_way = [status for status in statuses if status != "running"]
        if not_under_way:
            not_running = run.c.status != literal_column("'running'")
            ways.append(
                _Way(
                    equal=(not_running,), workflow_ids=workflow_ids, statuses=not_under_way, residuals=beside
                )
            )
        if "running" in statuses:
            is_running = run.c.status == literal_column("'running'")
            of_them: Residual = lambda run: run.c.workflow_id.in_(workflow_ids)  # noqa: E731
            ways.append(_Way(equal=(is_running,), residuals=(of_them, *beside)))
    if "succeeded" in statuses and workflow_ids is None:
        ways.append(_Way(residuals=(_equals("status", "succeeded"), *beside)))
    return ways


def _equals(name: str, value: object) -> Residual:
    return lambda run: run.c[name] == value


def _beside(filters: RunFilters) -> list[Residual]:
    """What stands in no index of runs."""
    residuals: list[Residual] = []
    if filters.revision is not None:
        residuals.append(_equals("revision", filters.revision))
    if filters.event_type is not None:
        event = tables.event
        residuals.append(
            lambda run: (
                select(event.c.type).where(event.c.id == run.c.event_id).correlate(run).scalar_subquery()
                == filters.event_type
            )
        )
    return residuals


def _times(filters: RunFilters) -> list[Residual]:
    """The exact moments; the range of numbers is a little wider."""
    times: list[Residual] = []
    if filters.started_from is not None:
        times.append(lambda run: run.c.started_at >= filters.started_from)
    if filters.started_until is not None:
        times.append(lambda run: run.c.started_at < filters.started_until)
    return times


def _page(way: _Way, asked: Asked) -> Select[Any]:
    """The first runs of each range."""
    ranges = _ranges(way)
    within = _within(way, ranges, asked)
    if way.residuals and way.ranges > 1:
        return _merged(way, ranges, within, asked)
    if way.residuals:
        looked_at = within.limit(way.examined(asked.examined)).lateral("looked_at")
        fitting = [residual(looked_at) for residual in way.residuals]
        page = select(looked_at.c.id).where(*fitting).order_by(looked_at.c.id.desc())
    else:
        page = within.with_only_columns(tables.run.c.id)
    return _of_each(ranges, page.limit(asked.limit), "id")


def _merged(way: _Way, ranges: Mapping[str, FromClause], within: Select[Any], asked: Asked) -> Select[Any]:
    """The same of several ranges, in one order: of their numbers, which the index has, rows are read one by one, and
    none beyond those that fill the page.
    """
    run = tables.run
    numbers = within.with_only_columns(run.c.id).limit(way.examined(asked.examined))
    in_order = _of_each(ranges, numbers, "id").order_by(text("id DESC")).offset(0).subquery("in_order")
    looked_at = (
        select(*(run.c[name] for name in COLUMNS))
        .where(run.c.id == in_order.c.id)
        .correlate(in_order)
        .limit(1)
        .lateral("looked_at")
    )
    fitting = [residual(looked_at) for residual in way.residuals]
    page = select(in_order.c.id).select_from(in_order, looked_at).where(*fitting)
    return _alone(page.order_by(in_order.c.id.desc()).limit(asked.limit), "id")


def _horizon(way: _Way, asked: Asked) -> Select[Any]:
    """The last run that was looked at in those ranges that are longer than what was looked at."""
    ranges = _ranges(way)
    within = _within(way, ranges, asked).with_only_columns(tables.run.c.id)
    looked_at = within.limit(way.examined(asked.examined)).lateral("looked_at")
    last = (
        select(func.min(looked_at.c.id).label("horizon"))
        .select_from(looked_at)
        .having(func.count() == way.examined(asked.examined))
    )
    return _of_each(ranges, last, "horizon")


def _within(way: _Way, ranges: Mapping[str, FromClause], asked: Asked) -> Select[Any]:
    """The runs of a range, the newest first."""
    run = tables.run
    conditions = [*way.equal, run.c.id < asked.bounds.before, *(fits(run) for fits in _times(asked.filters))]
    if asked.bounds.low:
        conditions.append(run.c.id >= asked.bounds.low)
    conditions += [run.c[name] == one.c.one for name, one in ranges.items()]
    columns = [run.c[name] for name in COLUMNS]
    return select(*columns).where(*conditions).order_by(run.c.id.desc()).correlate(*ranges.values())


def _ranges(way: _Way) -> dict[str, FromClause]:
    """The values of each column that tells the ranges apart."""
    given = {"workflow_id": way.workflow_ids, "status": way.statuses}
    return {
        name: func.unnest(bindparam(None, list(dict.fromkeys(values)), ARRAY(Text), unique=True))
        .table_valued("one", name=f"each_{name}")
        .render_derived()
        for name, values in given.items()
        if values is not None
    }


def _of_each(ranges: Mapping[str, FromClause], page: Select[Any], column: str) -> Select[Any]:
    """The same page of each range."""
    if not ranges:
        return _alone(page, column)
    each = page.correlate(*ranges.values()).lateral()
    return select(each.c[column]).select_from(*ranges.values(), each)


def _alone(page: Select[Any], column: str) -> Select[Any]:
    alone = page.subquery()
    return select(alone.c[column])
