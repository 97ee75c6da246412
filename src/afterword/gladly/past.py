"""What Gladly keeps of the past: its events of the last day, reports of any time, exports of the last two weeks."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime

import msgspec

from afterword.gladly import reports
from afterword.gladly.calling import GladlyCalls
from afterword.gladly.errors import GladlyUnreadable, Told
from afterword.gladly.exports import ITEMS_FILE, ExportJob, InvalidExport, read_status_change
from afterword.gladly.models import ConversationMoment
from afterword.gladly.reports import CONVERSATION_TIMESTAMPS, InvalidReport, ReportRequest, Row
from afterword.gladly.times import rfc3339_millis
from afterword.gladly.webhooks import InvalidWebhook, WebhookEvent, parse
from afterword.store.budgets import even_rate

EVENTS = "/api/v1/events"
REPORTS = "/api/v1/reports"
REPORTS_PER_MINUTE = 10
REPORTS_AT_ONCE = 2
REPORT_PATIENCE = 300.0
"""Seconds; a report's turn comes every six."""
EXPORT_JOBS = "/api/v1/export/jobs"
EXPORT_FILE = "/api/v1/export/jobs/{id}/files/{name}"


class GladlyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the Events API: ``body`` as it came, which is what a webhook would have delivered.

    ``event`` is what it tells; ``None`` where it is not in the documented form, and ``problem`` says in what.
    """

    body: bytes
    event: WebhookEvent | None
    problem: str = ""


class PastCalls(GladlyCalls):
    """Reads what happened. Leave a stream early with ``contextlib.aclosing``, so that its connection is closed at once.

    All that streams raises, beside the errors of ``errors.py``, :class:`GladlyTimedOut` when it breaks off; what was
    answered before is whole.
    """

    async def events(
        self, start: datetime, end: datetime | None = None, entities: Sequence[str] = ("CONVERSATION",)
    ) -> AsyncGenerator[GladlyEvent, None]:
        """The events of these entities, by time, from ``start``, which is within the last 24 hours, to ``end`` or now.

        They are up to 15 s behind. Whether ``end`` is included is unsure, and whether their ids are the webhooks'.

        Raises:
            GladlyInvalid: ``start`` is longer ago, or ``end`` is not behind it.
        """
        query = [("startAt", rfc3339_millis(start)), *(("entities", entity) for entity in entities)]
        if end is not None:
            query.append(("endAt", rfc3339_millis(end)))
        async with aclosing(self._lines("GET", EVENTS, query=query)) as lines:
            async for line in lines:
                if body := line.strip():
                    yield _read_event(body)

    async def report(self, request: ReportRequest, needed: Sequence[str] = ()) -> AsyncGenerator[Row, None]:
        """Any report's rows, by the names of its columns; ``needed`` are those that must be there.

        It is cut without a word at about 100,000 rows, and about an hour behind.

        Raises:
            GladlyInvalid: there is no such report, or no such inbox.
            GladlyUnreadable: it is none, or a needed column is missing.
        """
        async with self._report(request) as lines:
            async for row in reports.rows(lines, needed):
                yield row

    async def conversation_timestamps(
        self,
        start: date,
        end: date,
        *,
        timezone: str | None = None,
        channel: str | None = None,
        inboxes: Sequence[str] = (),
    ) -> AsyncGenerator[ConversationMoment, None]:
        """What happened to conversations on these days, the last one included: closings, reopenings and more.

        Cut and behind as :meth:`report`; raises what that does.
        """
        request = ReportRequest(
            metric_set=CONVERSATION_TIMESTAMPS,
            start=start,
            end=end,
            timezone=timezone,
            channel=channel,
            inboxes=inboxes,
        )
        async with self._report(request) as lines:
            async for moment in reports.moments(lines, timezone):
                yield moment

    async def export_jobs(
        self, *, status: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[ExportJob]:
        """The export jobs of the last 14 days; ``start`` and ``end`` are of when they were last updated."""
        query = [] if status is None else [("status", status)]
        query += [
            (name, rfc3339_millis(moment))
            for name, moment in (("startAt", start), ("endAt", end))
            if moment is not None
        ]
        return await self._get(EXPORT_JOBS, list[ExportJob], query=query)

    async def export_job(self, job_id: str) -> ExportJob:
        """An export job."""
        return await self._get(EXPORT_JOBS + "/{id}", ExportJob, job_id)

    async def export_file(self, job_id: str, name: str) -> AsyncGenerator[bytes, None]:
        """The lines of a job's file, each a JSON object."""
        async with aclosing(self._lines("GET", EXPORT_FILE, job_id, name)) as lines:
            async for line in lines:
                if content := line.strip():
                    yield content

    async def exported_status_changes(self, job_id: str) -> AsyncGenerator[ConversationMoment, None]:
        """The closings and reopenings in a job's conversation items.

        Raises:
            GladlyUnreadable: a line that tells of one is not in the documented form.
        """
        async with (
            _readable(f"GET {EXPORT_FILE}"),
            aclosing(self.export_file(job_id, ITEMS_FILE)) as lines,
        ):
            async for line in lines:
                if (moment := read_status_change(line)) is not None:
                    yield moment

    @asynccontextmanager
    async def _report(self, request: ReportRequest) -> AsyncGenerator[AsyncIterator[bytes], None]:
        body = reports.encode_request(request)
        name = f"gladly/{self._budget_name}/reports"
        rate = even_rate(REPORTS_PER_MINUTE, 60.0)
        async with (
            self._budget.at_once(name, REPORTS_AT_ONCE, REPORT_PATIENCE),
            _readable(f"POST {REPORTS}"),
            aclosing(self._lines("POST", REPORTS, body=body)) as lines,
        ):
            await self._budget.wait_for_turn(name, rate, 1.0, REPORT_PATIENCE, use=self._use)
            yield lines


def _read_event(body: bytes) -> GladlyEvent:
    try:
        return GladlyEvent(body=body, event=parse(body))
    except InvalidWebhook as error:
        return GladlyEvent(body=body, event=None, problem=str(error))


@asynccontextmanager
async def _readable(call: str) -> AsyncGenerator[None, None]:
    try:
        yield
    except (InvalidReport, InvalidExport) as error:
        raise GladlyUnreadable(Told(call=call, words=str(error))) from None
