"""Gaps: noted once, widened while they are open."""

from datetime import UTC, datetime, timedelta

import pytest

from afterword.events.gaps import Gap, list_gaps, note_gap
from afterword.outcomes import Reason
from afterword.store.database import Database

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
WHY = Reason("webhook-deleted", "it was deleted in Gladly")


async def note(database: Database, since: int, until: int, account: str = "GA_1") -> int:
    async with database.pool.acquire() as connection, connection.transaction():
        return await note_gap(
            connection, account, NOON + timedelta(minutes=since), NOON + timedelta(minutes=until), WHY
        )


async def gaps(database: Database, origin: str | None = None) -> list[Gap]:
    async with database.pool.acquire() as connection:
        return await list_gaps(connection, origin=origin)


async def test_a_gap_is_found_again_as_it_was_noted(database: Database) -> None:
    noted = await note(database, 0, 10)
    (gap,) = await gaps(database)
    assert (gap.id, gap.origin, gap.state) == (noted, "gladly/GA_1", "open")
    assert (gap.since, gap.until) == (NOON, NOON + timedelta(minutes=10))
    assert (gap.reason_code, gap.reason_words) == (WHY.code, WHY.words)


async def test_an_open_gap_is_widened_by_one_that_touches_it_and_by_no_other(database: Database) -> None:
    first = await note(database, 0, 10)
    assert await note(database, 10, 20) == first
    assert await note(database, -5, 3) == first
    assert await note(database, 30, 40) != first
    assert await note(database, 0, 10, account="GA_2") != first
    spans = [(gap.since, gap.until) for gap in await gaps(database, "gladly/GA_1")]
    assert spans == [
        (NOON + timedelta(minutes=30), NOON + timedelta(minutes=40)),
        (NOON - timedelta(minutes=5), NOON + timedelta(minutes=20)),
    ]
    await database.pool.execute("UPDATE event_gap SET state = 'closed'")
    assert await note(database, 0, 10) != first


async def test_a_gap_that_ends_before_it_begins_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="after it begins"):
        await note(database, 10, 0)
    assert await gaps(database) == []
