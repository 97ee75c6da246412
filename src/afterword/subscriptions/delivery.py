"""Telling subscribers: at least once, later and later while they do not answer, and given up in the end.

A delivery is taken by putting it off for a minute, so that what a killed worker had in hand comes round again. A
subscriber that answers nothing is asked with one delivery at a time, less and less often, and its others wait without
using up their attempts; when it is back, everything flows. No subscriber holds up another.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import structlog

from afterword.accounts.secrets import SecretBox, SecretUnreadable
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable
from afterword.settings import Settings
from afterword.store.database import DATABASE_AWAY, Database
from afterword.subscriptions.messages import FORM, make_form
from afterword.subscriptions.subscriptions import Destination, open_destination

log = structlog.get_logger()

SCHEDULE = (5.0, 30.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0, 86400.0)
"""Seconds before the second, third, … attempt: ten in all, over some three days."""
JITTER = 0.2
AT_ONCE = 8
"""Deliveries to one subscriber that one worker has under way."""
TAKEN_FOR = timedelta(seconds=60)
ANSWERS_WITHIN_SECONDS = 15.0
FINISH_WITHIN_SECONDS = 3.0
LONGEST_HOLD = 300.0
"""Seconds between two calls to a subscriber that answers nothing."""
OLDEST = timedelta(days=7)
KEPT_GIVEN_UP = timedelta(days=30)

READY = """
SELECT id FROM event_subscription AS subscription
WHERE (held_until IS NULL OR held_until <= now()) AND EXISTS (
    SELECT FROM event_delivery
    WHERE subscription_id = subscription.id AND status = 'due' AND due_at <= now())
"""

TAKE = """
WITH subscription AS (
    SELECT id, secrets, CASE WHEN failures_in_a_row = 0 THEN $2 ELSE 1 END AS at_once
    FROM event_subscription WHERE id = $1 AND (held_until IS NULL OR held_until <= now())
), taken AS (
    SELECT delivery.id FROM event_delivery AS delivery
    WHERE subscription_id = $1 AND status = 'due' AND due_at <= now()
    ORDER BY due_at, id LIMIT coalesce((SELECT at_once FROM subscription), 0) FOR UPDATE SKIP LOCKED
)
UPDATE event_delivery AS delivery SET attempt = attempt + 1, due_at = now() + $3
FROM taken, subscription WHERE delivery.id = taken.id
RETURNING delivery.id, delivery.topic, delivery.message, delivery.attempt, subscription.secrets
"""

SUCCEEDED = "DELETE FROM event_delivery WHERE id = ANY($1::bigint[])"

FAILED = """
UPDATE event_delivery AS delivery
SET status = CASE WHEN failed.wait IS NULL THEN 'given-up' ELSE 'due' END, failure = failed.words,
    due_at = now() + make_interval(secs => coalesce(failed.wait, 0))
FROM unnest($1::bigint[], $2::text[], $3::float8[]) AS failed (id, words, wait)
WHERE delivery.id = failed.id
"""

NOTED = """
UPDATE event_subscription
SET successful_calls = successful_calls + $2,
    last_succeeded_at = CASE WHEN $2 > 0 THEN now() ELSE last_succeeded_at END,
    last_failed_at = CASE WHEN $3::text IS NULL THEN last_failed_at ELSE now() END,
    last_failure = coalesce($3, last_failure),
    failures_in_a_row = CASE WHEN $2 > 0 THEN 0 ELSE failures_in_a_row + 1 END,
    held_until = CASE WHEN $2 > 0 THEN NULL
        ELSE now() + make_interval(secs => greatest(
            $4::float8, least($5::float8, $6::float8 * 2 ^ least(failures_in_a_row, 30))))
    END
WHERE id = $1
"""

PRUNE = """
WITH forgotten AS (
    DELETE FROM event_delivery WHERE status = 'given-up' AND created_at < now() - $2::interval
)
UPDATE event_delivery SET status = 'given-up'
WHERE status = 'due' AND created_at < now() - $1::interval
RETURNING id, subscription_id
"""


class Delivery(msgspec.Struct, frozen=True):
    """Something to be told to one subscriber; ``attempt`` counts from 1."""

    id: int
    topic: str
    message: str
    attempt: int
    destination: Destination


class Failure(msgspec.Struct, frozen=True):
    """Why a delivery was not taken; ``wait`` in seconds until it is tried again, ``None`` when it is given up."""

    delivery: Delivery
    words: str
    wait: float | None
    asked_for: float = 0.0


class Deliveries:
    """Tells subscribers what the outbox holds. Any number of processes may do so at once."""

    def __init__(self, database: Database, box: SecretBox, settings: Settings) -> None:
        self._database = database
        self._box = box
        self._scale = settings.retry_time_scale
        self._caller = Caller(
            allow_private=settings.allow_private_addresses, total_seconds=ANSWERS_WITHIN_SECONDS
        )
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    async def deliver(self) -> None:
        """Begin to tell every subscriber that has something due; does not wait for their answers."""
        for row in await self._database.pool.fetch(READY):
            subscription_id = row["id"]
            if subscription_id not in self._in_hand:
                self._in_hand[subscription_id] = asyncio.create_task(self._tell_until_done(subscription_id))

    async def settled(self) -> None:
        """Wait for every call that is under way."""
        while self._in_hand:
            await asyncio.wait(list(self._in_hand.values()))

    async def prune(self) -> None:
        """Give up what is a week old, and forget what was given up a month ago."""
        for row in await self._database.pool.fetch(PRUNE, OLDEST, KEPT_GIVEN_UP):
            log.warning("event_delivery_given_up", subscription=row["subscription_id"], delivery=row["id"])

    async def close(self) -> None:
        """Finish the calls that are under way; those that take too long are let go, and come round again."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_WITHIN_SECONDS):
                await self.settled()
        under_way = list(self._in_hand.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._caller.close()

    async def _tell_until_done(self, subscription_id: str) -> None:
        try:
            while not self._closing and await self._tell(subscription_id):
                pass
        except DATABASE_AWAY as error:
            log.warning("database_away", during="event deliveries", cause=type(error).__name__)
        except Exception:
            log.exception("work_fault", during="event deliveries")
        finally:
            del self._in_hand[subscription_id]

    async def _tell(self, subscription_id: str) -> bool:
        """Tell a subscriber what is due; whether there may be more."""
        rows = await self._database.pool.fetch(TAKE, subscription_id, AT_ONCE, TAKEN_FOR)
        if not rows:
            return False
        try:
            destination = open_destination(rows[0]["secrets"], self._box)
        except SecretUnreadable:
            log.warning("event_subscription_unreadable", subscription=subscription_id)
            return False
        deliveries = [
            Delivery(row["id"], row["topic"], row["message"], row["attempt"], destination) for row in rows
        ]
        outcomes = await asyncio.gather(*(self._call(delivery) for delivery in deliveries))
        failures = [outcome for outcome in outcomes if outcome is not None]
        failed = {failure.delivery.id for failure in failures}
        await self._settle(
            subscription_id, [delivery.id for delivery in deliveries if delivery.id not in failed], failures
        )
        return len(failures) < len(deliveries)

    async def _call(self, delivery: Delivery) -> Failure | None:
        destination = delivery.destination
        body = make_form(delivery.topic, delivery.message, destination.shared_key)
        asked_for = 0.0
        try:
            answer = await self._caller.call(
                "POST", destination.publication_url, headers={"Content-Type": FORM}, body=body
            )
        except (Unreachable, BrokenOff) as error:
            words = str(error)
        else:
            if 200 <= answer.status < 300:  # noqa: PLR2004
                return None
            words, asked_for = f"answered with {answer.status}", answer.retry_after or 0.0
        return Failure(delivery, words, self._wait_after(delivery.attempt, asked_for), asked_for)

    def _wait_after(self, attempt: int, asked_for: float) -> float | None:
        if attempt > len(SCHEDULE):
            return None
        spread = 1 + JITTER * (2 * random.random() - 1)  # noqa: S311 - spreads load, hides nothing
        return max(SCHEDULE[attempt - 1] * self._scale * spread, asked_for)

    async def _settle(
        self, subscription_id: str, succeeded: Sequence[int], failures: Sequence[Failure]
    ) -> None:
        words = failures[0].words if failures else None
        hold = max((failure.asked_for for failure in failures), default=0.0)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(SUCCEEDED, succeeded)
            await connection.execute(
                FAILED,
                [failure.delivery.id for failure in failures],
                [failure.words for failure in failures],
                [failure.wait for failure in failures],
            )
            await connection.execute(
                NOTED,
                subscription_id,
                len(succeeded),
                words,
                hold,
                LONGEST_HOLD * self._scale,
                SCHEDULE[0] * self._scale,
            )
        for failure in failures:
            if failure.wait is None:
                log.warning(
                    "event_delivery_given_up",
                    subscription=subscription_id,
                    delivery=failure.delivery.id,
                    cause=failure.words,
                )
