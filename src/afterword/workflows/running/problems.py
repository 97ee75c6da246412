"""Problems: runs that failed with one cause, counted, with the first time and the last.

A cause is a workflow, the task that failed, and the reason's code. The count is exact: a run is counted when it fails
and no longer when it is replayed or deleted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.alerts.recording import Alert, record_alerts
from afterword.outcomes import Reason
from afterword.store import tables
from afterword.store.database import PlainConnection

NO_TASK = "-"
"""Stands for the task of a run that failed before its first."""

COUNT = """
INSERT INTO problem (workflow_id, task_id, reason_code, reason_words, runs)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
ON CONFLICT (workflow_id, task_id, reason_code) DO UPDATE
SET runs = problem.runs + excluded.runs, reason_words = excluded.reason_words, last_at = now(),
    first_at = CASE WHEN problem.runs = 0 THEN now() ELSE problem.first_at END
RETURNING id, workflow_id, task_id, reason_code, reason_words,
    (SELECT name FROM workflow WHERE workflow.id = workflow_id) AS workflow
"""

ATTACH = """
UPDATE run SET problem_id = failed.problem_id FROM unnest($1::bigint[], $2::bigint[]) AS failed (run_id, problem_id)
WHERE run.id = failed.run_id
"""

DETACH = """
WITH told AS (
    SELECT problem_id, count(*) AS runs FROM run WHERE id = ANY($1::bigint[]) AND problem_id IS NOT NULL
    GROUP BY problem_id
)
UPDATE problem SET runs = greatest(0, problem.runs - told.runs) FROM told WHERE problem.id = told.problem_id
"""


class Failure(msgspec.Struct, frozen=True):
    """A run failed at a task."""

    run_id: int
    workflow_id: str
    task_id: str
    reason: Reason


class Problem(msgspec.Struct, frozen=True):
    """Failed runs with one cause; ``workflow`` is its name, ``None`` when it was deleted."""

    id: int
    workflow_id: str
    workflow: str | None
    task_id: str
    reason_code: str
    reason: str
    runs: int
    first_at: datetime
    last_at: datetime


async def record_failures(
    connection: PlainConnection, failures: Sequence[Failure], *, alert: bool = True
) -> None:
    """Count runs that have just failed and have somebody told, in the transaction that ends them.

    ``alert`` is false where the caller tells in words of its own.
    """
    causes = Counter((failure.workflow_id, failure.task_id, failure.reason.code) for failure in failures)
    if not causes:
        return
    words = {
        (failure.workflow_id, failure.task_id, failure.reason.code): failure.reason.words
        for failure in failures
    }
    in_order = sorted(causes)  # so that two workers that count the same causes do not wait for each other
    rows = await connection.fetch(
        COUNT,
        *([cause[column] for cause in in_order] for column in range(3)),
        [words[cause] for cause in in_order],
        [causes[cause] for cause in in_order],
    )
    problems = {(row["workflow_id"], row["task_id"], row["reason_code"]): row["id"] for row in rows}
    if alert:
        await record_alerts(connection, [_alert(row, causes) for row in rows])
    await connection.execute(
        ATTACH,
        [failure.run_id for failure in failures],
        [problems[failure.workflow_id, failure.task_id, failure.reason.code] for failure in failures],
    )


def _alert(problem: asyncpg.Record, causes: Mapping[tuple[str, str, str], int]) -> Alert:
    task_id = problem["task_id"]
    task = "before the first task" if task_id == NO_TASK else f"at the task {task_id}"
    workflow = problem["workflow"] or "Deleted Workflow"
    return Alert(
        "run-failed",
        f"problem/{problem['id']}",
        f"Runs of the workflow {workflow!r} failed {task}: {problem['reason_words']}.",
        causes[problem["workflow_id"], task_id, problem["reason_code"]],
    )


async def discount(connection: PlainConnection, run_ids: Sequence[int]) -> None:
    """Count these runs no longer, in the transaction that takes them out of their problems."""
    await connection.execute(DETACH, run_ids)


async def list_problems(connection: AsyncConnection, *, limit: int = 100) -> list[Problem]:
    """The problems there are, the latest first."""
    problem, workflow = tables.problem, tables.workflow
    rows = await connection.execute(
        select(
            problem.c.id,
            problem.c.workflow_id,
            workflow.c.name,
            problem.c.task_id,
            problem.c.reason_code,
            problem.c.reason_words,
            problem.c.runs,
            problem.c.first_at,
            problem.c.last_at,
        )
        .outerjoin(workflow, (workflow.c.id == problem.c.workflow_id) & workflow.c.deleted_at.is_(None))
        .where(problem.c.runs > 0)
        .order_by(problem.c.last_at.desc())
        .limit(limit)
    )
    return [Problem(*row) for row in rows]
