"""Gladly's export: files of conversations' items, of the last 14 days, made by a schedule of the organization's."""

from collections.abc import Sequence
from contextlib import aclosing

import msgspec

from afterword.backfill.finding import Found
from afterword.backfill.retelling import Retelling
from afterword.backfill.rows import Missing
from afterword.backfill.slices import Span
from afterword.gladly.client import GladlyClient
from afterword.gladly.exports import ITEMS_FILE, ExportJob
from afterword.gladly.webhooks import MUST_NAME_A_CONVERSATION

COMPLETED = "COMPLETED"


class Exported(msgspec.Struct, frozen=True):
    """What the files tell, and of which times they are."""

    found: Sequence[Found]
    missing: Sequence[Missing]
    covered: Sequence[Span]


async def read(client: GladlyClient, span: Span) -> Exported:
    """The closings and reopenings of a time, as far as files are there."""
    retelling = Retelling(ITEMS_FILE, "export")
    covered = []
    for job in await client.export_jobs(status=COMPLETED):
        of_job = _span_of(job)
        if of_job is None or of_job.until <= span.since or of_job.since >= span.until:
            continue
        async with aclosing(client.exported_status_changes(job.id)) as moments:
            async for moment in moments:
                if span.since <= moment.at < span.until and moment.type in MUST_NAME_A_CONVERSATION:
                    retelling.add(moment)
        covered.append(of_job)
    missing = [Missing(since=span.since, until=span.until, words=words) for words in retelling.problems]
    found = sorted(retelling.found.values(), key=lambda one: one.occurred_at)
    return Exported(found, missing, covered)


def _span_of(job: ExportJob) -> Span | None:
    """The time that a job's files are of; ``None`` for one that has no such file."""
    times = job.parameters
    if times is None or times.start_at is None or times.end_at is None or ITEMS_FILE not in (job.files or ()):
        return None
    return Span(times.start_at, times.end_at)
