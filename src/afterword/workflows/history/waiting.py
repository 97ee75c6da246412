"""What waits, counted without ever reading more than somebody wants to know."""

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

COUNTED = 1000
"""So far it is counted; beyond that it is *more than*."""

WAITING = """
SELECT (SELECT count(*) FROM (SELECT FROM event WHERE status = 'received' LIMIT :most) AS one) AS inbox,
       (SELECT count(*) FROM (SELECT FROM run WHERE status = 'running' LIMIT :most) AS one) AS running,
       (SELECT count(*) FROM (SELECT FROM run WHERE status = 'waiting' AND waiting_for IS NULL LIMIT :most) AS one)
           AS for_a_time
"""

HELD = """
SELECT waiting_for, count(*) AS runs
FROM (SELECT waiting_for FROM run WHERE waiting_for IS NOT NULL LIMIT :most) AS one
GROUP BY waiting_for ORDER BY runs DESC, waiting_for LIMIT 5
"""


class Held(msgspec.Struct, frozen=True):
    """Runs that are held until something changes, such as ``account/GA_…``."""

    waiting_for: str
    runs: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waits: events that nobody has looked at, Runs that are under way, that wait for a time, or are held.

    No number goes beyond ``COUNTED`` + 1.
    """

    inbox: int
    running: int
    for_a_time: int
    held: tuple[Held, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether all is done."""
        return not (self.inbox or self.running or self.for_a_time or self.held)


async def read_waiting(connection: AsyncConnection) -> Waiting:
    """What waits at this moment."""
    counted = (await connection.execute(text(WAITING), {"most": COUNTED + 1})).one()
    held = await connection.execute(text(HELD), {"most": COUNTED + 1})
    return Waiting(
        inbox=counted.inbox,
        running=counted.running,
        for_a_time=counted.for_a_time,
        held=tuple(Held(row.waiting_for, row.runs) for row in held),
    )
