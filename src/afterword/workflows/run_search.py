"""Searching runs by words: the newest first, and answered at once however common or rare the words are.

First the newest runs are read one by one: a common word fills a page there. What is left is asked of the index over
words, partition by partition from the newest down (``search_partitions.py``), more of them at once as long as that is
quick. When the time is used up, what was found is answered, and how far was looked.
"""

import time
from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import Text, bindparam, cast, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.history_models import RunFilters
from afterword.workflows.run_filters import Asked, Found, filter_runs, is_like
from afterword.workflows.run_ranges import Bounds
from afterword.workflows.search_partitions import EXISTING, PARTITION_RUNS, number_of
from afterword.workflows.search_words import Search, tag

READ_FIRST = 2_000
READ_ALTOGETHER = 20_000
"""Runs that are read one by one, as long as that promises to fill the page."""
QUICK_SECONDS = 0.004
ENOUGH_SECONDS = 0.025
"""A search that took so long begins nothing new."""
MOST_TAGS = 50

PLAN_EACH = text("SET LOCAL plan_cache_mode = force_custom_plan")
"""A plan for all partitions costs more to begin than one made for the few that are asked."""

READ = text("""
SELECT count(*) AS number, min(run_id) AS last, coalesce(array_agg(run_id ORDER BY run_id DESC)
       FILTER (WHERE words @@ CAST(CAST(:query AS text) AS tsquery)), '{}') AS found
FROM (SELECT run_id, words FROM run_search WHERE run_id < :before AND run_id >= :low ORDER BY run_id DESC LIMIT :number)
    AS newest
""")

ASK_INDEX = text("""
SELECT run_id FROM run_search
WHERE run_id >= :low AND run_id < :before AND words @@ CAST(CAST(:query AS text) AS tsquery)
ORDER BY run_id + 0 DESC LIMIT :limit
""")
"""The sum keeps PostgreSQL from reading all runs in order in the hope to meet the words soon."""


async def search_runs(connection: AsyncConnection, search: Search, asked: Asked, *, personal: bool) -> Found:
    """The newest runs in which each word is found, and that the filters fit.

    Without ``personal`` nothing is found by a customer's name or address.
    """
    await connection.execute(PLAN_EACH)
    if _is_narrow(asked.filters):
        return await _among_few(connection, search, asked, personal=personal)
    if asked.workflow_ids is not None and not asked.workflow_ids:
        return Found(())
    query = search.query(personal=personal, tags=_tags(asked))
    found = await _Searching(connection, query, asked.bounds, asked.limit).go()
    named = await _by_number(connection, search, asked.bounds)
    return await _fitting(connection, _together(named, found), asked)


def _is_narrow(filters: RunFilters) -> bool:
    """Whether the filters alone leave few runs."""
    narrow = (filters.event_id, filters.conversation_id, filters.customer_id, filters.problem_id)
    return any(one is not None for one in narrow)


async def _among_few(connection: AsyncConnection, search: Search, asked: Asked, *, personal: bool) -> Found:
    """The runs that the filters leave, held against the words one by one."""
    words = tables.run_search
    query = bindparam("query", search.query(personal=personal), Text)
    has_words = words.c.words.op("@@")(cast(query, TSQUERY))
    few = await filter_runs(connection, replace(asked, limit=READ_FIRST))
    rows = await connection.scalars(select(words.c.run_id).where(words.c.run_id.in_(few.ids), has_words))
    found = {*rows, *(set(await _by_number(connection, search, asked.bounds)) & set(few.ids))}
    horizon = few.ids[-1] if len(few.ids) == READ_FIRST else few.horizon
    return Found(tuple(sorted(found, reverse=True)[: asked.limit]), horizon)


def _tags(asked: Asked) -> list[list[str]]:
    """The filters as tags, so that the index answers them with the words."""
    filters, workflow_ids = asked.filters, asked.workflow_ids or ()
    is_about_workflows = filters.workflow_id is not None or filters.survey_id is not None
    groups = [
        [tag("status", status) for status in filters.statuses],
        [
            tag("workflow", one)
            for one in workflow_ids
            if is_about_workflows and len(workflow_ids) <= MOST_TAGS
        ],
        [tag("reason", filters.reason_code)] if filters.reason_code is not None else [],
        [tag("event", filters.event_type)] if filters.event_type is not None else [],
    ]
    return [group for group in groups if group]


class _Searching:
    """One search on its way down from the newest run."""

    def __init__(self, connection: AsyncConnection, query: str, bounds: Bounds, limit: int) -> None:
        self._connection = connection
        self._query = query
        self._low = bounds.low
        self._before = bounds.before
        self._limit = limit
        self._ids: list[int] = []
        self._began = time.monotonic()

    async def go(self) -> Found:
        """Look until the page is full, the runs are at their end, or the time is used up."""
        numbers = [number_of(name) for name in await self._connection.scalars(text(EXISTING))]
        if not numbers:
            return Found(())
        self._before = min(self._before, (max(numbers) + 1) * PARTITION_RUNS)
        self._low = max(self._low, min(numbers) * PARTITION_RUNS)
        await self._read_newest()
        partitions = 1
        while self._is_going_on():
            began = time.monotonic()
            await self._ask_index(partitions)
            is_quick = time.monotonic() - began < QUICK_SECONDS
            partitions = partitions * 2 if is_quick else max(1, partitions // 2)
        is_full = len(self._ids) >= self._limit
        at_end = self._before <= self._low and not is_full
        return Found(tuple(self._ids[: self._limit]), None if at_end else self._horizon(is_full=is_full))

    def _horizon(self, *, is_full: bool) -> int:
        return self._ids[self._limit - 1] if is_full else self._before

    def _is_going_on(self) -> bool:
        has_time = time.monotonic() - self._began < ENOUGH_SECONDS
        return has_time and self._before > self._low and len(self._ids) < self._limit

    async def _read_newest(self) -> None:
        read, number = 0, READ_FIRST
        while self._is_going_on() and number:
            low = max(self._low, ((self._before - 1) // PARTITION_RUNS - 1) * PARTITION_RUNS)
            values = {"query": self._query, "low": low, "before": self._before, "number": number}
            row = (await self._connection.execute(READ, values)).one()
            self._ids += row.found
            read += row.number
            self._before = low if row.number < number else row.last
            number = self._worth_reading(read)

    def _worth_reading(self, read: int) -> int:
        """How many more runs will fill the page, going by those that were read; 0 when they would be too many."""
        if not self._ids:
            return 0
        missing = (self._limit - len(self._ids)) * read // len(self._ids) + 1
        return missing if read + missing <= READ_ALTOGETHER else 0

    async def _ask_index(self, partitions: int) -> None:
        """Ask so many partitions, the first of which may be one that was read in part."""
        newest = (self._before - 1) // PARTITION_RUNS
        low = max(self._low, (newest - partitions + 1) * PARTITION_RUNS)
        values = {
            "query": self._query,
            "low": low,
            "before": self._before,
            "limit": self._limit - len(self._ids),
        }
        self._ids += (await self._connection.scalars(ASK_INDEX, values)).all()
        self._before = low


async def _by_number(connection: AsyncConnection, search: Search, bounds: Bounds) -> list[int]:
    """The run of the number that was typed, and the runs of the event that has it."""
    number, run = search.number, tables.run
    if number is None:
        return []
    meant = (run.c.id == number) | (run.c.event_id == number)
    rows = await connection.scalars(
        select(run.c.id)
        .where(meant, run.c.id < bounds.before, run.c.id >= bounds.low)
        .order_by(run.c.id.desc())
    )
    return list(rows)


def _together(named: Sequence[int], found: Found) -> Found:
    seen = [one for one in named if found.horizon is None or one >= found.horizon]
    return Found(tuple(sorted({*seen, *found.ids}, reverse=True)), found.horizon)


async def _fitting(connection: AsyncConnection, found: Found, asked: Asked) -> Found:
    """Those that the filters fit now: words are a moment older than runs."""
    conditions = is_like(asked, tables.run)
    if not conditions or not found.ids:
        return found
    rows = await connection.scalars(
        select(tables.run.c.id).where(tables.run.c.id.in_(found.ids), *conditions)
    )
    fitting = set(rows)
    return Found(tuple(one for one in found.ids if one in fitting), found.horizon)
