"""What stands of a Response on Gladly's Timelines, so that it is one item however often the Response changes.

Each version of a Response has an item of its own, whose id is derived. An item is noted here before Gladly is asked to
make it, and taken out when Gladly has deleted it: what might stand on a Timeline is always known, whatever dies when.

Runs of two versions may overtake each other. Whoever makes an item notes it first and looks for newer ones afterwards;
whoever tidies up made its own item first and looks for older ones afterwards. So one of the two always sees the other:
either the older item is not made, or the newer one's run deletes it.
"""

import msgspec

from afterword.gladly.calling import PATIENCE
from afterword.outgoing.calls import TOTAL_SECONDS
from afterword.store.database import Database

SETTLED_SECONDS = PATIENCE + TOTAL_SECONDS + 15.0
"""So long after it was last wanted nobody is still about to make an item: every call has ended by then."""

WANT = """
INSERT INTO timeline_item AS item (account_id, response_id, task_id, version, item_id, customer_id, under_way)
VALUES ($1, $2, $3, $4, $5, $6, 1)
ON CONFLICT (account_id, response_id, task_id, version) DO UPDATE SET wanted_at = now(),
    under_way = CASE WHEN item.wanted_at < now() - make_interval(secs => $7) THEN 1 ELSE item.under_way + 1 END
RETURNING xmax = 0
"""

READ = """
SELECT version, item_id, customer_id, is_there,
       under_way = 0 OR wanted_at < now() - make_interval(secs => $4) AS is_settled
FROM timeline_item WHERE (account_id, response_id, task_id) = ($1, $2, $3) ORDER BY version
"""

NOTE_THERE = """
UPDATE timeline_item SET is_there = true, customer_id = $5, under_way = greatest(under_way - 1, 0)
WHERE (account_id, response_id, task_id, version) = ($1, $2, $3, $4)
"""

GIVE_UP = """
UPDATE timeline_item SET under_way = greatest(under_way - 1, 0)
WHERE (account_id, response_id, task_id, version) = ($1, $2, $3, $4)
"""

FORGET = "DELETE FROM timeline_item WHERE (account_id, response_id, task_id, version) = ($1, $2, $3, $4)"


class Item(msgspec.Struct, frozen=True):
    """An item that may stand on a Timeline.

    ``is_there``: Gladly said that it made it. ``is_settled``: no call is under way that makes it, so that once it is
    deleted it will not come any more.
    """

    version: int
    item_id: str
    customer_id: str
    is_there: bool
    is_settled: bool


class TimelineItems:
    """The items that one Task makes of one Response."""

    def __init__(self, database: Database, *, account: str, response_id: str, task_id: str) -> None:
        self._pool = database.pool
        self._key = (account, response_id, task_id)

    async def want(self, version: int, item_id: str, customer_id: str) -> bool:
        """Note that the item of this version is about to be made; false when that was noted before."""
        return bool(
            await self._pool.fetchval(WANT, *self._key, version, item_id, customer_id, SETTLED_SECONDS)
        )

    async def read(self) -> list[Item]:
        """Every item that may be there, the oldest version first."""
        return [Item(**row) for row in await self._pool.fetch(READ, *self._key, SETTLED_SECONDS)]

    async def note_there(self, version: int, customer_id: str) -> None:
        """Note that Gladly made the item, on the timeline of this customer."""
        await self._pool.execute(NOTE_THERE, *self._key, version, customer_id)

    async def give_up(self, version: int) -> None:
        """Note that the item was not made this time: it was not asked for, or Gladly surely did not."""
        await self._pool.execute(GIVE_UP, *self._key, version)

    async def forget(self, version: int) -> None:
        """Note that the item is not there, and that nobody makes it."""
        await self._pool.execute(FORGET, *self._key, version)
