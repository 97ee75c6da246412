"""The week that is counted: closings of the past in the sandbox, of an account that is connected to it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from typing import Any

import pytest
from tests.backfill.conftest import Past, Scene, past, scene

from afterword.backfill.reading import reader
from afterword.backfill.slices import Span
from afterword.eligibility.settings import Credit, Eligibility
from afterword.previewing import rows
from afterword.previewing.previewer import Previewer
from afterword.previewing.rows import Preview

HOUR = timedelta(hours=1)
DAYS = numbers(2000)
"""How long ago; others put their closings into the last years."""
__all__ = ["Past", "Scene", "past", "scene"]

Count = Callable[..., Awaitable[Preview]]


@pytest.fixture
def day() -> datetime:
    """The noon of a day of its own, long ago, at which nothing else happened."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=next(DAYS))


@pytest.fixture
def previewer(scene: Scene) -> Previewer:
    return Previewer(scene.database, scene.accounts, reader(scene.accounts, scene.settings), time_scale=0.001)


@pytest.fixture
def count_day(scene: Scene, previewer: Previewer, day: datetime) -> Count:
    """``count_day(once_in_days=30)``: count that day's closings by these rules."""

    async def count(*, credit: Credit = "assignee", workflow_id: str = "", **rules: Any) -> Preview:
        async with scene.database.pool.acquire() as connection, connection.transaction():
            begun = await rows.begin(
                connection,
                scene.account_id,
                Span(day - 11 * HOUR, day + 11 * HOUR),
                wanted=Eligibility(**rules),
                credit=credit,
                workflow_id=workflow_id,
                is_ours=True,
            )
        return await previewer.work(begun)

    return count
