"""Invitations and Responses counted by the day (UTC): a page reads a few numbers in place of every row.

The database writes each change down itself (by triggers), in the transaction that makes it, as a row that is only
added, so that nobody waits for anybody. ``CountsKeeper`` adds them up now and then; the sum of both tables is exact at
every moment. Kept are the counts of each survey, and of each of its Inboxes and Agents.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time

from sqlalchemy import Column, Subquery, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import func

from afterword.store import tables
from afterword.store.database import Database

KEPT = tables.INDEXED_EMBEDDED_DATA[:2]
"""Embedded Data by which counts are kept."""
COUNTS_LOCK = 0x636F756E7473

ADD_UP = """
WITH taken AS (DELETE FROM survey_count_change RETURNING *)
INSERT INTO survey_count AS known (survey_id, about, value, day, score, asked, answered, responses)
SELECT survey_id, about, value, day, score, sum(asked), sum(answered), sum(responses)
FROM taken GROUP BY survey_id, about, value, day, score
ON CONFLICT (survey_id, about, value, day, score) DO UPDATE
SET asked = known.asked + excluded.asked, answered = known.answered + excluded.answered,
    responses = known.responses + excluded.responses
"""


class CountsKeeper:
    """Adds up what was written down; every worker may have one, one of them works at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tick(self) -> None:
        """Add up what there is."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", COUNTS_LOCK):
                await connection.execute(ADD_UP)


def counts_of(
    survey_id: str, about: Mapping[str, str], since: datetime | None, until: datetime | None
) -> Subquery | None:
    """The counts of a survey from ``since`` on, before ``until``, with this Embedded Data: rows of ``day``, ``score``,
    ``asked``, ``answered`` and ``responses``, of which several may be of one day and score.

    ``None`` where they are not kept: for a part of a day, and for other Embedded Data than one Inbox or Agent.
    """
    if len(about) > 1 or not about.keys() <= set(KEPT) or not (_is_midnight(since) and _is_midnight(until)):
        return None
    name, value = next(iter(about.items()), ("", ""))
    wanted = []
    for table in (tables.survey_count, tables.survey_count_change):
        of = [table.c.survey_id == survey_id, table.c.about == name]
        of.append(table.c.value == value[: tables.LONGEST_INDEXED])
        if since is not None:
            of.append(table.c.day >= since.astimezone(UTC).date())
        if until is not None:
            of.append(table.c.day < until.astimezone(UTC).date())
        columns: list[Column[object]] = [
            table.c[name] for name in ("day", "score", "asked", "answered", "responses")
        ]
        wanted.append(select(*columns).where(*of))
    return union_all(*wanted).subquery()


def _is_midnight(moment: datetime | None) -> bool:
    return moment is None or moment.astimezone(UTC).time() == time()


async def count_by_survey(connection: AsyncConnection) -> Mapping[str, int]:
    """How many Responses each survey has, previews and tests not counted in; surveys without any are left out."""
    both = union_all(
        *(
            select(table.c.survey_id, table.c.responses).where(table.c.about == "")
            for table in (tables.survey_count, tables.survey_count_change)
        )
    ).subquery()
    number = func.sum(both.c.responses)
    counted = select(both.c.survey_id, number.label("number")).group_by(both.c.survey_id).having(number > 0)
    return {row.survey_id: row.number for row in await connection.execute(counted)}
