"""Runs by the million, made by SQL as the engine and the keeper of search would have left them.

Every run is of another conversation; customers come again every few runs. One workflow never failed, one never
succeeded. Tables are filled before their indexes are made, which is several times faster.
"""

import asyncio
import sys
import time

import asyncpg

from afterword.workflows.history.search_partitions import PARTITION_RUNS, name_of, partition_of

WORKFLOWS = 20
NEVER_FAILED, NEVER_SUCCEEDED = "OC_wf3", "OC_wf7"
ENDPOINT = "OC_bench"
SURVEY = "SV_bench"
FIRST_NAMES, LAST_NAMES = 500, 20_000
RUNS_A_CUSTOMER = 8
SAMPLE = 500
REVISIONS = 5
"""Of each workflow; each was the current one for as many runs."""

WORKFLOWS_SQL = """
INSERT INTO survey (id, name, definition) VALUES ('SV_bench', 'CSAT', '{}');
INSERT INTO workflow (id, name, is_on) SELECT 'OC_wf' || n, 'Workflow ' || n, true FROM generate_series(0, 19) n;
INSERT INTO workflow_revision (workflow_id, number, definition)
SELECT 'OC_wf' || n, 1, jsonb_build_object(
    'event', jsonb_build_object('type', 'json-event', 'endpoint', 'OC_bench'),
    'tasks', jsonb_build_array(jsonb_build_object('id', 'T-1', 'type', 'distribute-survey', 'label', 'Ask',
        'configuration', jsonb_build_object('survey', CASE WHEN n < 4 THEN 'SV_bench' ELSE 'SV_other' END))))
FROM generate_series(0, 19) n;
"""

REVISIONS_SQL = f"""
INSERT INTO workflow_revision (workflow_id, number, definition, created_at)
SELECT workflow_id, revision, definition,
       now() - make_interval(secs => ($1::bigint - $1::bigint * (revision - 1) / {REVISIONS}) * 3.0)
FROM workflow_revision CROSS JOIN generate_series(2, {REVISIONS}) revision
"""

FACTS = """
SELECT n, left(md5('v' || n), 22) AS conversation, left(md5('c' || n / 8), 22) AS customer,
       'first' || (n / 8 * 7919 % 500) AS first_name, 'last' || (n / 8 * 104729 % 20000) AS last_name,
       left(md5('d' || n), 15) AS distribution, 'OC_wf' || n % 20 AS workflow_id,
       CASE WHEN n % 20 = 7 THEN CASE WHEN n % 3 = 0 THEN 'skipped' ELSE 'failed' END
            WHEN n % 20 = 3 THEN 'succeeded'
            WHEN n % 61 = 0 THEN 'skipped' WHEN n % 97 = 0 THEN 'failed' WHEN n % 389 = 0 THEN 'waiting'
            ELSE 'succeeded' END AS status
FROM generate_series($1::bigint, $2::bigint) n
"""

TOLD = """
SELECT *, first_name || '.' || last_name || n / 8 % 1000 || '@mail' || n % 40 || '.example' AS email,
       CASE status WHEN 'skipped' THEN 'customer-has-no-email' WHEN 'failed' THEN 'gladly-unavailable'
                   WHEN 'waiting' THEN 'survey-scheduled' END AS reason_code,
       CASE status WHEN 'skipped' THEN 'the customer has no email address in Gladly'
                   WHEN 'failed' THEN 'Gladly cannot answer now'
                   WHEN 'waiting' THEN 'the survey is to be sent later' END AS reason_words
FROM facts
"""

EVENTS = f"""
WITH facts AS ({FACTS}), told AS ({TOLD})
INSERT INTO event (id, origin, type, body, status, received_at) OVERRIDING SYSTEM VALUE
SELECT n, 'json-event/OC_bench', 'JSON Event',
       json_build_object('customerId', customer, 'conversationId', conversation, 'customerFirstName', first_name,
                         'customerLastNames', last_name, 'customerEmailAddress', email)::text,
       'matched', now() - make_interval(secs => ($3 - n) * 3.0)
FROM told
"""

RUNS = f"""
WITH facts AS ({FACTS}), told AS ({TOLD})
INSERT INTO run (id, workflow_id, revision, event_id, status, position, version, outputs, conversation_id, customer_id,
                 reason_code, reason_words, started_at, due_at, finished_at) OVERRIDING SYSTEM VALUE
SELECT n, workflow_id, 1 + (n - 1) * {REVISIONS} / $3, n, status, CASE status WHEN 'waiting' THEN 0 ELSE 1 END, 1,
       CASE WHEN status = 'succeeded' THEN
           jsonb_build_object('T-1', jsonb_build_object('distributionId', 'EMD_' || distribution)) ELSE '{{}}' END,
       conversation, customer, reason_code, reason_words, now() - make_interval(secs => ($3 - n) * 3.0),
       now() + interval '1 day',
       CASE WHEN status <> 'waiting' THEN now() - make_interval(secs => ($3 - n) * 3.0) END
FROM told
"""

WORDS = f"""
WITH facts AS ({FACTS}), told AS ({TOLD})
INSERT INTO {{table}} (run_id, version, is_open, words)
SELECT n, 1, status = 'waiting', array_to_tsvector(array_remove(ARRAY[
    '=status:' || status, '=workflow:' || lower(workflow_id), '=event:json_event', '=reason:' || reason_code,
    conversation, customer, '~' || first_name, '~' || last_name, '~' || email, '~' || split_part(email, '@', 2),
    '~' || split_part(split_part(email, '@', 1), '.', 2), '~mail' || n % 40,
    CASE WHEN status = 'succeeded' THEN 'emd_' || distribution END, CASE WHEN status = 'succeeded' THEN 'emd' END,
    CASE WHEN status = 'succeeded' THEN distribution END
] || CASE WHEN reason_code IS NULL THEN ARRAY[]::text[]
          ELSE string_to_array(lower(replace(reason_code, '-', ' ') || ' ' || reason_code || ' ' || reason_words), ' ')
     END, NULL))
FROM told
"""

INDEXES = """
SELECT indexdef FROM pg_indexes WHERE tablename = ANY($1::text[]) AND indexname NOT LIKE '%pkey' ORDER BY indexname
"""


async def make_runs(url: str, number: int) -> None:
    """Fill events, runs and the words of search, over two connections."""
    one, other = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        for connection in (one, other):
            await connection.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
        await one.execute(WORKFLOWS_SQL)
        await one.execute(REVISIONS_SQL, number)
        await asyncio.gather(_make_rows(one, number), _make_words(other, number))
        for table in ("run", "event"):
            await one.execute(f"SELECT setval('{table}_id_seq', {number})")
        await one.execute(f"UPDATE run_search_progress SET runs_until = {number}")
        await asyncio.gather(one.execute("VACUUM ANALYZE run"), other.execute("VACUUM ANALYZE event"))
        await one.execute("CHECKPOINT") if await _may_checkpoint(one) else None
    finally:
        await one.close()
        await other.close()


async def _may_checkpoint(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE')"))


async def _make_rows(connection: asyncpg.Connection, number: int) -> None:
    began = time.monotonic()
    definitions = [row["indexdef"] for row in await connection.fetch(INDEXES, ["run", "event"])]
    await connection.execute("ALTER TABLE run DROP CONSTRAINT run_event_id_workflow_id_key")
    for definition in definitions:
        name = definition.split(" INDEX ")[1].split()[0]
        await connection.execute(f"DROP INDEX IF EXISTS {name}")
    async with connection.transaction():
        await connection.execute("TRUNCATE event, run")
        for first in range(1, number + 1, PARTITION_RUNS):
            last = min(first + PARTITION_RUNS - 1, number)
            for statement in (EVENTS, RUNS):
                await connection.execute(statement, first, last, number)
    _say("events and runs", began)
    for definition in definitions:
        await connection.execute(definition)
    await connection.execute(
        "ALTER TABLE run ADD CONSTRAINT run_event_id_workflow_id_key UNIQUE USING INDEX run_event_id_workflow_id_key"
    )
    _say("their indexes", began)


async def _make_words(connection: asyncpg.Connection, number: int) -> None:
    began = time.monotonic()
    for partition in range(partition_of(number) + 2):
        name, first = name_of(partition), partition * PARTITION_RUNS
        end = first + PARTITION_RUNS
        async with connection.transaction():
            await connection.execute(f"CREATE TABLE {name} (LIKE run_search INCLUDING DEFAULTS)")
            last = min(end - 1, number)
            if last >= first:
                await connection.execute(WORDS.replace("{table}", name), max(first, 1), last)
            await connection.execute(
                f"ALTER TABLE run_search ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
            )
        if partition % 8 == 0:
            await connection.execute(f"VACUUM ANALYZE {name}")
            _say(f"words of {first:,} runs", began)
    _say("words and their indexes", began)


def _say(what: str, began: float) -> None:
    print(f"{time.monotonic() - began:8.0f} s: {what}", file=sys.stderr, flush=True)
