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
from afterword.workflows.history.models import RunFilters
from afterword.workflows.history.run_filters import Asked, Found, filter_runs, is_like
from afterword.workflows.history.run_ranges import Bounds
from afterword.workflows.history.search_partitions import PARTITION_RUNS, name_of, number_of, partition_of
from afterword.workflows.history.search_words import Search, tag

READ_FIRST = 2_000
READ_ALTOGETHER = 8_000
"""Runs that are read one by one, as long as that promises to fill the page."""
ASKED_FIRST = 2
QUICK_SECONDS = 0.004
ENOUGH_SECONDS = 0.025
"""A search that took so long begins nothing new."""
MOST_TAGS = 50

BEGIN = text("LOCK TABLE ONLY run_search IN ACCESS SHARE MODE")
"""No partition is dropped as long as a search is under way."""

LOOK = text("""
SELECT ARRAY(SELECT child.relname::text FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
             WHERE inhparent = 'run_search'::regclass) AS partitions,
       set_config('enable_bitmapscan', 'off', true)
""")
"""The partitions. PostgreSQL knows nothing yet of what is in the newest: it must not sort it to read its end."""

ASK = text("""
SELECT set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'off', true)
""")

READ = """
SELECT count(*) AS number, min(run_id) AS last, coalesce(array_agg(run_id ORDER BY run_id DESC)
       FILTER (WHERE words @@ CAST(CAST(:query AS text) AS tsquery)), '{{}}') AS found
FROM (
    SELECT run_id, words FROM {partition} WHERE run_id < :before AND run_id >= :low ORDER BY run_id DESC LIMIT :number
) newest
"""

ASK_ONE = """
SELECT run_id FROM {partition}
WHERE words @@ CAST(CAST(:query AS text) AS tsquery) AND run_id + 0 >= :low AND run_id + 0 < :before
"""
"""The sums keep PostgreSQL from going by the numbers, which are nearly all that there are."""


async def search_runs(connection: AsyncConnection, search: Search, asked: Asked, *, personal: bool) -> Found:
    """The newest runs in which each word is found, and that the filters fit.

    Without ``personal`` nothing is found by a customer's name or address.
    """
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
        self._partitions: frozenset[int] = frozenset()
        self._ids: list[int] = []
        self._began = time.monotonic()

    async def go(self) -> Found:
        """Look until the page is full, the runs are at their end, or the time is used up."""
        await self._connection.execute(BEGIN)
        row = (await self._connection.execute(LOOK)).one()
        self._partitions = frozenset(map(number_of, row.partitions))
        if not self._partitions:
            return Found(())
        self._before = min(self._before, (max(self._partitions) + 1) * PARTITION_RUNS)
        self._low = max(self._low, min(self._partitions) * PARTITION_RUNS)
        await self._read_newest()
        await self._ask_indexes()
        is_full = len(self._ids) >= self._limit
        if self._before <= self._low and not is_full:
            return Found(tuple(self._ids))
        return Found(tuple(self._ids[: self._limit]), self._ids[self._limit - 1] if is_full else self._before)

    def _is_wanted(self) -> bool:
        """Whether there is room on the page, and something left to look at."""
        return self._before > self._low and len(self._ids) < self._limit

    def _has_time(self) -> bool:
        return time.monotonic() - self._began < ENOUGH_SECONDS

    async def _read_newest(self) -> None:
        read, number = 0, READ_FIRST
        while number and self._is_wanted():
            partition = partition_of(self._before - 1)
            low = max(self._low, partition * PARTITION_RUNS)
            if partition not in self._partitions:
                self._before = low
                continue
            values = {"query": self._query, "low": low, "before": self._before, "number": number}
            statement = text(READ.format(partition=name_of(partition)))
            row = (await self._connection.execute(statement, values)).one()
            self._ids += row.found
            read += row.number
            is_read_out = row.number < number
            self._before = low if is_read_out else row.last
            number = number - row.number if is_read_out else self._worth_reading(read)

    def _worth_reading(self, read: int) -> int:
        """How many more runs will fill the page, going by those that were read; 0 when they would be too many, or would
        take too long.
        """
        if not self._ids:
            return 0
        missing = (self._limit - len(self._ids)) * read // len(self._ids) + 1
        elapsed = time.monotonic() - self._began
        is_quick = elapsed + missing * elapsed / read < ENOUGH_SECONDS
        return missing if is_quick and read + missing <= READ_ALTOGETHER else 0

    async def _ask_indexes(self) -> None:
        """Ask the two newest, in any case, which are all in most installations; then four at once, as long as that
        is quick. Of words that were met among the newest runs, one has more than a page.
        """
        if self._is_wanted():
            await self._connection.execute(ASK)
        number, is_first = 1 if self._ids else ASKED_FIRST, True
        while self._is_wanted() and (is_first or self._has_time()):
            is_first = False
            began = time.monotonic()
            await self._ask(number)
            is_quick = time.monotonic() - began < QUICK_SECONDS
            number = number * 2 if is_quick else max(1, number // 2)

    async def _ask(self, number: int) -> None:
        """Ask so many partitions, the first of which may have been read in part."""
        newest = partition_of(self._before - 1)
        oldest = max(newest - number + 1, partition_of(self._low))
        low = max(self._low, oldest * PARTITION_RUNS)
        asked = [name_of(one) for one in range(oldest, newest + 1) if one in self._partitions]
        if asked:
            each = " UNION ALL ".join(ASK_ONE.format(partition=name) for name in asked)
            missing = self._limit - len(self._ids)
            values = {"query": self._query, "low": low, "before": self._before, "missing": missing}
            statement = text(f"{each} ORDER BY run_id DESC LIMIT :missing")
            self._ids += (await self._connection.scalars(statement, values)).all()
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
