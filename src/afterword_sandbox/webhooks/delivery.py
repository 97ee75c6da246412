"""Delivers events to webhooks: at once, each webhook by itself, and again after a failure.

A delivery is a row, written with the event and deleted when the receiver has answered 2xx: a killed sandbox
goes on where it was, with the same event ids. Gladly documents up to four resends (30 s, 5 min, 30 min, 1 h)
and then the deactivation of the whole webhook; what still waits for a disabled webhook is dropped, or kept if
the settings say so. Faults on demand make some deliveries go wrong.
"""

import asyncio
import sqlite3
import time

import aiohttp
import msgspec
import structlog

from afterword_sandbox import settings
from afterword_sandbox.clock import now
from afterword_sandbox.faults.deliveries import DeliveryFaults
from afterword_sandbox.faults.rules import Faults
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Changes, Store
from afterword_sandbox.webhooks.notice import DeactivationNotice
from afterword_sandbox.webhooks.request import Outcome, Target, new_session, send

CONCURRENT_PER_WEBHOOK = 32
LOGGED_PER_WEBHOOK = 100
STORE_TROUBLE_SECONDS = 1.0
"""How long a delivery waits when its outcome could not be stored (a full disk), before it is repeated."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Postman:
    """Carries what is due, one task for each webhook that has something to send."""

    def __init__(
        self, store: Store, resend_delays: tuple[float, ...], faults: Faults, notice: DeactivationNotice
    ) -> None:
        self._store = store
        self._notice = notice
        self._resend_delays = resend_delays
        self._faults = DeliveryFaults(store, faults)
        self._rounds: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self.session: aiohttp.ClientSession

    async def open(self) -> None:
        """Make ready to send."""
        self.session = new_session()

    def resume(self) -> None:
        """Go on with what was left undelivered when the sandbox last ended."""
        for row in self._store.all("SELECT DISTINCT webhook_id FROM deliveries"):
            self._wake(row["webhook_id"])

    async def stop(self) -> None:
        """End at once; what was under way is delivered again after the next start."""
        rounds = [task for task, _ in self._rounds.values()]
        for task in rounds:
            task.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)
        await self.session.close()

    def tell(self, changes: Changes) -> None:
        """Hear of a committed transaction."""
        for webhook_id in changes.webhook_ids:
            self._wake(webhook_id)

    def _wake(self, webhook_id: str) -> None:
        if webhook_id in self._rounds:
            self._rounds[webhook_id][1].set()
            return
        news = asyncio.Event()
        self._rounds[webhook_id] = (asyncio.create_task(self._serve(webhook_id, news)), news)

    async def _serve(self, webhook_id: str, news: asyncio.Event) -> None:
        """Deliver what a webhook is due until nothing is left."""
        under_way: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                news.clear()
                wait = self._begin_due(webhook_id, under_way, news)
                if wait is None and not under_way:
                    return
                try:
                    async with asyncio.timeout(wait):
                        await news.wait()
                except TimeoutError:
                    continue
        finally:
            del self._rounds[webhook_id]
            for task in under_way.values():
                task.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)

    def _begin_due(
        self, webhook_id: str, under_way: dict[int, asyncio.Task[None]], news: asyncio.Event
    ) -> float | None:
        """Begin as many due deliveries as may run, and return the seconds to the next that is not due yet."""
        moment = time.time()
        rows = self._store.all(
            "SELECT deliveries.position, event_position, failures, other_event_id, "
            "coalesce(other_event_id, events.id) AS event_id, events.type AS event_type, events.body "
            "FROM deliveries JOIN events ON events.position = event_position "
            "WHERE webhook_id = ? AND due_at <= ? AND EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND enabled) "
            "ORDER BY deliveries.position LIMIT ?",
            (webhook_id, moment, webhook_id, CONCURRENT_PER_WEBHOOK),
        )
        for row in rows:
            position: int = row["position"]
            if position not in under_way and len(under_way) < CONCURRENT_PER_WEBHOOK:
                task = asyncio.create_task(self._deliver(webhook_id, row))
                under_way[position] = task

                def finished(_: asyncio.Task[None], position: int = position) -> None:
                    del under_way[position]
                    news.set()

                task.add_done_callback(finished)
        later = self._store.one(
            "SELECT min(due_at) AS due_at FROM deliveries WHERE webhook_id = ? AND due_at > ?",
            (webhook_id, moment),
        )
        return None if later is None or later["due_at"] is None else max(0.0, later["due_at"] - time.time())

    async def _deliver(self, webhook_id: str, delivery: sqlite3.Row) -> None:
        webhook = self._store.one("SELECT * FROM webhooks WHERE id = ?", (webhook_id,))
        if webhook is None:
            return
        if self._faults.puts_off(webhook_id, delivery):
            return
        attempted_at = now()
        outcome = await self._attempt(webhook, delivery)
        try:
            with self._store.transaction():
                goes_on = self._record(webhook_id, delivery, outcome, attempted_at)
        except sqlite3.Error as error:
            log.error("webhook_outcome_not_stored", webhook=webhook_id, error=str(error))  # noqa: TRY400
            await asyncio.sleep(STORE_TROUBLE_SECONDS)
        else:
            if not goes_on:
                await self._notice.send(webhook, outcome.words)

    async def _attempt(self, webhook: sqlite3.Row, delivery: sqlite3.Row) -> Outcome:
        """Send an event, unless a fault has this attempt fail."""
        fault = self._faults.failure(webhook["id"], delivery)
        if fault is not None and fault.when == "before":
            return Outcome(None, "not sent: a fault was asked for", 0.0)
        outcome = await send(self.session, Target.of_row(webhook), _body(delivery))
        return outcome if fault is None else Outcome(None, "the answer was lost: a fault was asked for", 0.0)

    def _record(self, webhook_id: str, delivery: sqlite3.Row, outcome: Outcome, attempted_at: str) -> bool:
        """Note what came of an attempt, unless the webhook was disabled or deleted meanwhile; False when it is
        deactivated by that.
        """
        position: int = delivery["position"]
        if not self._store.one("SELECT 1 FROM deliveries WHERE position = ?", (position,)):
            return True
        self._log(webhook_id, delivery, outcome, attempted_at)
        self._faults.attempted(webhook_id, position)
        if outcome.is_success:
            self._store.execute("DELETE FROM deliveries WHERE position = ?", (position,))
            return True
        return self._send_again_or_deactivate(webhook_id, delivery, outcome)

    def _send_again_or_deactivate(self, webhook_id: str, delivery: sqlite3.Row, outcome: Outcome) -> bool:
        """Queue a failed delivery again, or deactivate the webhook: False."""
        switches = settings.read(self._store)
        delays = self._resend_delays if switches.resend_delays is None else switches.resend_delays
        failures: int = delivery["failures"] + 1
        if failures <= len(delays):
            delay = delays[failures - 1]
            other_id = new_id() if switches.resent_event_id == "other" else delivery["other_event_id"]
            self._store.execute(
                "UPDATE deliveries SET failures = ?, due_at = ?, other_event_id = ? WHERE position = ?",
                (failures, time.time() + delay, other_id, delivery["position"]),
            )
            log.info("webhook_failed", webhook=webhook_id, reason=outcome.words, resend_after=delay)
            return True
        deactivated = self._store.execute(
            "UPDATE webhooks SET enabled = 0, disabled_at_due_to_retry_limit = :at, updated_at = :at "
            "WHERE id = :id AND enabled",
            {"id": webhook_id, "at": now()},
        )
        if switches.events_while_disabled == "dropped":
            self._store.execute("DELETE FROM deliveries WHERE webhook_id = ?", (webhook_id,))
        else:
            self._store.execute("DELETE FROM deliveries WHERE position = ?", (delivery["position"],))
        log.warning("webhook_deactivated", webhook=webhook_id, reason=outcome.words)
        return not deactivated

    def _log(self, webhook_id: str, delivery: sqlite3.Row, outcome: Outcome, attempted_at: str) -> None:
        self._store.insert(
            "delivery_attempts",
            {
                "webhook_id": webhook_id,
                "event_id": delivery["event_id"],
                "event_type": delivery["event_type"],
                "attempted_at": attempted_at,
                "seconds": round(outcome.seconds, 4),
                "outcome": outcome.words,
                "delivered": int(outcome.is_success),
                "body": _body(delivery).decode(),
            },
        )
        self._store.changes.page_ids.add(webhook_id)
        self._store.execute(
            "DELETE FROM delivery_attempts WHERE webhook_id = :id AND position <= (SELECT position "
            "FROM delivery_attempts WHERE webhook_id = :id ORDER BY position DESC LIMIT 1 OFFSET :kept)",
            {"id": webhook_id, "kept": LOGGED_PER_WEBHOOK},
        )


def _body(delivery: sqlite3.Row) -> bytes:
    """Return the event to send, with the id that it goes out with."""
    body: bytes = delivery["body"]
    if delivery["other_event_id"] is None:
        return body
    event: dict[str, object] = msgspec.json.decode(body)
    return msgspec.json.encode({**event, "id": delivery["other_event_id"]})
