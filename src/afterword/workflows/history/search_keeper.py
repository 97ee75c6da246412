"""Keeps the words that runs are found by, a second or so behind the runs themselves.

Nothing that runs do waits for it, and it misses none of them: every new run is looked at once all transactions that
may have made one with a lower number are over; a run that is not at its end is looked at again until it is; one that
began again was put on a list by whoever did that (:func:`look_again`). What was looked at is known by the run's
version. However often it is interrupted, it goes on where it was.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import msgspec
import structlog

from afterword.store.database import Database, PlainConnection
from afterword.workflows.history.concerned import Concerned, concerned, named_by
from afterword.workflows.history.search_document import RunTold, words_of_run
from afterword.workflows.history.search_partitions import make_ahead
from afterword.workflows.running.moves import End

log = structlog.get_logger()

SEARCH_LOCK = 0x736561726368
BATCH_SIZE = 500
MOST_IN_A_TICK = 5000
SETTLE_SECONDS = 3.0
"""A run that runs is usually at its end by then, and so looked at once instead of twice."""
OPEN_NEWEST = 2000
OPEN_IN_TURN = 5000

BY_INDEX = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
"""
"""What is looked at are a few thousand runs of any number: plans that read all of a partition are never right."""

UNKNOWN = """
SELECT last_value AS last, coalesce((SELECT min(id) FROM run WHERE id > runs_until), last_value) AS first
FROM run_id_seq, run_search_progress
"""

NEW = """
SELECT run.id FROM run
LEFT JOIN run_search ON run_search.run_id = run.id AND run_search.run_id > $1 AND run_search.run_id <= $2
WHERE run.id > $1 AND run.id <= $2 AND (run_search.version IS NULL OR run_search.version <> run.version)
  AND ($3 OR run.status <> 'running' OR run.started_at < now() - make_interval(secs => $4))
ORDER BY run.id LIMIT $5
"""

ATTEMPTED = """
SELECT max(id) AS until, array_agg(DISTINCT run_id) AS run_ids
FROM (SELECT id, run_id FROM task_attempt WHERE id > $1 ORDER BY id LIMIT $2) newest
"""

CHANGED = """
SELECT run.id FROM run JOIN run_search ON run_search.run_id = run.id
WHERE run_search.run_id = ANY($1::bigint[]) AND run_search.version <> run.version
"""

NEWEST_OPEN = """
SELECT run.id FROM (SELECT run_id, version FROM run_search WHERE is_open ORDER BY run_id DESC LIMIT $1) open
JOIN run ON run.id = open.run_id WHERE run.version <> open.version
"""

OPEN_FROM = """
SELECT open.run_id, run.version <> open.version AS changed
FROM (SELECT run_id, version FROM run_search WHERE is_open AND run_id > $1 ORDER BY run_id LIMIT $2) open
JOIN run ON run.id = open.run_id ORDER BY open.run_id
"""

WRITING = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'run'::regclass AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

READ = """
SELECT run.id, run.version, run.status, run.workflow_id, run.conversation_id, run.customer_id, run.reason_code,
       run.reason_words, run.outputs, run.ends, event.type AS event_type, event.origin,
       CASE WHEN octet_length(event.body) <= 16384 THEN event.body END AS body,
       event.conversation_id AS closed_conversation_id, response.id AS response_id, response.embedded_data,
       invitation.id AS invitation_id, invitation.first_name, invitation.last_name, invitation.email, attempted.told
FROM run
LEFT JOIN event ON event.id = run.event_id
LEFT JOIN response ON response.id = CASE WHEN event.origin LIKE 'survey/%'
    THEN convert_from(event.deduplication_key, 'UTF8') END
LEFT JOIN invitation ON invitation.id = response.invitation_id
LEFT JOIN LATERAL (
    SELECT jsonb_agg(DISTINCT jsonb_strip_nulls(jsonb_build_object(
        'email', input->'email', 'firstName', input->'firstName', 'lastName', input->'lastName',
        'to', output->'sent'->'to', 'messageId', output->'sent'->'messageId', 'itemId', output->'sent'->'itemId'
    ))) AS told
    FROM task_attempt WHERE run_id = run.id
) attempted ON true
WHERE run.id = ANY($1::bigint[])
"""

WRITE = """
INSERT INTO run_search (run_id, version, is_open, words)
SELECT run_id, version, is_open, array_to_tsvector(string_to_array(words, ' '))
FROM unnest($1::bigint[], $2::int[], $3::bool[], $4::text[]) AS told (run_id, version, is_open, words)
ON CONFLICT (run_id) DO UPDATE
SET version = excluded.version, is_open = excluded.is_open, words = excluded.words
"""

REACHED = """
UPDATE run_search_progress SET runs_until = greatest(runs_until, $1), attempts_until = greatest(attempts_until, $2),
    open_until = $3, changes = changes + $4
"""


class Seen(msgspec.Struct, frozen=True):
    """The numbers that runs had been given at a moment, and the transactions that were writing runs just then."""

    until: int
    writing: frozenset[str]
    at: float


class SearchKeeper:
    """Looks at what changed; every worker may have one, one of them works at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: Seen | None = None

    async def tick(self) -> int:
        """Look at all that is new or changed, a few thousand runs at most; answers how many."""
        for row in await self._database.pool.fetch(UNKNOWN):
            await make_ahead(self._database, row["first"], row["last"])
        async with self._database.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SEARCH_LOCK):
                return 0
            await connection.execute(BY_INDEX)
            return await self._look(connection)

    async def _look(self, connection: PlainConnection) -> int:
        progress = (await connection.fetch("SELECT * FROM run_search_progress"))[0]
        new, runs_until = await self._new(connection, progress["runs_until"])
        attempted = (await connection.fetch(ATTEMPTED, progress["attempts_until"], MOST_IN_A_TICK))[0]
        asked = await connection.fetch("DELETE FROM run_search_due RETURNING run_id")
        known = {*(attempted["run_ids"] or ()), *(row["run_id"] for row in asked)}
        changed = await _ids(connection, CHANGED, list(known))
        newest = await _ids(connection, NEWEST_OPEN, OPEN_NEWEST)
        in_turn = await connection.fetch(OPEN_FROM, progress["open_until"], OPEN_IN_TURN)
        swept = [row["run_id"] for row in in_turn if row["changed"]]
        run_ids = sorted({*new, *changed, *newest, *swept})
        for start in range(0, len(run_ids), BATCH_SIZE):
            await _look_at(connection, run_ids[start : start + BATCH_SIZE])
        await connection.execute(
            REACHED,
            runs_until,
            attempted["until"] or 0,
            in_turn[-1]["run_id"] if len(in_turn) == OPEN_IN_TURN else 0,
            int(bool(run_ids)),
        )
        return len(run_ids)

    async def _new(self, connection: PlainConnection, runs_until: int) -> tuple[list[int], int]:
        """Runs that were never looked at, and how far all of them are known from now on.

        A number is given before its run can be seen, and numbers are not committed in order. Whoever had been given
        one held a lock on the table since before; when all who held it then are done, no run up to there is missing.
        """
        last = await connection.fetchval("SELECT last_value FROM run_id_seq")
        writing = frozenset(row["virtualtransaction"] for row in await connection.fetch(WRITING))
        seen, settled = self._seen, None
        if seen is None:
            self._seen = Seen(last, writing, time.monotonic())
        elif time.monotonic() - seen.at >= SETTLE_SECONDS and not seen.writing & writing:
            settled, self._seen = seen.until, Seen(last, writing, time.monotonic())
        found: list[int] = []
        if settled is not None and settled > runs_until:
            found = await _ids(
                connection,
                NEW,
                runs_until,
                settled,
                True,
                SETTLE_SECONDS,
                MOST_IN_A_TICK,
            )
            runs_until = settled if len(found) < MOST_IN_A_TICK else found[-1]
        room = MOST_IN_A_TICK - len(found)
        if room:
            found += await _ids(connection, NEW, runs_until, last, False, SETTLE_SECONDS, room)
        return found, runs_until


async def look_again(connection: PlainConnection, run_ids: Sequence[int]) -> None:
    """Have runs looked at again that were at their end; in the transaction that changes them."""
    await connection.execute("INSERT INTO run_search_due (run_id) SELECT unnest($1::bigint[])", run_ids)


async def _ids(connection: PlainConnection, query: str, *values: object) -> list[int]:
    return [row["id"] for row in await connection.fetch(query, *values)]


async def _look_at(connection: PlainConnection, run_ids: Sequence[int]) -> None:
    rows = await connection.fetch(READ, run_ids)
    words = await asyncio.to_thread(_words, rows)  # so that the worker's runs are not held up meanwhile
    await connection.execute(
        WRITE,
        [row["id"] for row in rows],
        [row["version"] for row in rows],
        [row["status"] in {"running", "waiting"} for row in rows],
        words,
    )


def _words(rows: Iterable[asyncpg.Record]) -> list[str]:
    return [" ".join(_words_of(row)) for row in rows]


def _words_of(row: asyncpg.Record) -> list[str]:
    """The words of one run; one that cannot be read is found by nothing, and does not keep others from being found."""
    try:
        return words_of_run(told_of(row))
    except Exception:  # noqa: BLE001 - whatever somebody's event or output holds
        log.warning("run_without_words", run_id=row["id"])
        return []


def told_of(row: asyncpg.Record) -> RunTold:
    """What a row of the keeper's query tells."""
    outputs: dict[str, dict[str, Any]] = msgspec.json.decode(row["outputs"])
    about = concerned(
        row["origin"] or "",
        row["body"],
        embedded_data=msgspec.json.decode(row["embedded_data"]) if row["embedded_data"] else None,
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
    )
    conversation_id = row["conversation_id"] or row["closed_conversation_id"] or about.conversation_id
    ids = (row["customer_id"], row["response_id"], row["invitation_id"], conversation_id)
    return RunTold(
        status=row["status"],
        workflow_id=row["workflow_id"],
        event_type=row["event_type"],
        reason_code=row["reason_code"],
        reason_words=row["reason_words"],
        ends=msgspec.json.decode(row["ends"], type=dict[str, End]),
        concerned=named_by(outputs, Concerned(about.customer, conversation_id)),
        ids=tuple(one for one in ids if one),
        told=(
            *outputs.values(),
            _fields_of(row["body"]),
            *(msgspec.json.decode(row["told"]) if row["told"] else ()),
        ),
    )


def _fields_of(body: str | None) -> dict[str, Any]:
    """The fields at the top of an event, whatever it is."""
    try:
        fields = msgspec.json.decode(body or "{}")
    except (msgspec.DecodeError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}
