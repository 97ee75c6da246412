"""How each workflow has done lately, for a list of workflows: its newest run, and how many failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_FAILED_COUNTED = 1000

LATEST = """
SELECT wanted.id AS workflow_id, latest.id AS run_id, latest.status, latest.started_at, failures.failed
FROM unnest(CAST(:workflow_ids AS text[])) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT id, status, started_at FROM run WHERE workflow_id = wanted.id ORDER BY id DESC LIMIT 1
) AS latest
CROSS JOIN LATERAL (
    SELECT count(*) AS failed FROM (
        SELECT FROM run WHERE workflow_id = wanted.id AND status = 'failed' LIMIT :most
    ) AS counted
) AS failures
"""


class LatestRun(msgspec.Struct, frozen=True, kw_only=True):
    """The newest run of a workflow, and how many of its runs failed, up to :data:`MOST_FAILED_COUNTED`."""

    workflow_id: str
    run_id: int
    status: str
    started_at: datetime
    failed: int


async def latest_runs(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, LatestRun]:
    """By workflow, of those that ran at all. One query, which reads a row of an index for each."""
    values = {"workflow_ids": list(workflow_ids), "most": MOST_FAILED_COUNTED}
    rows = await connection.execute(text(LATEST), values)
    return {row.workflow_id: LatestRun(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name for it
