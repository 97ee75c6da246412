"""The installation in numbers, for a monitoring that asks again and again: a few queries by index, whatever there is.

What has happened since the beginning is told by the sequences that number it: counting costs nothing.
"""

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 100_000
"""Rows of one kind are counted so far: a backlog beyond that is told as that."""

NUMBERS = text("""
SELECT (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_id_seq) AS events,
       (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM run_id_seq) AS runs,
       (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM task_attempt_id_seq) AS attempts,
       (SELECT count(*) FROM (SELECT FROM event WHERE status = 'received' LIMIT :most) AS inbox) AS inbox,
       (SELECT extract(epoch FROM now() - received_at)::float8 FROM event WHERE status = 'received'
        ORDER BY id LIMIT 1) AS oldest_in_inbox_seconds,
       (SELECT greatest(0, extract(epoch FROM now() - min(due_at)))::float8 FROM run
        WHERE status IN ('running', 'waiting') AND due_at <= now()) AS longest_due_seconds,
       (SELECT count(*) FROM event_gap WHERE state = 'open') AS open_gaps,
       EXISTS (SELECT FROM sending_pause) AS is_paused
""")

OPEN_RUNS = text("""
SELECT status, coalesce(regexp_replace(waiting_for, '/.*', ''), '') AS waiting_for, count(*)
FROM (SELECT status, waiting_for FROM run WHERE status IN ('running', 'waiting') LIMIT :most) AS under_way GROUP BY 1, 2
""")

FAILED_RUNS = text(
    "SELECT workflow_id, reason_code, sum(runs)::bigint FROM problem GROUP BY 1, 2 ORDER BY 1, 2"
)

ACCOUNTS = text("""
SELECT account.id, account.kind,
       coalesce(bool_and(standing.state IS NULL OR standing.state NOT IN ('open', 'refused')), true), webhook.state
FROM connected_account AS account
LEFT JOIN account_availability AS standing ON standing.account_id = account.id
LEFT JOIN gladly_webhook AS webhook ON webhook.account_id = account.id
GROUP BY account.id, account.kind, webhook.state ORDER BY account.id
""")


class OpenRuns(msgspec.Struct, frozen=True):
    """Runs that are not at their end; ``waiting_for`` is what kind of thing holds them, empty for none."""

    status: str
    waiting_for: str
    runs: int


class FailedRuns(msgspec.Struct, frozen=True):
    """Runs that failed and were not replayed since."""

    workflow_id: str
    reason_code: str
    runs: int


class AccountMeasured(msgspec.Struct, frozen=True):
    """A connected account; ``webhook`` is the state of the one that Gladly has of ours, if it was looked at."""

    id: str
    kind: str
    answers: bool
    webhook: str | None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. ``events``, ``runs`` and ``attempts`` only ever grow; times are in seconds, ``None`` for no such."""

    events: int
    runs: int
    attempts: int
    inbox: int
    oldest_in_inbox_seconds: float | None
    longest_due_seconds: float | None
    open_gaps: int
    is_paused: bool
    open_runs: tuple[OpenRuns, ...]
    failed_runs: tuple[FailedRuns, ...]
    accounts: tuple[AccountMeasured, ...]


async def measure(connection: AsyncConnection) -> Measured:
    """How it is now."""
    numbers = (await connection.execute(NUMBERS, {"most": MOST})).mappings().one()
    open_runs = await connection.execute(OPEN_RUNS, {"most": MOST})
    failed_runs = await connection.execute(FAILED_RUNS)
    accounts = await connection.execute(ACCOUNTS)
    return Measured(
        **{name: numbers[name] for name in Measured.__struct_fields__ if name in numbers},
        open_runs=tuple(OpenRuns(*row) for row in open_runs),
        failed_runs=tuple(FailedRuns(*row) for row in failed_runs),
        accounts=tuple(AccountMeasured(*row) for row in accounts),
    )
