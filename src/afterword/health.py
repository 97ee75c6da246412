"""``/health``: whether events are taken and worked on, and what somebody should look at."""

import asyncio

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from afterword.store.database import CONNECTION_LOST, WORKER_NAME, Database

HEALTH_WITHIN_SECONDS = 3.0

COUNT = """
SELECT (SELECT count(DISTINCT application_name) FROM pg_stat_activity
        WHERE starts_with(application_name, $1) AND datname = current_database()) AS workers,
       (SELECT count(*) FROM gladly_webhook WHERE state <> 'works') AS webhooks_off,
       EXISTS (SELECT FROM sending_pause) AS is_paused,
       (SELECT count(*) FROM sending_hold) AS workflows_held
"""


class Health(msgspec.Struct, frozen=True):
    """What ``/health`` answers: ``status`` is ``ok`` when events are both taken and worked on.

    ``workers`` counts them. ``notices`` tell of what somebody should look at, though everything is running; they name
    no account, as nobody has to sign in to read them.
    """

    status: str
    database: bool
    workers: int
    words: str
    notices: tuple[str, ...] = ()


class Counted(msgspec.Struct, frozen=True):
    """The number of workers, of Gladly webhooks that do not work, and what brakes hold."""

    workers: int
    webhooks_off: int
    is_paused: bool
    workflows_held: int


class Counts:
    """Asks the database how things stand: one question at a time.

    A question that a silent database does not answer cannot be taken back; it is waited for again by who asks next.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._question: asyncio.Task[Counted] | None = None

    async def ask(self) -> Counted:
        """How things stand.

        Raises:
            OSError, asyncpg.PostgresError: the database does not answer, or not in time.
        """
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._count())
            self._question.add_done_callback(lambda question: question.cancelled() or question.exception())
        answered, _ = await asyncio.wait([self._question], timeout=HEALTH_WITHIN_SECONDS)
        if not answered:
            raise TimeoutError
        return self._question.result()

    async def _count(self) -> Counted:
        (row,) = await self._database.pool.fetch(COUNT, WORKER_NAME)
        return Counted(**row)


def health_route(database: Database) -> HTTPRouteHandler:
    """``/health``: 200 as long as events are taken and kept; the words say when nobody works on them."""
    counts = Counts(database)

    @get("/health")
    async def health() -> Response[Health]:
        """Tell how the installation is."""
        try:
            counted = await counts.ask()
        except CONNECTION_LOST:
            return _told(
                Health("down", database=False, workers=0, words="The database does not answer."), 503
            )
        notices = _notices(counted)
        if not counted.workers:
            words = "No worker is running: events are taken and kept, and worked on when one starts."
            return _told(Health("degraded", database=True, workers=0, words=words, notices=notices))
        words = "Everything is running."
        return _told(Health("ok", database=True, workers=counted.workers, words=words, notices=notices))

    return health


def _notices(counted: Counted) -> tuple[str, ...]:
    notices = []
    if counted.webhooks_off:
        off = counted.webhooks_off
        count = "A webhook at Gladly does" if off == 1 else f"{off} webhooks at Gladly do"
        notices.append(f"{count} not work; `afterword accounts list` tells which, and why.")
    if counted.is_paused:
        notices.append("All sending is paused; `afterword sending status` tells since when, and by whom.")
    if counted.workflows_held:
        notices.append(
            "More invitations than usual are held; `afterword sending status` tells of which Workflow."
        )
    return tuple(notices)


def _told(health: Health, status: int = 200) -> Response[Health]:
    return Response(health, status_code=status, headers={"Cache-Control": "no-store"})
