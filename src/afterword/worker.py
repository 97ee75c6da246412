"""The worker half: empties the inbox, advances runs, and looks after both.

Any number of workers share one database; each holds no state that another lacks.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import structlog

from afterword import process
from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.alerts.delivering import AlertKeeper
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.keeping import BackfillKeeper
from afterword.backfill.pulling import PullKeeper
from afterword.backfill.reading import reader
from afterword.directory.contacts import mail_address
from afterword.distributions import mail
from afterword.distributions.sending import Mailer
from afterword.eligibility.ledger import Ledger, forget_old
from afterword.events.recording import INBOX_CHANNEL
from afterword.previewing.keeping import PreviewKeeper
from afterword.previewing.previewer import Previewer
from afterword.sending.checking import BrakesCheck
from afterword.sending.hourly import forget_old_counts
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import CONNECTION_LOST, DATABASE_AWAY, WORKER_NAME, Database
from afterword.store.migrations import migrate
from afterword.store.queue import RunQueue
from afterword.subscriptions.delivery import Deliveries
from afterword.surveys.counts import CountsKeeper
from afterword.tasks.registry import load_task_types
from afterword.tasks.services import Services
from afterword.webhook_keeping.keeper import WebhookKeeper
from afterword.workflows.history.retention import RetentionKeeper
from afterword.workflows.history.search_keeper import SearchKeeper
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.holds import Holds
from afterword.workflows.running.replays import ReplaysKeeper
from afterword.workflows.starting.matching import Inbox
from afterword.workflows.starting.schedules import SchedulesKeeper
from afterword.workflows.values.qualtrics_responses import QualtricsResponses

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 1.0
SWEEP_EVERY_SECONDS = 2.0
PRUNE_EVERY_SECONDS = 600.0
DELIVER_EVERY_SECONDS = 1.0
ALERT_EVERY_SECONDS = 5.0
REPLAY_EVERY_SECONDS = 0.5
RETAIN_EVERY_SECONDS = 60.0
WEBHOOKS_EVERY_SECONDS = 2.0
"""Which webhooks are due; one that works is looked at once a minute."""
BACKFILL_EVERY_SECONDS = 5.0
COUNT_EVERY_SECONDS = 10.0
FAULT_SECONDS = 60.0
"""The pause after an error that nobody expected."""
CONNECTIONS = 8
"""Runs share them: what they read and store at one moment goes in one statement."""
NO_RUN = 0
"""The id of no run: they begin at 1."""


class Worker:
    """One worker process."""

    def __init__(self, settings: Settings, database: Database, box: SecretBox) -> None:
        self._settings = settings
        self._database = database
        self._queue = RunQueue(database, heartbeat_timeout=settings.worker_heartbeat_timeout)
        self._inbox = Inbox(database, self._queue)
        self._accounts = ConnectedAccounts(database, box, RateBudget(database.pool), settings)
        mailer = Mailer(settings)
        services = Services(
            database, settings, self._accounts, mailer, Ledger(database), BrakesCheck(database, settings)
        )
        self._engine = RunEngine(
            database,
            load_task_types(services),
            responses=QualtricsResponses(database, self._accounts),
            retry_time_scale=settings.retry_time_scale,
        )
        self._replays = ReplaysKeeper(database, self._queue)
        self._holds = Holds(
            database,
            self._accounts.availability,
            longest_days=settings.longest_hold_days,
            down_alert_minutes=settings.account_down_alert_minutes,
        )
        self._retention = RetentionKeeper(database, days=settings.run_retention_days)
        self._deliveries = Deliveries(database, box, settings)
        self._alerts = AlertKeeper(database, settings, mailer)
        self._webhooks = WebhookKeeper(database, box, self._accounts, settings)
        read = reader(self._accounts, settings)
        self._backfills = BackfillKeeper(
            database,
            Backfiller(database, read, time_scale=settings.retry_time_scale),
            every=timedelta(minutes=settings.backfill_every_minutes),
            look_back=timedelta(hours=settings.backfill_look_back_hours),
        )
        self._previews = PreviewKeeper(
            database, Previewer(database, self._accounts, read, time_scale=settings.retry_time_scale)
        )
        self._pulls = PullKeeper(database, self._accounts.gladly, every_seconds=settings.gladly_pull_seconds)
        self._arrived = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; what is in hand is finished first."""
        keepers = [
            asyncio.create_task(self._drain()),
            asyncio.create_task(self._every(SWEEP_EVERY_SECONDS, self._queue.sweep)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._queue.prune)),
            asyncio.create_task(self._every(REPLAY_EVERY_SECONDS, self._replays.tick)),
            asyncio.create_task(self._every(LOOK_EVERY_SECONDS, self._holds.keep)),
            asyncio.create_task(self._every(LOOK_EVERY_SECONDS, SearchKeeper(self._database).tick)),
            asyncio.create_task(self._every(RETAIN_EVERY_SECONDS, self._retention.tick)),
            asyncio.create_task(self._every(COUNT_EVERY_SECONDS, CountsKeeper(self._database).tick)),
            asyncio.create_task(self._every(LOOK_EVERY_SECONDS, SchedulesKeeper(self._database).tick)),
            asyncio.create_task(self._every(DELIVER_EVERY_SECONDS, self._deliveries.deliver)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._deliveries.prune)),
            asyncio.create_task(self._every(ALERT_EVERY_SECONDS, self._alerts.keep)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._alerts.prune)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._forget_old_counts)),
            asyncio.create_task(self._every(WEBHOOKS_EVERY_SECONDS, self._webhooks.tick)),
            asyncio.create_task(self._every(BACKFILL_EVERY_SECONDS, self._backfills.tick)),
            asyncio.create_task(self._every(LOOK_EVERY_SECONDS, self._pulls.tick)),
            asyncio.create_task(self._every(LOOK_EVERY_SECONDS, self._previews.tick)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._previews.forget_old)),
            asyncio.create_task(self._every(PRUNE_EVERY_SECONDS, self._forget_asked)),
        ]
        warming_up = asyncio.create_task(_went_well("warm-up", self._warm_up))
        working = asyncio.create_task(
            self._queue.work(self._engine.advance, concurrency=self._settings.worker_concurrency)
        )
        log.info("worker_started", concurrency=self._settings.worker_concurrency)
        stopping = asyncio.create_task(stop.wait())
        if self._database.can_listen:
            keepers.append(asyncio.create_task(self._listen()))
        ended, _ = await asyncio.wait([stopping, working, *keepers], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, warming_up, *keepers):
            task.cancel()
        self._queue.stop()
        try:
            await working
        finally:
            await self._deliveries.close()
            await self._alerts.close()
            await self._accounts.close()
        for task in ended - {stopping}:
            task.result()
        log.info("worker_stopped")

    async def _warm_up(self) -> None:
        """Load and open what the first run would otherwise wait for; a wake-up of no run goes the way of any."""
        async with self._database.pool.acquire() as connection:
            await self._queue.enqueue(connection, [NO_RUN])
        await asyncio.to_thread(_load)

    async def _forget_old_counts(self) -> None:
        await forget_old_counts(self._database)

    async def _forget_asked(self) -> None:
        await forget_old(self._database)

    async def _drain(self) -> None:
        """Empty the inbox when there is a hint, and once a second anyway: a hint may be lost."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), LOOK_EVERY_SECONDS)
            self._arrived.clear()
            if not await _went_well("inbox", self._inbox.drain):
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _listen(self) -> None:
        """Hear the hints, on a connection of its own, which is made again whenever it is lost."""
        while True:
            with contextlib.suppress(*CONNECTION_LOST):
                await self._listen_once()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _listen_once(self) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(
            self._database.url, server_settings={"application_name": name_of_this_worker()}
        )
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(INBOX_CHANNEL, lambda *_: self._arrived.set())
            self._arrived.set()
            await lost.wait()
        finally:
            await connection.close(timeout=2)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            went_well = await _went_well(work.__name__, work)
            await asyncio.sleep(seconds if went_well else max(seconds, FAULT_SECONDS))


def _load() -> None:
    """Load what is otherwise loaded when the first mail needs it."""
    mail_address("customer@afterword.example")
    mail.warm_up()


def name_of_this_worker() -> str:
    """What the database calls this process's connections: by it workers are counted."""
    return f"{WORKER_NAME} {socket.gethostname()[:30]}/{os.getpid()}"


async def _went_well(what: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Do it, and let a later turn try again when it failed; false for an error that nobody expected.

    What goes wrong with one part of the work is not to keep the others from theirs.
    """
    try:
        await work()
    except DATABASE_AWAY as error:
        log.warning("database_away", during=what, cause=type(error).__name__)
    except Exception:
        log.exception("work_fault", during=what)
        return False
    return True


async def serve(settings: Settings, database_url: str, stop: asyncio.Event) -> None:
    """Bring the database up to date and work until ``stop`` is set."""
    await migrate(database_url)
    database = await Database.connect(database_url, name=name_of_this_worker(), pool_size=CONNECTIONS)
    try:
        box = SecretBox.open(settings)
        async with database.transaction() as connection:
            await check_secret_key(connection, box)
        await Worker(settings, database, box).run(stop)
    finally:
        await database.close()


if __name__ == "__main__":
    raise SystemExit(process.main(serve))
